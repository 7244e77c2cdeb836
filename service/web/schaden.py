"""`melden/schaden`: danger first, then place, Kategorie and Art, then what the Art asks for."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import falcon
from typing_extensions import override

from service.vorgang.assess import notice_of
from service.vorgang.aushang import Stelle
from service.vorgang.catalog import Catalog, Question, Schadensart, Thema
from service.vorgang.types import Vorgangstyp
from service.web.aushang_views import before_report
from service.web.context import Reader, reader_of
from service.web.entwuerfe import SCHADEN, chosen_draft, draft_of_schaden, draft_views
from service.web.fields import options
from service.web.forms import ANSWER_PREFIX
from service.web.kontakt import beschreibung_field
from service.web.melden import Melden, melder_of
from service.web.notruf import houses_of, in_words
from service.web.pages import Field, FieldError, Form, Group, MeldenPage, Notice, Page, SchadenPage, Way
from service.web.render import write_page

_TRIPLE = ("schadensort", "schadenskategorie", "schadensart")
_SEARCH_MAX = 100
_MARK = re.compile(r" \((freiwillig|voluntary|optional)\)$")  # as catalogs say it


@dataclass(frozen=True, slots=True)
class _Preset:
    """What a page of the company's site has chosen already: a Kategorie, the number of a building."""

    kategorie: str = ""
    gebaeude: str = ""

    def link(self, reader: Reader, **query: str) -> str:
        """Return where `melden/schaden` goes on with it."""
        kept = {"schadenskategorie": self.kategorie, "gebaeude": self.gebaeude}
        return reader.link("melden/schaden", **(kept | query))


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
        if chosen["schadensart"] in reader.house.catalog.schadensarten:
            confirmed = {"notfall_bestaetigt": req.get_param("notfall_bestaetigt", default="")}
            vertrag = _vertrag_at(reader, req.get_param("gebaeude", default=""))
            draft = draft_of_schaden(reader, chosen)
            typed = dict(draft.fields) if draft else {}
            given = {name: value for name, value in (chosen | confirmed).items() if value}
            self.show(resp, reader, vertrag | typed | _kategorie(reader, given), draft=draft)
            return
        draft = chosen_draft(req, reader, self.form_name) if req.params.keys() <= {"entwurf", "lang"} else None
        if draft is not None and draft.fields.get("schadensart"):
            self.show(resp, reader, dict(draft.fields), draft=draft)
            return
        search = req.get_param("suche", default="")[:_SEARCH_MAX]
        page = _finder(reader, chosen["schadensort"], search, (), _preset(req, reader.house.catalog))
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
            aushaenge=before_report(reader, _stelle(art, values), values.get("vertrag", "")),
        )

    def _notice(self, reader: Reader, values: Mapping[str, str]) -> Notice | None:
        fired = notice_of(self.meldung(values), melder_of(reader), reader.house, now=self._room.clock())
        if fired is None:
            return None
        confirmed = values.get("notfall_bestaetigt", "")
        blocking = fired.mode == "HOTLINE_ONLY" and not confirmed
        chosen = {name: values.get(name, "") for name in _TRIPLE} | _gebaeude_of(reader, values)
        label = reader.words("Ich habe die Hinweise gelesen und, wo nötig, angerufen.")
        confirm = Field("notfall_bestaetigt", "checkbox", label, "1" if confirmed else "", required=True)
        return Notice(
            title=fired.title.text(reader.lang),
            mode=fired.mode,
            steps=tuple(fired.steps_in(reader.lang)),
            calls=in_words(fired.calls, reader, houses_of(reader)),
            blocking=blocking,
            confirm=confirm if fired.is_emergency else None,
            confirm_url=reader.link("melden/schaden", notfall_bestaetigt="1", **chosen) if blocking else "",
        )


def _stelle(art: Schadensart, values: Mapping[str, str]) -> Stelle:
    """Return where a damage is: where the reader says, else anywhere that it may occur."""
    chosen = values.get("schadensort", "")
    return Stelle((chosen,) if chosen in art.orte else tuple(art.orte), art.kategorie)


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
    label = _marked(reader, question)
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


def _marked(reader: Reader, question: Question) -> str:
    """Return a question, a voluntary one marked in the portal's own word: what is not marked must be answered."""
    label = question.label.text(reader.lang)
    if not question.optional:
        return label
    label, voluntary = _MARK.sub("", label), reader.words("freiwillig")
    return f"{label[:-1]}, {voluntary})" if label.endswith(")") else f"{label} ({voluntary})"


def _preset(req: falcon.Request, catalog: Catalog) -> _Preset:
    kategorie = req.get_param("schadenskategorie", default="")
    known = kategorie if kategorie in catalog.schadenskategorien else ""
    return _Preset(known, req.get_param("gebaeude", default="")[:_SEARCH_MAX])


def _vertrag_at(reader: Reader, gebaeude: str) -> dict[str, str]:
    """Choose the contract of somebody who has just one in this building."""
    here = [vertrag.nr for vertrag in reader.vertraege if gebaeude and vertrag.gebaeude_nr == gebaeude]
    return {"vertrag": here[0]} if len(here) == 1 else {}


def _gebaeude_of(reader: Reader, values: Mapping[str, str]) -> dict[str, str]:
    """Return the building of the home that is chosen already."""
    chosen = next((v for v in reader.vertraege if v.nr == values.get("vertrag")), None)
    return {"gebaeude": chosen.gebaeude_nr} if chosen is not None else {}


def _finder(
    reader: Reader, ort: str, search: str, errors: tuple[FieldError, ...], preset: _Preset = _Preset()
) -> SchadenPage:
    catalog = reader.house.catalog
    known, kategorie = catalog.schadensorte.get(ort), catalog.schadenskategorien.get(preset.kategorie)
    groups = _art_groups(reader, catalog, known.code, preset) if known else _ort_groups(reader, catalog, preset)
    hits = None
    if search:
        hits = (
            *(_art_way(reader, art, "", preset) for art in catalog.search(search, reader.lang)),
            *(_beschwerde_way(reader, art) for art in catalog.search_beschwerden(search, reader.lang)),
        )
    return SchadenPage(
        title=reader.words("Schaden melden"),
        step=reader.words("Was ist beschädigt?") if known else reader.words("Wo ist der Schaden?"),
        action=reader.link("melden/schaden"),
        search=search,
        hits=hits,
        groups=tuple(groups),
        chosen=tuple(entry.label.text(reader.lang) for entry in (known, kategorie) if entry),
        back=_back(reader, preset, place_chosen=known is not None),
        drafts=draft_views(reader, (SCHADEN,)),
        errors=errors,
        danger=tuple(_art_way(reader, art, "", preset) for art in _dangers(catalog)),
        browse=Way(reader.words("Nach dem Ort wählen"), preset.link(reader, neu="1") + "#formular"),
        aushaenge=before_report(reader, Stelle((known.code,) if known else (), preset.kategorie)),
    )


def _back(reader: Reader, preset: _Preset, *, place_chosen: bool) -> Way | None:
    """Lead one step back: to the places, or from one Kategorie to all."""
    if place_chosen:
        return Way(reader.words("Anderen Ort wählen"), preset.link(reader, neu="1"))
    if preset.kategorie:
        all_of_them = _Preset(gebaeude=preset.gebaeude)
        return Way(reader.words("Alle Schäden zeigen"), all_of_them.link(reader, neu="1"))
    return None


def _dangers(catalog: Catalog) -> Iterable[Schadensart]:
    rules = catalog.emergency_rules
    arten = catalog.schadensarten.values()
    return (a for a in arten if a.emergency_rule and rules[a.emergency_rule].mode == "HOTLINE_ONLY")


def _ort_groups(reader: Reader, catalog: Catalog, preset: _Preset) -> Iterable[Group]:
    for group in catalog.area_groups.values():
        orte = [ort for ort in catalog.schadensorte.values() if ort.group == group.code]
        ways = tuple(
            Way(ort.label.text(reader.lang), preset.link(reader, schadensort=ort.code))
            for ort in orte
            if not preset.kategorie or catalog.arten_at(ort.code, preset.kategorie)
        )
        if ways:
            yield Group(group.label.text(reader.lang), ways)


def _art_groups(reader: Reader, catalog: Catalog, ort: str, preset: _Preset) -> Iterable[Group]:
    for kategorie in catalog.kategorien_at(ort):
        if preset.kategorie in {"", kategorie.code}:
            arten = catalog.arten_at(ort, kategorie.code)
            ways = tuple(_art_way(reader, art, ort, preset, hint=False) for art in arten)
            yield Group(kategorie.label.text(reader.lang), ways)


def _art_way(reader: Reader, art: Schadensart, ort: str, preset: _Preset, *, hint: bool = True) -> Way:
    url = preset.link(reader, schadensort=ort, schadenskategorie=art.kategorie, schadensart=art.code)
    kategorie = reader.house.catalog.schadenskategorien[art.kategorie].label.text(reader.lang)
    return Way(art.label.text(reader.lang), url, hint=kategorie if hint else "")


def _beschwerde_way(reader: Reader, art: Thema) -> Way:
    url = reader.link("melden/beschwerde", beschwerdeart=art.code)
    return Way(art.label.text(reader.lang), url, hint=reader.words("Beschwerde"))


def _choose(reader: Reader) -> tuple[FieldError, ...]:
    return (FieldError("formular", reader.words("Bitte wählen Sie, was beschädigt ist.")),)
