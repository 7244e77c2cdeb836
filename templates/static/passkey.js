// Passkeys, on the pages that offer them and nowhere else. Where a browser has none, or another site surrounds the page,
// their forms stay hidden, as they do without script: the app's code is always there.
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
	btoa(String.fromCharCode(...new Uint8Array(buffer)))
		.replace(/\+/g, "-")
		.replace(/\//g, "_")
		.replace(/=+$/, "");

function readable(options) {
	const ids = (list) => list?.map((one) => ({ ...one, id: bytes(one.id) }));
	return {
		...options,
		challenge: bytes(options.challenge),
		...(options.user && { user: { ...options.user, id: bytes(options.user.id) } }),
		...(options.allowCredentials && { allowCredentials: ids(options.allowCredentials) }),
		...(options.excludeCredentials && { excludeCredentials: ids(options.excludeCredentials) }),
	};
}

const PARTS = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];

function sendable({ id, rawId, type, response }) {
	const parts = PARTS.filter((name) => response[name]).map((name) => [name, text(response[name])]);
	return JSON.stringify({ id, rawId: text(rawId), type, response: Object.fromEntries(parts) });
}

async function ask(form, submitter) {
	const status = form.querySelector("[data-status]");
	status.textContent = "";
	try {
		const publicKey = readable(JSON.parse(form.dataset.options));
		const shown = await navigator.credentials[form.dataset.passkey]({ publicKey });
		form.elements.credential.value = sendable(shown);
		form.requestSubmit(submitter);
	} catch {
		status.textContent = form.dataset.failed;
	}
}

if (window.PublicKeyCredential && window.top === window.self) {
	for (const form of document.querySelectorAll("form[data-passkey]")) {
		form.hidden = false;
		form.addEventListener("submit", (event) => {
			if (form.elements.credential.value) return;
			event.preventDefault();
			ask(form, event.submitter);
		});
		addEventListener("pageshow", () => {
			form.elements.credential.value = "";
		});
	}
}
