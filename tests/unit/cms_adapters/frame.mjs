// Puts the element (argument 1, an address) into a browser of a few lines, sends it one message for each case on
// standard input, and prints what it did each time.
import { readFileSync } from "node:fs";

const cases = JSON.parse(readFileSync(0, "utf8"));
const listeners = new Set();
let given;
let done;
let frame;

class FakeElement {
	style = {};
	attributes = {};
	getAttribute = (name) => this.attributes[name] ?? null;
	setAttribute(name, value) {
		this.attributes[name] = value;
	}
	replaceChildren() {}
	prepend(node) {
		done.said.push(node.textContent);
	}
}

async function fetchToken(url, { method, body, credentials }) {
	done.fetched.push([url, method, String(body), credentials]);
	const { status = 200, body: text = '{"token": "T"}' } = given.answer ?? {};
	if (status === 0) throw new TypeError("no network");
	return new Response(text, { status });
}

Object.assign(globalThis, {
	HTMLElement: FakeElement,
	customElements: { define: (name, type) => Object.assign(globalThis, { [name]: type }) },
	document: {
		baseURI: "https://www.example.de/mieter",
		createElement: (name) => (name === "iframe" ? frame : new FakeElement()),
	},
	addEventListener: (_, listener) => listeners.add(listener),
	removeEventListener: (_, listener) => listeners.delete(listener),
	location: { reload: () => done.reloads++ },
	fetch: fetchToken,
});
performance.getEntriesByType = () => [{ type: given.navigation ?? "navigate" }];
await import(process.argv[2]);

async function played() {
	done = { src: null, fetched: [], posted: [], said: [], reloads: 0, height: null };
	frame = new FakeElement();
	frame.contentWindow = { postMessage: (data, origin) => done.posted.push([data, origin]) };
	const element = new globalThis["mieter-portal"]();
	element.setAttribute("src", "https://portal.example.test/musterbau/sso/website");
	element.setAttribute("token-url", "/portal-token");
	element.connectedCallback();
	if (given.removed) element.disconnectedCallback();
	const source = given.source === "other" ? {} : frame.contentWindow;
	for (const listener of listeners) listener.handleEvent({ source, origin: given.origin, data: given.data });
	listeners.clear();
	await new Promise((resolve) => setTimeout(resolve, 20));
	return { ...done, src: frame.src, height: frame.style.blockSize ?? null };
}

const results = [];
for (given of cases) results.push(await played());
console.log(JSON.stringify(results));
