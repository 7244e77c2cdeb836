"""`melden/schaden`: danger first, then place, Kategorie and Art, then what the Art asks for."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

import falcon
from typing_extensions import override

from service.store.records import Draft
from service.vorgang.assess import notice_of
from service.vorgang.catalog import Catalog, Question, Schadensart
from service.vorgang.types import Vorgangstyp
from service.web.context import Reader, reader_of, rufnummer
from service.web.fields import options
from service.web.forms import ANSWER_PREFIX
from service.web.kontakt import beschreibung_field
from service.web.melden import Melden, latest_draft, melder_of
from service.web.pages import Field, FieldError, Form, Group, MeldenPage, Notice, Page, SchadenPage, Way
from service.web.render import write_page

_TRIPLE = ("schadensort", "schadenskategorie", "schadensart")
_SEARCH_MAX = 100


class Schaden(Melden):
    typ: ClassVar = Vorgangstyp.SCHADEN

    @override
    def title(self, reader: Reader, values: Mapping[str, str]) -> str:
        return reader.words("Schaden melden")

    @override
    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Show the search, the Arten of a place, or the form of an Art, as far as the query has chosen."""
        reader = reader_of(req)
        chosen = {name: req.get_param(name, default="") for name in _TRIPLE}
        draft = latest_draft(reader, self.form_name)
        if chosen["schadensart"] in reader.house.catalog.schadensarten:
            confirmed = {"notfall_bestaetigt": req.get_param("notfall_bestaetigt", default="")}
            typed = dict(draft.fields) if draft and draft.fields.get("schadensart") == chosen["schadensart"] else {}
            given = {name: value for name, value in (chosen | confirmed).items() if value}
            self.show(resp, reader, typed | _kategorie(reader, given), draft=draft if typed else None)
            return
        if draft is not None and draft.fields.get("schadensart") and not any(chosen.values()) and not req.params:
            self.show(resp, reader, dict(draft.fields), draft=draft)
            return
        page = _finder(reader, chosen["schadensort"], req.get_param("suche", default="")[:_SEARCH_MAX], ())
        write_page(resp, self._room.renderer.html(page, reader.site()), page.title)

    @override
    def fields(self, reader: Reader, values: Mapping[str, str]) -> tuple[Field, ...]:
        catalog = reader.house.catalog
        art = catalog.schadensarten.get(values.get("schadensart", ""))
        if art is None:
            return ()
        questions = catalog.questions_for(art, special_categories=reader.house.special_categories)
        must_describe = art.code.endswith(".SONSTIGES")
        label = reader.words("Was ist zu sehen?") if must_describe else reader.words("Was ist zu sehen? (freiwillig)")
        return (
            Field("schadenskategorie", "hidden", "", values.get("schadenskategorie", "")),
            Field("schadensart", "hidden", "", art.code),
            _ort_field(reader, catalog, art, values),
            *(_question_field(reader, question, values) for question in questions),
            beschreibung_field(values, label, required=must_describe),
        )

    @override
    def page(self, reader: Reader, values: Mapping[str, str], form: Form, link_to_filed: Way | None) -> Page:
        catalog = reader.house.catalog
        art = catalog.schadensarten.get(values.get("schadensart", ""))
        if art is None:
            return _finder(reader, values.get("schadensort", ""), "", form.errors or _choose(reader))
        kategorie = catalog.schadenskategorien[art.kategorie].label.text(reader.lang)
        return MeldenPage(
            title=self.title(reader, values),
            intro=self.intro(reader),
            form=form,
            notice=self._notice(reader, values),
            chosen=(kategorie, art.label.text(reader.lang)),
            change_url=reader.link("melden/schaden", neu="1"),
            link_to_filed=link_to_filed,
        )

    def _notice(self, reader: Reader, values: Mapping[str, str]) -> Notice | None:
        fired = notice_of(self.meldung(values), melder_of(reader), reader.house, now=self._room.clock())
        if fired is None:
            return None
        confirmed = values.get("notfall_bestaetigt", "")
        blocking = fired.mode == "HOTLINE_ONLY" and not confirmed
        triple = {name: values.get(name, "") for name in _TRIPLE}
        label = reader.words("Ich habe die Hinweise gelesen und, wo nötig, angerufen.")
        confirm = Field("notfall_bestaetigt", "checkbox", label, "1" if confirmed else "", required=True)
        return Notice(
            title=fired.title.text(reader.lang),
            mode=fired.mode,
            steps=tuple(fired.steps_in(reader.lang)),
            calls=tuple(rufnummer(label.text(reader.lang), number) for _, label, number in fired.calls),
            blocking=blocking,
            confirm=confirm if fired.is_emergency else None,
            confirm_url=reader.link("melden/schaden", notfall_bestaetigt="1", **triple) if blocking else "",
        )


def _kategorie(reader: Reader, given: dict[str, str]) -> dict[str, str]:
    """Add the Kategorie, which an Art belongs to just one of, and the place if the Art has only one."""
    art = reader.house.catalog.schadensarten[given["schadensart"]]
    only = {"schadensort": next(iter(art.orte))} if len(art.orte) == 1 else {}
    return only | given | {"schadenskategorie": art.kategorie}


def _ort_field(reader: Reader, catalog: Catalog, art: Schadensart, values: Mapping[str, str]) -> Field:
    orte = [(ort.code, ort.label.text(reader.lang)) for ort in catalog.schadensorte.values() if ort.code in art.orte]
    chosen = options(orte, values.get("schadensort", ""))
    return Field("schadensort", "radio", reader.words("Wo ist der Schaden?"), required=True, options=chosen)


def _question_field(reader: Reader, question: Question, values: Mapping[str, str]) -> Field:
    name = ANSWER_PREFIX + question.id
    label = question.label.text(reader.lang)
    voluntary = reader.words("(freiwillig)")
    if question.optional and voluntary not in label and "(" not in label:
        label = f"{label} {voluntary}"
    kind = {"single": "radio", "number": "number", "date": "date"}.get(question.type, "text")
    pairs = [(code, text.text(reader.lang)) for code, text in question.options]
    value = values.get(name, "")
    return Field(
        name,
        kind,
        label,
        value,
        required=not question.optional,
        options=options(pairs, value),
        inputmode="decimal" if kind == "number" else "",
        maxlength=500 if kind == "text" else None,
    )


def _finder(reader: Reader, ort: str, search: str, errors: tuple[FieldError, ...]) -> SchadenPage:
    catalog = reader.house.catalog
    known = catalog.schadensorte.get(ort)
    groups = _art_groups(reader, catalog, known.code) if known else _ort_groups(reader, catalog)
    hits = tuple(_art_way(reader, catalog, art, "") for art in catalog.search(search, reader.lang)) if search else None
    return SchadenPage(
        title=reader.words("Schaden melden"),
        step=reader.words("Was ist beschädigt?") if known else reader.words("Wo ist der Schaden?"),
        action=reader.link("melden/schaden"),
        search=search,
        hits=hits,
        groups=tuple(groups),
        chosen=(known.label.text(reader.lang),) if known else (),
        back=Way(reader.words("Anderen Ort wählen"), reader.link("melden/schaden", neu="1")) if known else None,
        draft=_draft_way(reader, latest_draft(reader, "schaden")),
        errors=errors,
        danger=tuple(_art_way(reader, catalog, art, "") for art in _dangers(catalog)),
    )


def _dangers(catalog: Catalog) -> Iterable[Schadensart]:
    rules = catalog.emergency_rules
    arten = catalog.schadensarten.values()
    return (a for a in arten if a.emergency_rule and rules[a.emergency_rule].mode == "HOTLINE_ONLY")


def _ort_groups(reader: Reader, catalog: Catalog) -> Iterable[Group]:
    for group in catalog.area_groups.values():
        orte = [ort for ort in catalog.schadensorte.values() if ort.group == group.code]
        ways = tuple(
            Way(ort.label.text(reader.lang), reader.link("melden/schaden", schadensort=ort.code)) for ort in orte
        )
        if ways:
            yield Group(group.label.text(reader.lang), ways)


def _art_groups(reader: Reader, catalog: Catalog, ort: str) -> Iterable[Group]:
    for kategorie in catalog.kategorien_at(ort):
        arten = catalog.arten_at(ort, kategorie.code)
        yield Group(
            kategorie.label.text(reader.lang), tuple(_art_way(reader, catalog, art, ort, hint=False) for art in arten)
        )


def _art_way(reader: Reader, catalog: Catalog, art: Schadensart, ort: str, *, hint: bool = True) -> Way:
    url = reader.link("melden/schaden", schadensort=ort, schadenskategorie=art.kategorie, schadensart=art.code)
    kategorie = catalog.schadenskategorien[art.kategorie].label.text(reader.lang)
    return Way(art.label.text(reader.lang), url, hint=kategorie if hint else "")


def _draft_way(reader: Reader, draft: Draft | None) -> Way | None:
    art = reader.house.catalog.schadensarten.get(str(draft.fields.get("schadensart", ""))) if draft else None
    if draft is None or art is None:
        return None
    label = reader.words("Entwurf weiterschreiben: {art}", art=art.label.text(reader.lang))
    return Way(label, reader.link("melden/schaden"), hint=reader.words.minute(draft.updated_at))


def _choose(reader: Reader) -> tuple[FieldError, ...]:
    return (FieldError("formular", reader.words("Bitte wählen Sie, was beschädigt ist.")),)
