// A login token is good for a minute, so it is fetched when the button is pressed.
import Notification from "@typo3/backend/notification.js";

const form = document.querySelector("form[data-mieterportal-preview]");

form?.addEventListener("submit", async (event) => {
	event.preventDefault();
	try {
		const response = await fetch(form.dataset.mieterportalPreview, { method: "POST" });
		const answer = await response.json();
		if (!response.ok) {
			throw new Error(answer.message);
		}
		form.elements.token.value = answer.token;
		form.submit();
	} catch (error) {
		Notification.error(form.dataset.mieterportalFailed, error.message);
	} finally {
		form.elements.token.value = "";
	}
});
