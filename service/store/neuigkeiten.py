"""Recipients of documents that were not told by mail yet, and the rounds among all readers for what is for many.

A recipient is told in the transaction that settles it here; whoever was at it meanwhile makes the other one give up.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from service.store.database import engine
from service.store.dokument_records import Neuigkeit, Runde
from service.store.dokument_ways import handed_out
from service.store.models import DokumentRow, DokumentZielRow, RundeRow
from service.store.query import Query, affected, chunks, first, many, tuples

_COLUMNS = (
    DokumentZielRow.dokument,
    DokumentZielRow.ziel,
    DokumentZielRow.vertrag_nr,
    DokumentZielRow.rolle,
    DokumentZielRow.von,
    DokumentZielRow.bis,
    DokumentZielRow.news_at,
    DokumentRow.stored_at,
    DokumentRow.vorgang_id,
    DokumentRow.quelle,
    DokumentRow.loeschen_nach,
)
_NONE = UUID(int=0)
_UNTOLD = DokumentZielRow.news_at.is_null(False)


class Overtaken(Exception):
    """Somebody else was at the same meanwhile; the transaction must end without effect."""


def untold(mandant: str, *, viele: bool, limit: int) -> list[Neuigkeit]:
    """Return recipients that were not told yet of documents that are handed out: those of many readers, or the others.

    The longest known documents first.
    """
    kind = DokumentZielRow.viele == True if viele else DokumentZielRow.viele.is_null()  # noqa: E712 - a condition
    here = (DokumentRow.mandant == mandant) & (DokumentRow.news == True) & _UNTOLD & kind  # noqa: E712 - a condition
    return _neuigkeiten(here, limit)


def anything(mandant: str) -> bool:
    """Tell whether there may be anybody to tell; a sender that is idle asks this first, which locks nothing."""
    return bool(news(mandant, limit=1)) or runde(mandant) is not None


def news(mandant: str, *, limit: int) -> list[UUID]:
    """Return documents that are news, and handed out."""
    here = (DokumentRow.mandant == mandant) & (DokumentRow.news == True) & handed_out()  # noqa: E712 - a condition
    return [key for (key,) in tuples(DokumentRow.select(DokumentRow.id).where(here).limit(limit))]


def still_untold(ziele: Sequence[tuple[UUID, str]]) -> list[Neuigkeit]:
    """Return those of these recipients (document, key) that are still there, of documents that are handed out."""
    wanted = set(ziele)
    here = DokumentZielRow.dokument.in_([key for key, _ in ziele]) & (DokumentZielRow.viele == True) & _UNTOLD  # noqa: E712
    found = _neuigkeiten(here & DokumentZielRow.ziel.in_([ziel for _, ziel in ziele]), None) if ziele else []
    return [one for one in found if (one.dokument, one.ziel) in wanted]


def _neuigkeiten(here: Query, limit: int | None) -> list[Neuigkeit]:
    query = DokumentZielRow.select(*_COLUMNS).join(DokumentRow, on=(DokumentRow.id == DokumentZielRow.dokument))
    rows = tuples(query.where(here & handed_out()).order_by(DokumentRow.id).limit(limit))
    return [Neuigkeit(*row) for row in rows]


def told_before(dokumente: Sequence[UUID], keys: Sequence[str]) -> list[Neuigkeit]:
    """Return the recipients under these keys that were told of these documents already, or never were to be."""
    found: list[Neuigkeit] = []
    for some in chunks(keys):
        here = DokumentZielRow.ziel.in_(some) & DokumentZielRow.dokument.in_(list(dokumente))
        found += _neuigkeiten(here & ~_UNTOLD, None)
    return found


def settle(ziele: Sequence[tuple[UUID, str]]) -> None:
    """Note that whom these recipients (document, key) reach was told; raises Overtaken. Inside a transaction."""
    form = DokumentZielRow.update(news_at=0).where(
        (DokumentZielRow.dokument == _NONE) & (DokumentZielRow.ziel == "") & _UNTOLD
    )
    value = DokumentZielRow.dokument.db_value
    if ziele and many(form, [(None, value(key), ziel) for key, ziel in sorted(ziele)]) != len(ziele):
        raise Overtaken


def no_news(dokumente: Sequence[UUID]) -> None:
    """Note of these documents that they are no news, unless they have recipients that were not told. In a transaction.

    They are held first: a recipient that somebody is just adding is either seen here, or makes them news again.
    """
    for some in chunks(sorted(set(dokumente))):
        here = DokumentRow.id.in_(some)
        held: Query = DokumentRow.select(DokumentRow.id).where(here).order_by(DokumentRow.id)
        tuples(held if engine() == "sqlite" else held.for_update())
        left = DokumentZielRow.select(DokumentZielRow.dokument).where(DokumentZielRow.dokument.in_(some) & _UNTOLD)
        news = {key for (key,) in tuples(left.distinct())}
        affected(DokumentRow.update(news=False).where(DokumentRow.id.in_([key for key in some if key not in news])))


# Rounds


def runde(mandant: str) -> Runde | None:
    """Return the round that is under way."""
    row: dict[str, Any] | None = first(RundeRow.select().where(RundeRow.mandant == mandant))
    if row is None:
        return None
    ziele = tuple((UUID(key), str(ziel)) for key, ziel in row["ziele"])
    return Runde(mandant, ziele, row["account"], row["begun_at"])


def begin(mandant: str, ziele: Sequence[tuple[UUID, str]], *, now: datetime) -> None:
    """Begin a round about these recipients (document, key); nothing happens where one is under way."""
    told = [[str(key), ziel] for key, ziel in ziele]
    affected(RundeRow.insert(mandant=mandant, ziele=told, account="", begun_at=now).on_conflict_ignore().as_rowcount())


def go_on(seen: Runde, nach: str) -> None:
    """Note how far a round has come; raises Overtaken. Inside a transaction."""
    if not affected(RundeRow.update(account=nach).where(_as(seen))):
        raise Overtaken


def end(seen: Runde) -> None:
    """End a round, whose recipients are told with that; raises Overtaken. Inside a transaction."""
    if not affected(RundeRow.delete().where(_as(seen))):
        raise Overtaken
    form = DokumentZielRow.update(news_at=0).where((DokumentZielRow.dokument == _NONE) & (DokumentZielRow.ziel == ""))
    many(form, [(None, DokumentZielRow.dokument.db_value(key), ziel) for key, ziel in sorted(seen.ziele)])
    no_news([key for key, _ in seen.ziele])


def _as(seen: Runde) -> Query:
    return (RundeRow.mandant == seen.mandant) & (RundeRow.account == seen.nach) & (RundeRow.begun_at == seen.begun_at)
