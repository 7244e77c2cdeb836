"""File names as residents chose them, made harmless."""

import unicodedata
from pathlib import PurePosixPath

_LENGTH = 120
_SUFFIXES = {
    "image/jpeg": (".jpg", ".jpeg"),
    "image/png": (".png",),
    "image/webp": (".webp",),
    "application/pdf": (".pdf",),
    "video/mp4": (".mp4", ".m4v"),
    "video/quicktime": (".mov", ".qt"),
}


def clean_name(raw: str, mime: str | None = None) -> str:
    """Return the last part of a name without control or direction characters, with the suffix of its proven type."""
    last = raw.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(letter for letter in unicodedata.normalize("NFC", last) if _is_plain(letter)).strip(" .")
    name = kept or "Datei"
    suffixes = _SUFFIXES.get(mime or "", ())
    if suffixes and not name.lower().endswith(suffixes):
        known = (*(suffix for group in _SUFFIXES.values() for suffix in group), ".heic", ".heif")
        stem = name[: -len(PurePosixPath(name).suffix)] if name.lower().endswith(known) else name
        name = (stem or "Datei") + suffixes[0]
    return _shortened(name)


def _is_plain(letter: str) -> bool:
    """Refuse control, format (among them right-to-left override), surrogate and private characters."""
    return unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} and letter not in '<>:"|?*'


def _shortened(name: str) -> str:
    if len(name) <= _LENGTH:
        return name
    suffix = PurePosixPath(name).suffix[:10]
    return name[: _LENGTH - len(suffix)] + suffix
