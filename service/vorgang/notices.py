"""Telling by mail that there is something new: in which Vorgang, or that there is a document; nothing more of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from service.store import benachrichtigungen, dokumente, mails, vorgaenge
from service.store.mails import News
from service.store.records import ANTWORT, DOKUMENT, NACHRICHT, STAND, Benachrichtigung, Vorgang
from service.vorgang.status import CLOSED
from service.vorgang.types import Vorgangstyp

_OF_EVENTS = {"AKTIVITAET": NACHRICHT, "DOKUMENT": DOKUMENT}
# What has been here for longer is no news any more: it lay there while no mail was sent.
_NEWS_FOR = timedelta(days=3)
_BATCH = 500


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


def owe_news(vorgang: Vorgang, art: str, zeit: Sammelzeit, *, now: datetime) -> int:
    """Note news of a Vorgang, and owe a mail to everybody who wants such; returns to how many.

    Whoever was told of this Vorgang since it was last read is not told again. Part of the transaction that brings it.
    """
    before = vorgaenge.count_unread(vorgang.id, art)
    found = benachrichtigungen.of_owners(vorgang.mandant, [vorgang.owner])
    news = [
        _news(one, art, zeit, now, vorgang=vorgang.meldenummer)
        for one in found
        if art in one.wanted and not before.intersection(one.wanted)
    ]
    mails.owe_news(news, now=now)
    return len(news)


def owe_documents(mandant: str, zeit: Sammelzeit, *, now: datetime) -> int:
    """Owe mails for documents that have come since, many at a time; returns how many documents it has looked at.

    Somebody is told once of all of them. What belongs to a Vorgang was told with it. Inside a transaction.
    """
    fresh = dokumente.news(mandant, limit=_BATCH)
    keys = dokumente.ziele([one.id for one in fresh if one.vorgang_id is None and now - one.stored_at < _NEWS_FOR])
    news = [
        _news(one, DOKUMENT, zeit, now, vorgang="")
        for one in benachrichtigungen.of_owners(mandant, keys)
        if DOKUMENT in one.wanted
    ]
    dokumente.no_news([one.id for one in fresh])
    mails.owe_news(news, now=now)
    return len(fresh)


def _news(one: Benachrichtigung, art: str, zeit: Sammelzeit, now: datetime, *, vorgang: str) -> News:
    facts = {"key": str(one.key), "connection": one.connection, "art": art}
    if one.stunde is None:
        return News(one, {**facts, "vorgang": vorgang})
    numbers = [vorgang] if vorgang else []
    gathered = {**facts, "vorgaenge": numbers, "dokument": not vorgang}
    return News(one, gathered, zeit.next(one.stunde, now))
