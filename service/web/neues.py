"""When to look at a Vorgang again, and what to do where nothing more will come."""

from collections.abc import Set as AbstractSet

from service.access.benachrichtigungen import address_of, confirmed_address
from service.store.records import Vorgang
from service.vorgang.messages import REOPEN_WITHIN, Art
from service.web.context import Reader
from service.web.pages import Way


def next_look(vorgang: Vorgang, may: AbstractSet[Art], reader: Reader) -> Way | None:
    """Return what to say below the status, with a link where there is one; `may`: what the reader may do now."""
    if vorgang.offen:
        return _while_open(reader)
    words, until = reader.words, vorgang.status_at + REOPEN_WITHIN
    if Art.WIEDEROEFFNUNG in may:
        return Way("", "", hint=words("Wieder öffnen können Sie den Vorgang bis {day}.", day=words.day(until)))
    if vorgang.status != "ERLEDIGT" or reader.room.clock() <= until:
        return None
    said = words(
        "Wieder öffnen ließ sich der Vorgang bis {day}. Ist noch etwas offen, melden Sie es bitte neu:",
        day=words.day(until),
    )
    return _anew(vorgang.typ, said, reader)


def _while_open(reader: Reader) -> Way:
    """Whoever is told by mail need not look, and others may choose that, where there is mail."""
    words, visitor = reader.words, reader.signed_in
    again = words("Neues sehen Sie, wenn Sie diese Seite wieder öffnen oder neu laden.")
    if reader.room.settings.service.mail is None or not address_of(visitor):
        return Way("", "", hint=again)
    url, notices = reader.link("konto/benachrichtigungen"), words("Benachrichtigungen")
    if confirmed_address(visitor)[0]:
        return Way(notices, url, hint=words("Gibt es etwas Neues, bekommen Sie eine E-Mail, wie Sie es gewählt haben:"))
    offered = words("Auf Wunsch bekommen Sie dann eine E-Mail:")
    return Way(notices, url, hint=f"{again} {offered}")


def _anew(typ: str, said: str, reader: Reader) -> Way:
    words = reader.words
    ways = {
        "SCHADEN": ("melden/schaden", words("Schaden melden")),
        "BESCHWERDE": ("melden/beschwerde", words("Beschwerde melden")),
        "DOKUMENT": ("melden/dokument", words("Dokument anfordern")),
    }
    path, label = ways.get(typ, ("melden/kontakt", words("Kontakt aufnehmen")))
    return Way(label, reader.link(path), hint=said)
