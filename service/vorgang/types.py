"""What somebody reports, parsed; and under which rules a house takes it."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from service.store.records import Vertrag
from service.vorgang.catalog import Catalog
from service.vorgang.emergency import EmergencySettings
from service.vorgang.routing import RoutingRule


class Vorgangstyp(StrEnum):
    KONTAKT = "KONTAKT"
    BESCHWERDE = "BESCHWERDE"
    SCHADEN = "SCHADEN"
    DOKUMENT = "DOKUMENT"


@dataclass(frozen=True, slots=True)
class Melder:
    """Who reports: the owner key, what the CMS says of them, the channel they came by, all their contracts."""

    owner: str
    person: str | None
    name: str
    email: str
    sprache: str
    rolle: str
    kanal: str
    vertraege: tuple[Vertrag, ...] = ()


@dataclass(frozen=True, slots=True)
class Meldung:
    """A report as filled in. Codes are not checked yet; `antworten` maps question ids to values."""

    typ: Vorgangstyp
    betreff: str = ""
    beschreibung: str = ""
    erreichbar: str = ""
    telefon: str = ""
    vertrag_nr: str = ""
    schadensort: str = ""
    schadenskategorie: str = ""
    schadensart: str = ""
    kontaktthema: str = ""
    beschwerdeart: str = ""
    dokumentart: str = ""
    zusatz: Mapping[str, str] = dataclasses.field(default_factory=dict)
    antworten: Mapping[str, str] = dataclasses.field(default_factory=dict)
    notfall_bestaetigt: bool = False


@dataclass(frozen=True, slots=True)
class Submission:
    """One sending of a form: its idempotency key, the fingerprint of its body, the id of the request."""

    form_key: UUID
    fingerprint: str
    request_id: str


@dataclass(frozen=True, slots=True)
class House:
    """A Mandant as filing sees it: catalog, routing and emergency settings, by building where they differ."""

    mandant: str
    catalog: Catalog
    routing: Sequence[RoutingRule]
    notfall: EmergencySettings
    notfall_of: Mapping[str, EmergencySettings]
    special_categories: bool
    zone: ZoneInfo

    def notfall_for(self, gebaeude_nr: str) -> EmergencySettings:
        """Return the emergency settings of a building, or the house's own."""
        return self.notfall_of.get(gebaeude_nr, self.notfall)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field: a code that the web layer puts into the reader's words."""

    field: str
    code: str
    params: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class MeldungRefused(Exception):
    """The report cannot be filed as it is; every problem names its field."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(", ".join(f"{p.field}: {p.code}" for p in problems))
        self.problems = tuple(problems)


class AlreadyFiledDifferently(Exception):
    """The same form was filed before with other content."""

    def __init__(self, vorgang_id: UUID) -> None:
        super().__init__("form key used with another body")
        self.vorgang_id = vorgang_id
