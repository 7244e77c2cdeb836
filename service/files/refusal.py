"""Why a file is not taken, and within which limits one is."""

from dataclasses import dataclass
from enum import StrEnum


class Refusal(StrEnum):
    """The reasons that a resident is told; NOT_KEPT is no fault of the file's."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    TOTAL_TOO_LARGE = "total_too_large"
    TOO_MANY = "too_many"
    TYPE = "type"
    DAMAGED = "damaged"
    TOO_MANY_PIXELS = "too_many_pixels"
    ENCRYPTED = "encrypted"
    NOT_KEPT = "not_kept"
    INFECTED = "infected"
    UNSCANNABLE = "unscannable"


class FileRefused(Exception):
    """A file is not taken; the others are."""

    def __init__(self, dateiname: str, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.dateiname = dateiname
        self.refusal = refusal


class Unfit(Exception):
    """What a look into a file has found; becomes FileRefused with its name."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes: of one file and of all files of a Vorgang; files of a Vorgang; pixels of a picture."""

    file_bytes: int = 25 * 2**20
    total_bytes: int = 100 * 2**20
    files: int = 20
    pixels: int = 60_000_000
