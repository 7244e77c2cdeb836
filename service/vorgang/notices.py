"""Telling by mail that there is something new: in which Vorgang, or that there is a document; nothing more of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from service.store import benachrichtigungen, mails, vorgaenge
from service.store.mails import News
from service.store.records import ANTWORT, DOKUMENT, NACHRICHT, STAND, Benachrichtigung, Vorgang
from service.vorgang.status import CLOSED
from service.vorgang.types import Vorgangstyp

_OF_EVENTS = {"AKTIVITAET": NACHRICHT, "DOKUMENT": DOKUMENT}


@dataclass(frozen=True, slots=True)
class Sammelzeit:
    """When the mails of a day are due: at the hour that somebody has chosen, on the clocks of this zone."""

    zone: ZoneInfo

    def next(self, hour: int, now: datetime) -> datetime:
        """Return the next time, in the future, that it is this hour."""
        here = now.astimezone(self.zone)
        due = here.replace(hour=hour, minute=0, second=0, microsecond=0, fold=0)
        return (due if due > here else due + timedelta(days=1)).astimezone(now.tzinfo)


def art_of(typ: str, vorgang: Vorgang, status: str) -> str:
    """Return the kind of news that an event is; `status` is what it has set, or empty.

    What closes a Vorgang, and the document that somebody asked for, answer it.
    """
    asked_for = typ == "DOKUMENT" and vorgang.typ == Vorgangstyp.DOKUMENT.value
    return ANTWORT if asked_for or status in CLOSED else _OF_EVENTS.get(typ, STAND)


@dataclass(frozen=True, slots=True)
class Neues:
    """What somebody is told of: a kind of news in a Vorgang, by its Meldenummer, or that there are documents.

    `of_person` is what an account sees of the person that it stands for, `dokumente` the documents (our ids) of which
    immotion is to hear that they were told.
    """

    art: str
    vorgang: str = ""
    of_person: bool = False
    dokumente: tuple[str, ...] = ()


def owe_news(vorgang: Vorgang, art: str, zeit: Sammelzeit, *, now: datetime, dokumente: tuple[str, ...] = ()) -> int:
    """Note news of a Vorgang, and owe a mail to everybody who wants such; returns to how many.

    Whoever was told of this Vorgang since it was last read is not told again. Part of the transaction that brings it.
    """
    before = vorgaenge.count_unread(vorgang.id, art)
    found = benachrichtigungen.of_owners(vorgang.mandant, [vorgang.owner])
    wanting = [one for one in found if art in one.wanted and not before.intersection(one.wanted)]
    news = [
        news_of(one, Neues(art, vorgang.meldenummer, one.owner != vorgang.owner, dokumente), zeit, now)
        for one in wanting
    ]
    mails.owe_news(news, now=now)
    return len(news)


def news_of(to: Benachrichtigung, neues: Neues, zeit: Sammelzeit, now: datetime) -> News:
    """Return the mail of this, or what it adds to the mail of the day for whoever wants one."""
    of_person = [neues.vorgang] if neues.of_person else []
    facts: dict[str, Any] = {"key": str(to.key), "connection": to.connection}
    facts |= {"of_person": of_person, "dokumente": list(neues.dokumente)}
    if to.stunde is None:
        return News(to, {**facts, "art": neues.art, "vorgang": neues.vorgang})
    numbers = [neues.vorgang] if neues.vorgang else []
    gathered = {**facts, "arten": [neues.art], "vorgaenge": numbers, "dokument": not neues.vorgang}
    return News(to, gathered, zeit.next(to.stunde, now))
