for (const button of document.querySelectorAll("button[data-mieterportal-copy]")) {
	button.addEventListener("click", async () => {
		const field = document.getElementById(button.dataset.mieterportalCopy);
		field.select();
		await navigator.clipboard?.writeText(field.value);
		button.textContent = button.dataset.mieterportalCopied;
	});
}
