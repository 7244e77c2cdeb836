"""`konto/aenderung`: another address or number, from when; a KONTAKT with the topic of master data.

The portal changes nothing itself: master data come back from immotion alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import falcon
from typing_extensions import override

from service.vorgang.types import Meldung, MeldungRefused, Problem
from service.web.context import Reader, reader_of
from service.web.errors import NotFoundHere
from service.web.intake import Submitted
from service.web.kontakt import STAMMDATEN, Kontakt, beschreibung_field, require_for_contact
from service.web.melden import problems_in
from service.web.pages import Field
from service.web.text import mark
from service.web.views import KONTAKTDATEN

PATH = "konto/aenderung"
_MAX = 200
# The fields, as residents read them, and as the clerk does
_NEU = {
    "neu_name": (mark("Neuer Name (freiwillig)"), "Neuer Name"),
    "neu_strasse": (mark("Neue Straße und Hausnummer (freiwillig)"), "Neue Straße und Hausnummer"),
    "neu_ort": (mark("Neue Postleitzahl und Ort (freiwillig)"), "Neue Postleitzahl und Ort"),
    "neu_telefon": (mark("Neue Telefonnummer (freiwillig)"), "Neue Telefonnummer"),
    "neu_email": (mark("Neue E-Mail-Adresse (freiwillig)"), "Neue E-Mail-Adresse"),
}
_AUTOCOMPLETE = {
    "neu_name": "name",
    "neu_strasse": "street-address",
    "neu_ort": "address-level2",
    "neu_telefon": "tel",
    "neu_email": "email",
}
_KINDS = {"neu_telefon": "tel", "neu_email": "email"}


class Aenderung(Kontakt):
    """`/{mandant}/konto/aenderung`: as any report, with a draft, and a second factor where the Mandant wants one."""

    @property
    @override
    def form_name(self) -> str:
        return "konto:aenderung"

    @override
    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Show the form to somebody who may change where letters go."""
        reader = reader_of(req)
        if STAMMDATEN not in reader.house.catalog.kontaktthemen:
            raise NotFoundHere
        require_for_contact(reader)
        super().on_get(req, resp, mandant)

    @override
    def changes_contact(self, form: Submitted) -> bool:
        return True

    @override
    def title(self, reader: Reader, values: Mapping[str, str]) -> str:
        return reader.words("Anschrift oder Kontaktdaten ändern")

    @override
    def intro(self, reader: Reader) -> str:
        return reader.words(
            "Füllen Sie nur aus, was sich ändert. Die Verwaltung prüft Ihre Angaben und ändert sie dann. "
            "Bis dahin gilt, was sie kennt."
        )

    @override
    def fields(self, reader: Reader, values: Mapping[str, str]) -> tuple[Field, ...]:
        words = reader.words
        changed = tuple(
            Field(
                name,
                _KINDS.get(name, "text"),
                words(label),
                values.get(name, ""),
                autocomplete=_AUTOCOMPLETE[name],
                maxlength=_MAX,
            )
            for name, (label, _) in _NEU.items()
        )
        since = Field("ab", "date", words("Ab wann gilt das?"), values.get("ab", ""), required=True)
        remark = beschreibung_field(values, words("Anmerkung (freiwillig)"), required=False)
        return (*changed, since, remark)

    @override
    def meldung(self, values: Mapping[str, str]) -> Meldung:
        """Return what changes in the words of a KONTAKT, for the clerk; raises MeldungRefused."""
        typed, changed = super().meldung(values), _changed(values)
        problems = _problems(changed, values.get("ab", "").strip())
        if problems:
            raise MeldungRefused(problems)
        lines = [f"{_NEU[name][1]}: {value}" for name, value in changed.items()]
        since = f"Gültig ab: {date.fromisoformat(values['ab'].strip()):%d.%m.%Y}"
        text = "\n".join([*lines, since, *([typed.beschreibung] if typed.beschreibung else [])])
        return replace(typed, kontaktthema=STAMMDATEN, betreff=KONTAKTDATEN, beschreibung=text)

    @override
    def _problems(self, reader: Reader, form: Submitted) -> Sequence[Problem]:
        own = _problems(_changed(form.fields), form.get("ab"))
        if not own:
            return super()._problems(reader, form)
        rest = replace(super().meldung(form.fields), kontaktthema=STAMMDATEN, beschreibung=KONTAKTDATEN)
        return (*own, *problems_in(rest, reader))


def _changed(values: Mapping[str, str]) -> dict[str, str]:
    return {name: values[name].strip() for name in _NEU if values.get(name, "").strip()}


def _problems(changed: Mapping[str, str], since: str) -> list[Problem]:
    found = [
        Problem(name, "too_long", {"max": _MAX, "length": len(value)})
        for name, value in changed.items()
        if len(value) > _MAX
    ]
    if not changed:
        found.append(Problem(next(iter(_NEU)), "nothing_changed"))
    try:
        date.fromisoformat(since)
    except ValueError:
        found.append(Problem("ab", "date"))
    return found
