// <mieter-portal src="https://portal…/musterbau/sso/website" token-url="/portal-token" label="Mieterportal"></mieter-portal>
// The frame asks with a nonce; this site's back end signs who is logged in; the frame says how high it is.
class MieterPortal extends HTMLElement {
	connectedCallback() {
		this.portal = new URL(this.getAttribute("src"), document.baseURI);
		this.frame = document.createElement("iframe");
		this.frame.title = this.getAttribute("label") ?? "Mieterportal";
		this.frame.style.cssText = "display: block; inline-size: 100%; block-size: 40rem; border: 0";
		addEventListener("message", this);
		this.frame.src = this.portal.href;
		this.replaceChildren(this.frame);
	}

	disconnectedCallback() {
		removeEventListener("message", this);
	}

	handleEvent({ source, origin, data }) {
		if (source !== this.frame.contentWindow || origin !== this.portal.origin) return;
		if (data?.type === "portal:nonce") this.signOn(data.nonce).catch(() => this.fail());
		if (data?.type === "portal:height") this.frame.style.blockSize = `${Math.max(200, Number(data.height) || 0)}px`;
	}

	async signOn(nonce) {
		const body = new URLSearchParams({ nonce });
		const response = await fetch(this.getAttribute("token-url"), { method: "POST", body, credentials: "same-origin" });
		if (response.status === 401 && !reloaded()) return location.reload(); // the login here is over: let the page ask
		if (!response.ok) throw response;
		const { token } = await response.json();
		this.frame.contentWindow.postMessage({ type: "portal:token", token }, this.portal.origin);
	}

	fail() {
		const words = document.createElement("p");
		words.setAttribute("role", "alert");
		words.textContent = "Das Portal ließ sich nicht öffnen. Bitte laden Sie diese Seite neu.";
		this.prepend(words);
	}
}

// A page that shows the element to visitors who are not signed in must not reload for ever.
const reloaded = () => performance.getEntriesByType("navigation")[0]?.type === "reload";

customElements.define("mieter-portal", MieterPortal);
