"""The catalog: places, kinds, questions, emergency rules, documents and status texts of one Mandant."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from service.vorgang.catalog_search import Search, Searched

DEFAULT_CATALOG = Path(__file__).parent / "default_catalog.json"
_UNMAPPED = "IN_BEARBEITUNG"


@dataclass(frozen=True, slots=True)
class Label:
    """Words in German and, if there are any, in English."""

    de: str
    en: str = ""

    def text(self, lang: str) -> str:
        """Return the words in a language, German when there are none."""
        return self.en if lang == "en" and self.en else self.de


@dataclass(frozen=True, slots=True)
class Entry:
    code: str
    label: Label


@dataclass(frozen=True, slots=True)
class Schadensort(Entry):
    group: str


@dataclass(frozen=True, slots=True)
class Schadensart(Entry):
    kategorie: str
    orte: tuple[str, ...]
    prioritaet: str
    vorgangsart: str
    emergency_rule: str | None
    questions: tuple[str, ...]
    building_wide: bool
    search_words: str = ""


@dataclass(frozen=True, slots=True)
class Thema(Entry):
    """A Kontaktthema or Beschwerdeart; one with `information` is answered by these words alone, and never filed."""

    vorgangsart: str
    noise_log: bool = False
    information: tuple[Label, ...] = ()
    search_words: str = ""


@dataclass(frozen=True, slots=True)
class Dokumentart(Entry):
    """`keep_years`: after the year that a document is about, where nobody says its last day; 0 is for good."""

    vorgangsart: str
    audience: str
    group: str = ""
    keep_years: int = 0


@dataclass(frozen=True, slots=True)
class Vorgangsart(Entry):
    default_role: str
    default_priority: str


@dataclass(frozen=True, slots=True)
class Prioritaet(Entry):
    target_business_days: int


@dataclass(frozen=True, slots=True)
class Question:
    id: str
    label: Label
    type: str
    options: tuple[tuple[str, Label], ...]
    optional: bool
    special_category: bool


@dataclass(frozen=True, slots=True)
class EmergencyRule:
    id: str
    title: Label
    mode: str
    call: tuple[str, ...]
    steps_de: tuple[str, ...]
    steps_en: tuple[str, ...]
    condition: Mapping[str, Any] | None

    def steps_in(self, lang: str) -> tuple[str, ...]:
        """Return the steps in a language, German when they are not all translated."""
        return self.steps_en if lang == "en" and len(self.steps_en) == len(self.steps_de) else self.steps_de


@dataclass(frozen=True, slots=True)
class TenantStatus(Entry):
    """`by_typ`: what it says instead of `text` to residents with a Vorgang of this type."""

    text: Label
    by_typ: Mapping[str, Label]

    def text_for(self, typ: str) -> Label:
        """Return what it says of a Vorgang of this type."""
        return self.by_typ.get(typ, self.text)


@dataclass(frozen=True, slots=True)
class ErpStatus:
    code: str
    tenant_status: str
    notify: bool


@dataclass(frozen=True, slots=True)
class Schadensfall:
    """A combination that exists."""

    ort: Schadensort
    kategorie: Entry
    art: Schadensart


class UnknownSchadensfall(Exception):
    """The combination does not exist; `field` is the first of the three that does not fit."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class CatalogError(ValueError):
    """A catalog cannot be used; `problems` names every fault with its place in the file."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Catalog:
    """All of it, each table by code, in the order of the file."""

    version: str
    digest: str
    source: Mapping[str, Any]
    prioritaeten: Mapping[str, Prioritaet]
    rollen: Mapping[str, Entry]
    vorgangsarten: Mapping[str, Vorgangsart]
    vorgangstypen: Mapping[str, Entry]
    area_groups: Mapping[str, Entry]
    schadensorte: Mapping[str, Schadensort]
    schadenskategorien: Mapping[str, Entry]
    schadensarten: Mapping[str, Schadensart]
    vorgangsart_overrides: tuple[tuple[str, str, str], ...]
    emergency_priority: tuple[str, str]
    questions: Mapping[str, Question]
    emergency_rules: Mapping[str, EmergencyRule]
    beschwerdearten: Mapping[str, Thema]
    kontaktthemen: Mapping[str, Thema]
    dokumentarten: Mapping[str, Dokumentart]
    tenant_statuses: Mapping[str, TenantStatus]
    erp_statuses: Mapping[str, ErpStatus]
    call_labels: Mapping[str, Label]

    def kategorien_at(self, ort: str) -> tuple[Entry, ...]:
        """Return the Kategorien of which some Art occurs at a place."""
        here = {art.kategorie for art in self.arten_at(ort)}
        return tuple(kategorie for kategorie in self.schadenskategorien.values() if kategorie.code in here)

    def arten_at(self, ort: str, kategorie: str | None = None) -> tuple[Schadensart, ...]:
        """Return the Arten that occur at a place, of one Kategorie if given."""
        arten = self.schadensarten.values()
        return tuple(art for art in arten if ort in art.orte and kategorie in {None, art.kategorie})

    def triple(self, ort: str, kategorie: str, art: str) -> Schadensfall:
        """Return the combination of these codes; raises UnknownSchadensfall."""
        if ort not in self.schadensorte:
            raise UnknownSchadensfall("schadensort")
        if kategorie not in self.schadenskategorien:
            raise UnknownSchadensfall("schadenskategorie")
        found = self.schadensarten.get(art)
        if found is None or found.kategorie != kategorie:
            raise UnknownSchadensfall("schadensart")
        if ort not in found.orte:
            raise UnknownSchadensfall("schadensort")
        return Schadensfall(self.schadensorte[ort], self.schadenskategorien[kategorie], found)

    def questions_for(self, art: Schadensart, *, special_categories: bool) -> tuple[Question, ...]:
        """Return what an Art asks; special categories (Art. 9 DSGVO) only where the Mandant has switched them on."""
        asked = (self.questions[name] for name in art.questions)
        return tuple(question for question in asked if special_categories or not question.special_category)

    def vorgangsart_for(self, fall: Schadensfall) -> str:
        """Return the Vorgangsart of a damage: the Art's, or another in shared areas and outside."""
        for old, group, new in self.vorgangsart_overrides:
            if fall.art.vorgangsart == old and fall.ort.group == group:
                return new
        return fall.art.vorgangsart

    def tenant_status_for(self, erp_code: str) -> tuple[TenantStatus, bool]:
        """Return what the resident sees for a code of immotion, and whether the code is mapped at all."""
        known = self.erp_statuses.get(erp_code)
        return self.tenant_statuses[known.tenant_status if known else _UNMAPPED], known is not None

    def search(self, text: str, lang: str, limit: int = 12) -> tuple[Schadensart, ...]:
        """Return the Arten that a resident's words may mean, the best first; the labels of `lang` count most."""
        return self._searches["en" if lang == "en" else "de"].find(text, limit)

    def search_beschwerden(self, text: str, lang: str, limit: int = 3) -> tuple[Thema, ...]:
        """Return the Beschwerdearten that the words may mean: who looks for a damage may mean a neighbour's noise."""
        return self._complaints["en" if lang == "en" else "de"].find(text, limit)

    @cached_property
    def _complaints(self) -> Mapping[str, Search[Thema]]:
        """Everyday words find them, labels only where there are none: whoever names a stairwell may mean its lamp."""
        arten = self.beschwerdearten.values()
        return {
            lang: Search(
                tuple(Searched(art, "", art.search_words or art.label.text(lang), "", last=False) for art in arten),
                elsewhere=damages.vocabulary,
            )
            for lang, damages in self._searches.items()
        }

    @cached_property
    def _searches(self) -> Mapping[str, Search[Schadensart]]:
        arten = self.schadensarten.values()
        return {lang: Search(tuple(self._searched(art, lang) for art in arten)) for lang in ("de", "en")}

    def _searched(self, art: Schadensart, lang: str) -> Searched[Schadensart]:
        around = [self.schadenskategorien[art.kategorie].label, *(self.schadensorte[ort].label for ort in art.orte)]
        if art.emergency_rule:
            around.append(self.emergency_rules[art.emergency_rule].title)
        return Searched(
            item=art,
            label=art.label.text(lang),
            synonyms=f"{art.label.de} {art.label.en} {art.search_words}",
            context=" ".join(f"{label.de} {label.en}" for label in around),
            last=art.code.endswith(".SONSTIGES"),
        )


def load_catalog(raw: object) -> Catalog:
    """Return the catalog of a parsed file; raises CatalogError with every problem."""
    from service.vorgang.catalog_check import problems_of  # noqa: PLC0415 - the check knows these classes' words
    from service.vorgang.catalog_read import read_catalog  # noqa: PLC0415

    problems = problems_of(raw)
    if problems or not isinstance(raw, dict):
        raise CatalogError(tuple(problems))
    digest = sha256(json.dumps(raw, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()
    return read_catalog(raw, _additions(), digest)


@cache
def default_catalog() -> Catalog:
    """Return the catalog that is shipped."""
    return load_catalog(_additions())


@cache
def _additions() -> dict[str, Any]:
    shipped: dict[str, Any] = json.loads(DEFAULT_CATALOG.read_text(encoding="utf-8"))
    return shipped
