"""What the store takes and hands out about notices: frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Aushang:
    """A notice; the columns are those of `AushangRow`. `gebaeude` are buildings, none for all of the Mandant."""

    id: UUID
    mandant: str
    art: str
    schwere: str
    titel: Mapping[str, str]
    text: Mapping[str, str]
    gebaeude: tuple[str, ...]
    schadensort: str
    schadenskategorie: str
    oeffentlich: bool
    zeigen_ab: datetime
    von: datetime
    bis: datetime | None
    created_at: datetime
    changed_at: datetime
    changes: int = 0

    def is_over(self, now: datetime) -> bool:
        """Tell whether it is shown no longer."""
        return self.bis is not None and self.bis <= now


@dataclass(frozen=True, slots=True)
class Gezeigt:
    """A notice as one reader sees it: for which of their buildings, and whether they said that it concerns them."""

    aushang: Aushang
    betroffen: bool


@dataclass(frozen=True, slots=True)
class Gezaehlt:
    """A notice as its makers see it, with how many residents said that it concerns them."""

    aushang: Aushang
    betroffene: int
