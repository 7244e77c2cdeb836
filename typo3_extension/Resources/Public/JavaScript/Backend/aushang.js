// Shows what belongs to the chosen place, searches the buildings, and sends the form once.
const form = document.querySelector("form[data-mieterportal-aushang]");
const search = form?.querySelector("[data-mieterportal-search]");
const count = form?.querySelector("[data-mieterportal-count]");

function place() {
	for (const part of form.querySelectorAll("[data-mieterportal-where]")) {
		part.hidden = form.elements.wo.value !== part.dataset.mieterportalWhere;
		for (const field of part.querySelectorAll("input, textarea")) {
			field.disabled = part.hidden;
		}
	}
	if (count) {
		const chosen = form.querySelectorAll('input[name="gebaeude[]"]:checked').length;
		count.textContent = count.dataset.mieterportalCount.replace("%d", chosen);
	}
}

function find() {
	const words = search.value.toLowerCase().split(/\s+/);
	for (const one of document.getElementById(search.dataset.mieterportalSearch).children) {
		const label = one.textContent.toLowerCase();
		one.hidden = !words.every((word) => label.includes(word));
	}
}

if (form) {
	form.addEventListener("change", place);
	form.addEventListener("submit", () => {
		form.querySelector("button[type=submit]").disabled = true;
	});
	search?.addEventListener("input", find);
	search?.addEventListener("keydown", (event) => {
		if (event.key === "Enter") {
			event.preventDefault();
		}
	});
	place();
	document.getElementById("mieterportal-wrong")?.focus();
}
