// Shows only the facts that belong to the chosen type, and only the kinds of damage that fit place and category.
const FACTS = {
	SCHADEN: ["schadensort", "schadenskategorie", "schadensart", "notfall_regel"],
	BESCHWERDE: ["beschwerdeart"],
	KONTAKT: ["kontaktthema"],
	DOKUMENT: ["dokumentart"],
};
const DEPENDENT = [...new Set(Object.values(FACTS).flat())];

const form = document.querySelector("form[data-mieterportal-routing]");

function narrow() {
	const wanted = FACTS[form.elements.typ.value] ?? [];
	for (const name of DEPENDENT) {
		const field = form.elements[name];
		field.parentElement.hidden = !wanted.includes(name);
		field.disabled = field.parentElement.hidden;
	}
	const ort = form.elements.schadensort.value;
	const kategorie = form.elements.schadenskategorie.value;
	for (const option of form.elements.schadensart.options) {
		const fits =
			(!ort || option.dataset.orte?.split(" ").includes(ort)) && (!kategorie || option.dataset.kategorie === kategorie);
		option.hidden = option.value !== "" && !fits;
		if (option.hidden && option.selected) {
			form.elements.schadensart.value = "";
		}
	}
}

form?.addEventListener("change", narrow);
if (form) {
	narrow();
}
