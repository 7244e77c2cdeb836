// One module without dependencies. Every page works without it; it makes typing, uploading and waiting easier.
const $ = (selector, from = document) => from.querySelector(selector);
const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
const root = () => $(".mieterportal");
const word = (name) => $("[data-worte]")?.dataset[name] ?? "";
const chooser = (form) => $("input[type=file]", form);
const parse = (html) => new DOMParser().parseFromString(html, "text/html");
const framed = window.parent !== window;
const turns = new WeakMap(); // form → its requests, one after the other
const timers = new WeakMap(); // form, idle or limit → what will happen
const idle = {};
const limit = {};
let session = ""; // header mode: lives in this page's memory only
let origins = [];
let topUrl = "";
let search;

const headers = (accept) => ({ Accept: accept, ...(session && { Authorization: `Portal-Session ${session}` }) });

async function load(url, options = {}) {
	const response = await fetch(url, { credentials: "same-origin", headers: headers("text/html"), ...options });
	watchIdle();
	announce();
	return response;
}

function later(key, wait, job) {
	clearTimeout(timers.get(key));
	timers.set(key, setTimeout(job, wait));
}

function say(text, form) {
	const place = (form && $("[data-status]", form)) ?? $("[data-ansage]");
	if (place) place.textContent = text;
}

// Regions

function swap(fresh, id, always = false) {
	const old = document.getElementById(id);
	const next = fresh.getElementById(id);
	if (!old || !next || (!always && old.contains(document.activeElement))) return false;
	const same = (region) => region.dataset.stand ?? region.innerHTML;
	if (same(old) === same(next)) return false;
	old.replaceWith(next);
	return true;
}

// What the server made of a draft. A field is never touched, since somebody may be typing in it.
function take(fresh, form) {
	if (!$("#notfall, #dateien, #entwurf", fresh)) return say(word("unsaved"), form);
	say("", form);
	for (const name of ["csrf_token", "idempotency_key"]) {
		const field = $(`#formular [name=${name}]`, fresh);
		if (field) form.elements[name].value = field.value;
	}
	swap(fresh, "entwurf");
	if ($("#notfall[data-blocking]", fresh)) return swap(fresh, "bericht", true) && focusHeading();
	renew(fresh);
}

// A number that was right for another home must not stay, not even while its box has the focus.
function renew(fresh) {
	const box = $("#notfall");
	const held = box?.contains(document.activeElement) ? document.activeElement : null;
	const ticked = box && $("input", box)?.checked;
	if (!swap(fresh, "notfall", Boolean($("#notfall .mp-alarm", fresh)))) return;
	const tick = $("#notfall input");
	if (tick && ticked !== undefined) tick.checked = ticked;
	if (held) $(held.id ? `#${held.id}` : "#notfall a")?.focus();
	else $("#notfall .mp-alarm")?.scrollIntoView({ block: "center" });
}

// Drafts

function inTurn(form, job) {
	const turn = (turns.get(form) ?? Promise.resolve()).then(job).catch(() => say(word("unsaved"), form));
	turns.set(form, turn);
	turn.then(() => turns.get(form) === turn && turns.delete(form));
	return turn;
}

function draft(form, aktion) {
	clearTimeout(timers.get(form));
	timers.delete(form);
	const data = new FormData(form);
	data.delete(chooser(form)?.name);
	data.set("aktion", aktion);
	return data;
}

const save = (form, keepalive = false) =>
	inTurn(form, async () => {
		const response = await load(form.action, { method: "POST", body: draft(form, "speichern"), keepalive });
		take(parse(await response.text()), form);
	});

const remove = (form, aktion) =>
	inTurn(form, async () => {
		const response = await load(form.action, { method: "POST", body: draft(form, aktion) });
		const fresh = parse(await response.text());
		take(fresh, form);
		if (swap(fresh, "dateien", true)) say(word("removed"));
		chooser(form).focus();
	});

function upload(form, file) {
	const list = $("[data-uploads]", form);
	const row = $("[data-upload]", form).content.firstElementChild.cloneNode(true);
	const xhr = new XMLHttpRequest();
	const fail = (text) => {
		$("[data-problem]", row).textContent = text;
		$("progress", row).remove();
		say(`${file.name}: ${text}`);
	};
	let cancelled = false;
	$("[data-name]", row).textContent = file.name;
	$("[data-abbrechen]", row).onclick = () => {
		cancelled = true;
		xhr.abort();
		row.remove();
		chooser(form).focus();
	};
	list.hidden = false;
	list.append(row);
	const send = (done) => {
		if (cancelled) return done();
		const data = draft(form, "hochladen");
		data.append(chooser(form).name, file);
		xhr.open("POST", form.action);
		for (const [name, value] of Object.entries(headers("text/html"))) xhr.setRequestHeader(name, value);
		xhr.upload.onprogress = (event) => {
			$("progress", row).value = event.loaded / event.total;
		};
		xhr.onloadend = () => {
			done();
			if (cancelled) return;
			watchIdle();
			const fresh = parse(xhr.responseText);
			const problem = $("#feld-anhaenge-fehler", fresh);
			if (!$("#dateien", fresh)) return fail(word(xhr.status === 413 ? "large" : "failed"));
			problem?.remove();
			take(fresh, form);
			swap(fresh, "dateien", true);
			if (problem) return fail(problem.lastChild.textContent);
			row.remove();
			say(`${word("uploaded")} ${file.name}`);
		};
		xhr.send(data);
	};
	inTurn(form, () => new Promise(send));
}

// Header mode: where cookies are kept back in a frame, pages are fetched and shown in place.

async function visit(url, options) {
	const response = await load(url, options).catch(() => null);
	return response ? show(response, url) : offline();
}

function offline() {
	say(word("offline"), $("form[data-busy]"));
	release();
}

async function show(response, url) {
	if (response.headers.get("Content-Disposition")?.startsWith("attachment")) return keep(response, url);
	if (session && !response.headers.get("Content-Type")?.includes("html")) return leave();
	const fresh = parse(await response.text());
	document.title = fresh.title;
	document.documentElement.lang = fresh.documentElement.lang;
	document.body.replaceChildren(...fresh.body.childNodes);
	for (const link of topUrl ? $$("[data-top]") : []) link.href = topUrl;
	start();
	const anchor = new URL(url, location).hash.slice(1);
	if (anchor) document.getElementById(anchor)?.scrollIntoView();
	else if (!$("[data-fehler]")) focusHeading();
}

// The session is over: what anybody may see of the first page says where to sign in.
function leave() {
	session = "";
	visit(root().dataset.home);
}

async function keep(response, url) {
	const link = document.createElement("a");
	link.href = URL.createObjectURL(await response.blob());
	link.download =
		decodeURIComponent(/filename\*=UTF-8''([^;]+)/i.exec(response.headers.get("Content-Disposition"))?.[1] ?? "") ||
		url.split("/").pop();
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// Where the session lives in this page's memory, a picture that the browser asked for by itself came without it.
async function pictures() {
	for (const picture of session ? $$(".mp-seiten img, .mp-klein") : []) {
		const response = await load(picture.src, { headers: headers("image/*") }).catch(() => null);
		if (!response?.ok || !picture.isConnected) continue;
		picture.onload = () => URL.revokeObjectURL(picture.src);
		picture.src = URL.createObjectURL(await response.blob());
	}
}

function focusHeading() {
	const heading = $(".mieterportal h1");
	heading?.setAttribute("tabindex", "-1");
	heading?.focus();
}

function send(form, submitter) {
	const data = new FormData(form, submitter);
	const url = submitter?.getAttribute("formaction") ?? form.action;
	if (form.method === "get") return visit(`${url.split("?")[0]}?${new URLSearchParams(data)}`);
	const options = { method: "POST", body: form.enctype.startsWith("multipart") ? data : new URLSearchParams(data) };
	if (form.matches("[data-abmelden]")) load(url, options).then(leave, leave);
	else visit(url, options);
}

// The entry of the iframe: a nonce goes out to the site around it, a token comes back.

function signOn(box) {
	const { nonce, proof, action } = box.dataset;
	origins = JSON.parse(box.dataset.origins);
	topUrl = $("[data-top]", box).href;
	addEventListener("message", async function receive({ source, origin, data }) {
		if (source !== window.parent || !origins.includes(origin) || data?.type !== "portal:token") return;
		removeEventListener("message", receive);
		const body = new URLSearchParams({ token: data.token, nonce, nonce_proof: proof });
		try {
			const response = await load(action, { method: "POST", body, headers: headers("application/json") });
			const answer = await response.json();
			if (!response.ok) throw answer;
			await proceed(answer);
		} catch {
			$("[data-status]", box).hidden = true;
			$("[data-fehlschlag]", box).hidden = false;
		}
	});
	if (framed) for (const origin of origins) window.parent.postMessage({ type: "portal:nonce", nonce }, origin);
}

async function proceed(answer) {
	session = answer.session ?? "";
	if (session) await visit(answer.next);
	else location.replace(answer.next);
}

// Signing in at the portal itself, in a frame: the answer is a session, or the page again with what is wrong.
async function enter(form, submitter) {
	const body = new URLSearchParams(new FormData(form, submitter));
	const accept = headers("application/json, text/html");
	const response = await load(form.action, { method: "POST", body, headers: accept }).catch(() => null);
	if (!response) return offline();
	if (!response.ok || !response.headers.get("Content-Type")?.includes("json")) return show(response, form.action);
	const answer = await response.json();
	topUrl = new URL(answer.next, location).href;
	await proceed(answer);
}

// Time and size

function watchIdle() {
	const box = $("[data-sitzung]");
	const seconds = Number(root()?.dataset.idle);
	if (!box || !seconds) return;
	box.replaceChildren();
	later(idle, (seconds - 300) * 1000, () => {
		box.append($("[data-sitzung-warnung]").content.cloneNode(true));
		later(idle, 300000, () => over(box));
	});
}

// However busy somebody is, a session lasts twelve hours; the page says how much of that is left.
function watchLimit() {
	const box = $("[data-ende]");
	const seconds = Number(root()?.dataset.left);
	clearTimeout(timers.get(limit));
	if (!box || !seconds) return;
	later(limit, Math.max(0, seconds - 300) * 1000, () => {
		box.append($("[data-ende-warnung]").content.cloneNode(true));
		later(limit, Math.min(seconds, 300) * 1000, () => over(box));
	});
}

// Several tabs of one browser share a session: what is done in one keeps it alive for the others, too.
const tabs = channel();
const announce = () => session || tabs.postMessage(root()?.dataset.home);
tabs.onmessage = ({ data }) => session || data !== root()?.dataset.home || watchIdle();

// A browser that keeps cookies back in a frame may keep this back, too.
function channel() {
	try {
		return new BroadcastChannel("mieterportal");
	} catch {
		return { postMessage() {} };
	}
}

// Whoever comes to this screen after the session is to find nothing of it, but what could not be kept as a draft.
function over(box) {
	const said = word("ended");
	const link = document.createElement("a");
	const unkept = (form) =>
		timers.has(form) || turns.has(form) || $("[data-status]", form)?.textContent === word("unsaved");
	box.textContent = said;
	for (const one of [idle, limit]) clearTimeout(timers.get(one));
	if ($$("form[data-entwurf]").some(unkept)) return;
	session = "";
	document.title = said;
	link.className = "mp-button";
	link.href = root().dataset.home;
	link.textContent = word("again");
	root().replaceChildren(box, link);
	link.focus();
}

async function stay() {
	await load(root().dataset.home).catch(() => null);
	const box = $("[data-sitzung]");
	box.textContent = word("stayed");
	box.focus();
	setTimeout(() => box.replaceChildren(), 5000);
}

const size = new ResizeObserver(() => {
	const height = Math.ceil(root()?.getBoundingClientRect().height ?? 0);
	for (const origin of origins) window.parent.postMessage({ type: "portal:height", height }, origin);
});

function release() {
	for (const form of $$("form[data-busy]")) {
		delete form.dataset.busy;
		for (const button of $$("button", form)) button.removeAttribute("aria-disabled");
	}
}

function hold(form, text) {
	form.dataset.busy = "";
	for (const button of $$("button", form)) button.setAttribute("aria-disabled", "true");
	say(text, form);
}

// What people do

addEventListener("input", ({ target }) => {
	const form = target.form;
	if (form?.matches("[data-search]")) later(form, 250, () => find(form));
	else if (form?.matches("[data-entwurf]") && target.type !== "file") {
		later(form, /radio|checkbox|select/.test(target.type) ? 0 : 1500, () => save(form));
	}
});

async function find(form) {
	search?.abort();
	search = new AbortController();
	try {
		const query = new URLSearchParams(new FormData(form));
		const response = await load(`${form.action.split("?")[0]}?${query}`, { signal: search.signal });
		if (!response.ok) return;
		const fresh = parse(await response.text());
		for (const region of $$("[data-swap]", fresh)) swap(fresh, region.id);
		say($("[data-sagen]")?.textContent ?? "");
	} catch {
		// the button of the form still finds it
	}
}

addEventListener("change", ({ target }) => {
	if (target.type !== "file" || !target.form?.matches("[data-entwurf]")) return;
	const files = [...target.files];
	target.value = "";
	for (const row of $$("[data-uploads] li", target.form)) if (!$("progress", row)) row.remove();
	for (const file of files) upload(target.form, file);
});

addEventListener("submit", (event) => {
	const { target: form, submitter } = event;
	if (!form.closest(".mieterportal") || event.defaultPrevented) return;
	const aktion = submitter?.value ?? "";
	const waiting = turns.get(form);
	if ("busy" in form.dataset) return event.preventDefault();
	if (aktion.startsWith("entfernen:")) {
		event.preventDefault();
		remove(form, aktion);
	} else if (waiting) {
		event.preventDefault();
		hold(form, word("waiting"));
		waiting.then(() => {
			release();
			form.requestSubmit(submitter);
		});
	} else {
		clearTimeout(timers.get(form));
		if (form.method === "post") hold(form, word("sending"));
		if (form.matches("[data-entwurf]") && aktion === "absenden") remember(form);
		const entering = framed && form.matches("[data-anmeldung]");
		if (!session && !entering) return;
		event.preventDefault();
		(entering ? enter : send)(form, submitter);
	}
});

addEventListener("click", (event) => {
	const link = event.target.closest?.(".mieterportal a[href]");
	if (event.target.closest?.("[data-bleiben]")) stay();
	if (!link) return;
	const url = link.getAttribute("href");
	if (url.startsWith("#feld-") || link.closest("[data-fehler]")) {
		const field = document.getElementById(url.slice(1));
		const input = field?.matches("fieldset") ? $("input:checked, input", field) : field;
		if (!input) return;
		event.preventDefault();
		input.focus();
		(field.closest(".mp-field") ?? field).scrollIntoView();
	} else if (session && !link.target && link.origin === location.origin && !url.startsWith("#")) {
		if (event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
		event.preventDefault();
		visit(link.href);
	}
});

// Nothing typed is lost when the page is left before its turn to be saved came.
addEventListener("visibilitychange", () => {
	for (const form of $$("form[data-entwurf]")) {
		if (document.hidden && timers.has(form) && !("busy" in form.dataset)) save(form, true);
	}
});

addEventListener("pageshow", release);

// A letter's QR code leads here with its code after the #, which no server sees; the address forgets it at once.
function fillFromLetter() {
	const field = $("form[data-brief] [name=code]");
	const code = /^#code=([\w-]+)$/.exec(location.hash)?.[1];
	if (!field || !code) return;
	if (!field.value) field.value = code;
	history.replaceState(history.state, "", location.pathname + location.search);
}

// Back shows a form that was sent as a new one, with what was typed in it: it would be filed twice. Under the key it was
// sent with, the portal sees that it has it already.
const keys = (form) => ["csrf_token", "idempotency_key"].map((name) => $(`[name=${name}]`, form));

function remember(form) {
	history.replaceState({ ...history.state, sent: keys(form).map((input) => input.value) }, "");
}

function remind() {
	const form = $("form[data-entwurf]");
	const sent = performance.getEntriesByType("navigation")[0]?.type === "back_forward" && history.state?.sent;
	if (!form || !sent) return;
	for (const [at, input] of keys(form).entries()) input.value = sent[at];
}

function start() {
	const here = root();
	if (!here) return;
	here.classList.add("is-live");
	here.classList.toggle("is-framed", framed);
	if (here.dataset.origins && framed) origins = JSON.parse(here.dataset.origins);
	size.disconnect();
	if (framed) size.observe(here);
	$("[data-fehler]")?.focus();
	watchIdle();
	watchLimit();
	if (here.dataset.idle) announce();
	fillFromLetter();
	pictures();
	const box = $("[data-sso]");
	if (box) signOn(box);
}

start();
remind();
