"""What letters with a code say."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.access.activation import Purpose
from service.access.facts import Fact
from service.settings import InvitationSettings
from service.web.text import Words


@dataclass(frozen=True, slots=True)
class Umschlag:
    """What all letters of a set have in common; `name` is the Mandant's."""

    name: str
    invitation: InvitationSettings
    purpose: Purpose
    written_at: datetime
    expires_at: datetime


def fact_name(rules: InvitationSettings, words: Words) -> str:
    """Name what is asked for beside the code."""
    names = {
        Fact.VERTRAGSBEGINN: words("Beginn Ihres Vertrags"),
        Fact.VERTRAG_NR: words("Vertragsnummer"),
    }
    return names.get(Fact(rules.fact), rules.fact_label)


def letter_words(common: Umschlag, words: Words) -> dict[str, Any]:
    """Return the texts of the letters, in one language."""
    asked = fact_name(common.invitation, words)
    return {
        **_what_for(common.purpose, words),
        "code": words("Ihr Code"),
        "page": words("Die Seite"),
        "picture": words("QR-Code mit der Adresse der Seite und Ihrem Code"),
        "steps": [
            words("Öffnen Sie die Seite oben, oder richten Sie die Kamera Ihres Telefons auf das Bild daneben."),
            words("Melden Sie sich an, oder registrieren Sie sich, wenn die Seite danach fragt."),
            words(
                "Geben Sie den Code ein und dazu: {fact}. Diese Angabe steht nicht in diesem Brief. Sie finden sie "
                "in Ihren Unterlagen.",
                fact=asked,
            ),
        ],
        "valid": words("Der Code gilt einmal und bis zum {day}.", day=words.day(common.expires_at)),
        "warning": words(
            "Geben Sie den Code niemandem weiter. Wir fragen weder am Telefon noch per E-Mail danach. "
            "Ist der Brief schon geöffnet bei Ihnen angekommen, sagen Sie uns bitte Bescheid."
        ),
        "regards": words("Mit freundlichen Grüßen"),
    }


def _what_for(purpose: Purpose, words: Words) -> dict[str, Any]:
    if purpose == Purpose.FACTOR:
        return {
            "subject": words("Ihr Code, um den zweiten Faktor zurückzusetzen"),
            "before": [
                words(
                    "mit diesem Code entfernen Sie im Mieterportal den zweiten Faktor, den Sie verloren haben. "
                    "Danach richten Sie auf Ihrem neuen Gerät einen anderen ein."
                )
            ],
        }
    return {
        "subject": words("Ihr Code für das Mieterportal"),
        "before": [
            words(
                "im Mieterportal melden Sie Schäden, schreiben uns und fordern Unterlagen an. "
                "Mit diesem Code bekommen Sie dort Zugang zu Ihrem Vertrag."
            )
        ],
    }
