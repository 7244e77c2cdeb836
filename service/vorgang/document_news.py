"""Telling residents by mail that there is a document for them: whoever may see it, and wants to be told.

In batches, each a transaction that owes the mails and notes whom it has told: killed, it goes on where it was, and
nobody is told twice of a document. None grows with how many a document is for. A person or a contract leads to who is
told; what is for a building or all is told by a round among all who are told of documents.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from service.store import benachrichtigungen, mails, neuigkeiten, stammdaten
from service.store.dokument_records import FEED, Neuigkeit, Zugang
from service.store.owner import key_of_vertrag, owner_of_person
from service.store.records import DOKUMENT, Benachrichtigung
from service.vorgang.dokumente import leser_of, reaches
from service.vorgang.notices import Neues, Sammelzeit, news_of

# What has been here for longer is no news any more: it lay there while no mail was sent.
_NEWS_FOR = timedelta(days=3)
_RECIPIENTS = 200
_IN_A_ROUND = 100
_READERS = 500
_Ways = Mapping[str, Sequence[Zugang]]


@dataclass(frozen=True, slots=True)
class _Told:
    """Recipients that were told before: all of `ziele`, and those of a round that has come `nach` this account."""

    ziele: Mapping[str, Sequence[Neuigkeit]]
    of_round: Mapping[str, Sequence[Neuigkeit]]
    nach: str

    def of(self, account: str, ways: Sequence[Zugang]) -> set[UUID]:
        """Return the documents that an account knows of."""
        by_round = _reached(ways, self.of_round) if account <= self.nach else {}
        return {*_reached(ways, self.ziele), *by_round}


def owe_documents(mandant: str, zeit: Sammelzeit, *, now: datetime) -> int:
    """Owe mails of documents for persons and contracts, a batch of recipients; returns how many it has looked at.

    What belongs to a Vorgang was told with it. Inside a transaction; raises Overtaken.
    """
    fresh = neuigkeiten.untold(mandant, viele=False, limit=_RECIPIENTS)
    if not fresh:
        return 0
    neuigkeiten.settle([(one.dokument, one.ziel) for one in fresh])
    new = [one for one in fresh if _is_news(one, zeit, now)]
    _owe(mandant, benachrichtigungen.of_owners(mandant, _owners(mandant, new)), new, zeit, now)
    neuigkeiten.no_news([one.dokument for one in fresh])
    return len(fresh)


def owe_to_many(mandant: str, zeit: Sammelzeit, *, now: datetime) -> int:
    """Owe mails of documents for buildings and all, to a batch of readers; returns 0 when there is nothing to do.

    One round is under way at a time; what comes meanwhile is told by the next. Inside a transaction; raises Overtaken.
    """
    seen = neuigkeiten.runde(mandant)
    if seen is None:
        return _begin(mandant, zeit, now)
    readers = benachrichtigungen.with_persons(mandant, after=seen.nach, limit=_READERS)
    new = [one for one in neuigkeiten.still_untold(seen.ziele) if _is_news(one, zeit, now)]
    if len(readers) < _READERS:
        neuigkeiten.end(seen)
    else:
        neuigkeiten.go_on(seen, readers[-1].account)
    _owe(mandant, readers, new, zeit, now)
    return 1 + len(readers)


def _begin(mandant: str, zeit: Sammelzeit, now: datetime) -> int:
    fresh = neuigkeiten.untold(mandant, viele=True, limit=_IN_A_ROUND)
    if not fresh:
        neuigkeiten.no_news(neuigkeiten.news(mandant, limit=_RECIPIENTS))
        return 0
    new = [(one.dokument, one.ziel) for one in fresh if _is_news(one, zeit, now)]
    old = [(one.dokument, one.ziel) for one in fresh if not _is_news(one, zeit, now)]
    neuigkeiten.settle(old)
    neuigkeiten.no_news([key for key, _ in old])
    if new:
        neuigkeiten.begin(mandant, new, now=now)
    return len(fresh)


def _is_news(one: Neuigkeit, zeit: Sammelzeit, now: datetime) -> bool:
    since = max(one.stored_at, one.news_at or one.stored_at)
    over = one.loeschen_nach is not None and one.loeschen_nach < now.astimezone(zeit.zone).date().isoformat()
    return one.vorgang_id is None and now - since < _NEWS_FOR and not over


def _owners(mandant: str, new: Sequence[Neuigkeit]) -> list[str]:
    """Return the owner keys of whom documents are for: of the parties, where that is a contract."""
    contracts = {one.vertrag_nr for one in new if one.ziel == key_of_vertrag(mandant, one.vertrag_nr)}
    parties = stammdaten.parteien(mandant, sorted(contracts))
    return sorted({one.ziel for one in new} | {owner_of_person(mandant, person) for person in parties})


def _owe(
    mandant: str, readers: Sequence[Benachrichtigung], new: Sequence[Neuigkeit], zeit: Sammelzeit, now: datetime
) -> None:
    """Owe each of these readers who wants it one mail about what of this they may see and were not told of."""
    wanting = [one for one in readers if DOKUMENT in one.wanted] if new else []
    ways, fresh = _ways(mandant, wanting, zeit, now), _by_key(new)
    reached = {one.account: _reached(ways[one.account], fresh) for one in wanting}
    some = [one for one in wanting if reached[one.account]]
    told = _told(mandant, new, [way.key for one in some for way in ways[one.account]])
    owed = []
    for one in some:
        known = told.of(one.account, ways[one.account])
        left = [found for key, found in reached[one.account].items() if key not in known]
        if left:
            owed.append(news_of(one, _news(one, left), zeit, now))
    mails.owe_news(owed, now=now)


def _news(to: Benachrichtigung, left: Sequence[Neuigkeit]) -> Neues:
    of_feed = tuple(str(one.dokument) for one in left if one.quelle == FEED)
    return Neues(DOKUMENT, of_person=any(one.ziel != to.owner for one in left), dokumente=of_feed)


def _ways(mandant: str, readers: Sequence[Benachrichtigung], zeit: Sammelzeit, now: datetime) -> _Ways:
    """Return by which ways each of these accounts sees documents."""
    persons = {one.account: one.person for one in readers if one.person and _is_theirs(one)}
    vertraege = stammdaten.vertraege_of(mandant, sorted(set(persons.values())))
    today, found = now.astimezone(zeit.zone).date(), {}
    for one in readers:
        owners = [key for key in (one.owner_person, one.owner) if key]
        mine = vertraege.get(persons.get(one.account, ""), [])
        found[one.account] = leser_of(mandant, owners, mine, today).zugaenge
    return found


def _is_theirs(one: Benachrichtigung) -> bool:
    return one.person is not None and one.owner_person == owner_of_person(one.mandant, one.person)


def _told(mandant: str, new: Sequence[Neuigkeit], keys: Sequence[str]) -> _Told:
    """Return what of these documents was told before under these keys."""
    if not keys:
        return _Told({}, {}, "")
    now_told = {(one.dokument, one.ziel) for one in new}
    ids = sorted({one.dokument for one in new})
    before = [
        one
        for one in neuigkeiten.told_before(ids, list(dict.fromkeys(keys)))
        if (one.dokument, one.ziel) not in now_told
    ]
    under_way = neuigkeiten.runde(mandant)
    theirs = neuigkeiten.still_untold(under_way.ziele) if under_way else []
    others = [one for one in theirs if (one.dokument, one.ziel) not in now_told]
    return _Told(_by_key(before), _by_key(others), under_way.nach if under_way else "")


def _by_key(ziele: Iterable[Neuigkeit]) -> Mapping[str, Sequence[Neuigkeit]]:
    found: dict[str, list[Neuigkeit]] = {}
    for one in ziele:
        found.setdefault(one.ziel, []).append(one)
    return found


def _reached(ways: Sequence[Zugang], ziele: Mapping[str, Sequence[Neuigkeit]]) -> dict[UUID, Neuigkeit]:
    """Return the documents that these ways lead to, each with one recipient by which they do."""
    return {one.dokument: one for way in ways for one in ziele.get(way.key, ()) if reaches(way, one)}
