"""What a Vorgang is called where its reporter has not named it: after what it is about."""

from collections.abc import Mapping
from typing import Any

_THEMEN = ("kontaktthema", "beschwerdeart", "dokumentart")


def default_betreff(labels: Mapping[str, Any], lang: str) -> str:
    """Return the subject made of the labels that a Vorgang was filed with, in a language or else German; else ""."""
    art, ort = labels.get("schadensart"), labels.get("schadensort")
    if art and ort:
        return f"{_in(art, lang)} ({_in(ort, lang)})"
    thema = next((labels[name] for name in _THEMEN if labels.get(name)), None)
    return _in(thema, lang) if thema else ""


def _in(label: Mapping[str, str], lang: str) -> str:
    return label.get(lang) or label.get("de", "")
