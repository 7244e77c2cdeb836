"""The erasure of a person: what of them is removed, what stays and why. Each table with a personal column has its part.

Inside one transaction of the caller's, but for `events`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from peewee import fn

from service.store import audit, dokumente, retention, traces
from service.store.models import (
    AccountPersonRow,
    ActivationRow,
    BenachrichtigungRow,
    BetroffenRow,
    CmsSessionRow,
    DokumentRow,
    DokumentZielRow,
    DraftRow,
    EreignisRow,
    HoldRow,
    LesungRow,
    MailLinkRow,
    MailRow,
    OwnAccountRow,
    PasskeyRow,
    RecoveryCodeRow,
    RundeRow,
    SessionRow,
    StammdatenRow,
    TotpRow,
    VorgangRow,
)
from service.store.owner import key_of_vertrag, owner_of_account, owner_of_person
from service.store.query import Query, affected, chunks, tuples
from service.store.stammdaten import OF_PERSONS


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom an erasure is about.

    `accounts` act for this person alone and go with them; `shared` act for somebody else, too, and stay. `owners` are
    the owner keys of what goes, `ziele` these and the keys of contracts that are nobody else's. `addresses` are where
    mails about these accounts go.
    """

    mandant: str
    person: str
    accounts: tuple[str, ...]
    shared: tuple[str, ...]
    owners: tuple[str, ...]
    ziele: tuple[str, ...]
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vorgaenge:
    """The Vorgänge of a person: what may go, and what stays because it is open, owed to immotion, or held."""

    free: tuple[UUID, ...]
    open: int
    owed: int
    held: int


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did: rows by table, and files that nothing names any more."""

    rows: Mapping[str, int] = field(default_factory=dict)
    files: tuple[UUID, ...] = ()


def subject(mandant: str, person: str) -> Subject:
    """Return who an erasure of this person is about, in a fixed number of queries."""
    accounts = traces.accounts_of(mandant, person)
    shared = traces.act_for_others(mandant, accounts, person)
    own = tuple(sorted(accounts - shared))
    owners = (owner_of_person(mandant, person), *(owner_of_account(mandant, one) for one in own))
    ziele = (*owners, *(key_of_vertrag(mandant, nr) for nr in _sole_contracts(mandant, person)))
    return Subject(mandant, person, own, tuple(sorted(shared)), owners, ziele, _addresses(mandant, own))


def _sole_contracts(mandant: str, person: str) -> list[str]:
    """Return the person's contracts that have no other party."""
    here = _records(mandant, ["VERTRAG"]) & (StammdatenRow.parent == person)
    rows = tuples(StammdatenRow.select(StammdatenRow.nr, StammdatenRow.daten).where(here))
    return [nr for nr, daten in rows if not _others(daten, person)]


def _others(daten: Mapping[str, Any], person: str) -> list[Any]:
    named = daten.get("mitmieter")
    return [one for one in named if _number(one) != person] if isinstance(named, list) else []


def _number(mate: object) -> str:
    return str(mate.get("personNr", "")) if isinstance(mate, Mapping) else ""


def _addresses(mandant: str, accounts: Sequence[str]) -> tuple[str, ...]:
    models: tuple[Any, ...] = (OwnAccountRow, BenachrichtigungRow, SessionRow, MailLinkRow)
    queries = [model.select(model.email).where(_of_accounts(model, mandant, accounts)).distinct() for model in models]
    return tuple(sorted({email for query in queries for (email,) in tuples(query) if email}))


def _of_accounts(model: Any, mandant: str, accounts: Sequence[str]) -> Query:  # noqa: ANN401 - any table with accounts
    return (model.mandant == mandant) & model.account.in_(list(accounts))


def vorgaenge(who: Subject, held: Sequence[UUID]) -> Vorgaenge:
    """Return which of a person's Vorgänge may go; `held` are those that somebody has put under a hold."""
    here = (VorgangRow.mandant == who.mandant) & VorgangRow.owner.in_(list(who.owners))
    columns = (VorgangRow.id, VorgangRow.offen, retention.owed_of(VorgangRow.id))
    rows = tuples(VorgangRow.select(*columns).where(here).order_by(VorgangRow.id))
    open_ = {key for key, offen, _ in rows if offen}
    owed = {key for key, _, owes in rows if owes} - open_
    under_hold = {key for key, _, _ in rows}.intersection(held) - open_ - owed
    free = tuple(key for key, _, _ in rows if key not in open_ | owed | under_hold)
    return Vorgaenge(free, len(open_), len(owed), len(under_hold))


def erase(who: Subject, free: Sequence[UUID], now: datetime) -> Erased:
    """Remove what is the person's: these Vorgänge, and everything else but what `stays` counts."""
    rows: dict[str, int] = {"vorgang": len(free)}
    files = retention.remove_vorgaenge(who.mandant, free, now=now)
    drafts = [row[0] for row in tuples(DraftRow.select(DraftRow.id).where(_drafts(who)))]
    files += retention.remove_drafts(drafts)
    rows["draft"] = len(drafts)
    documents = _documents(who)
    rows["dokument"] = len(documents)
    for some in chunks(documents):
        files += retention.unnamed(dokumente.remove(some))
    rows["lesung"] = affected(
        LesungRow.delete().where(_lesungen(who) & ~_owed() & LesungRow.dokument.not_in(_kept(who)))
    )
    rows["betroffen"] = affected(BetroffenRow.delete().where(BetroffenRow.owner.in_(list(who.owners))))
    rows |= _forget_in_rows(who)
    rows |= _erase_rows(who)
    rows["audit"] = audit.take_out(who.mandant, who.person, who.accounts)
    return Erased({table: count for table, count in rows.items() if count}, files)


def _drafts(who: Subject) -> Query:
    theirs = DraftRow.account.in_(list(who.accounts)) | DraftRow.owner.in_(list(who.owners))
    return (DraftRow.mandant == who.mandant) & theirs


def _lesungen(who: Subject) -> Query:
    theirs = LesungRow.leser.in_(list(who.owners)) | (LesungRow.person == who.person)
    return (LesungRow.mandant == who.mandant) & theirs


def _owed() -> Query:
    """Match openings of documents that immotion is still to be told of."""
    return retention.owed_of(LesungRow.id)


def owed_lesungen(who: Subject) -> int:
    """Return of how many openings of documents immotion is still to be told."""
    return int(LesungRow.select().where(_lesungen(who) & _owed()).count())


def _documents(who: Subject) -> list[UUID]:
    """Take the person away from whom documents are for; returns those that are for nobody now."""
    owed = LesungRow.select(LesungRow.dokument).where(_lesungen(who) & _owed())
    free = DokumentZielRow.dokument.not_in(owed) & DokumentZielRow.dokument.not_in(_kept(who))
    here = DokumentZielRow.ziel.in_(list(who.ziele)) & free
    ids = [row[0] for row in tuples(DokumentZielRow.select(DokumentZielRow.dokument).where(here).distinct())]
    for some in chunks(ids):
        these = DokumentZielRow.dokument.in_(some)
        affected(DokumentZielRow.delete().where(these & DokumentZielRow.ziel.in_(list(who.ziele))))
    _forget_recipient(who)
    return [key for some in chunks(ids) for key in _without_ziel(some)]


def _kept(who: Subject) -> Query:
    """Select the documents of those Vorgänge that stay: under a hold, they and their openings are evidence."""
    vorgaenge = VorgangRow.select(VorgangRow.id)
    theirs = vorgaenge.where((VorgangRow.mandant == who.mandant) & VorgangRow.owner.in_(list(who.owners)))
    return DokumentRow.select(DokumentRow.id).where(DokumentRow.vorgang_id.in_(theirs))


def _without_ziel(ids: list[UUID]) -> list[UUID]:
    here = DokumentZielRow.dokument.in_(ids)
    left = {row[0] for row in tuples(DokumentZielRow.select(DokumentZielRow.dokument).where(here).distinct())}
    return [key for key in ids if key not in left]


def _forget_recipient(who: Subject) -> None:
    """Forget the person among the recipients that documents wait for."""
    here = (DokumentRow.mandant == who.mandant) & DokumentRow.stored_at.is_null() & DokumentRow.unbekannt.is_null(False)
    for key, unbekannt in tuples(DokumentRow.select(DokumentRow.id, DokumentRow.unbekannt).where(here)):
        left = [one for one in unbekannt if one.get("person_nr") != who.person]
        if len(left) < len(unbekannt):
            affected(DokumentRow.update(unbekannt=left or None).where(DokumentRow.id == key))


def _erase_rows(who: Subject) -> dict[str, int]:
    """Remove the rows that are the person's, or those of accounts that go with them."""
    person, m = who.person, who.mandant
    of_person: tuple[tuple[Any, Query], ...] = (
        (SessionRow, (SessionRow.mandant == m) & (SessionRow.person == person)),
        (AccountPersonRow, (AccountPersonRow.mandant == m) & (AccountPersonRow.person == person)),
        (ActivationRow, (ActivationRow.mandant == m) & (ActivationRow.person == person)),
        (MailRow, _mails(who)),
        (StammdatenRow, _stammdaten(who)),
        (HoldRow, (HoldRow.mandant == m) & (HoldRow.person == person)),
    )
    accounts: tuple[Any, ...] = (
        SessionRow,
        AccountPersonRow,
        CmsSessionRow,
        TotpRow,
        RecoveryCodeRow,
        PasskeyRow,
        BenachrichtigungRow,
        OwnAccountRow,
        MailLinkRow,
    )
    named = [*of_person, *((model, _of_accounts(model, m, who.accounts)) for model in accounts)]
    done: dict[str, int] = {}
    for model, here in named:
        table = model._meta.table_name  # noqa: SLF001 - peewee's own way
        done[table] = done.get(table, 0) + affected(model.delete().where(here))
    return done


def _mails(who: Subject) -> Query:
    to_them = MailRow.account.in_(list(who.accounts)) | MailRow.recipient.in_([who.person, *who.addresses])
    return (MailRow.mandant == who.mandant) & to_them


def _stammdaten(who: Subject) -> Query:
    themselves = _records(who.mandant, ["PERSON"]) & (StammdatenRow.nr == who.person)
    return themselves | (_records(who.mandant, OF_PERSONS) & (StammdatenRow.parent == who.person))


def _records(mandant: str, arten: list[str]) -> Query:
    return (StammdatenRow.mandant == mandant) & StammdatenRow.art.in_(arten)


def _forget_in_rows(who: Subject) -> dict[str, int]:
    """Take the person out of rows that are somebody else's, too."""
    m, person = who.mandant, who.person
    changes: tuple[tuple[Any, Query, dict[str, Any]], ...] = (
        (CmsSessionRow, CmsSessionRow.person == person, {"person": None}),
        (TotpRow, TotpRow.person == person, {"person": None}),
        (
            BenachrichtigungRow,
            BenachrichtigungRow.owner_person == who.owners[0],
            {"owner_person": None, "person": None},
        ),
        # how far a round of mails is stays known to where it need not name the account
        (RundeRow, RundeRow.account.in_(list(who.accounts)), {"account": fn.SUBSTR(RundeRow.account, 1, 16)}),
        (ActivationRow, ActivationRow.used_by.in_(list(who.accounts)), {"used_by": None}),
    )
    for model, here, values in changes:
        affected(model.update(**values).where((model.mandant == m) & here))
    return {"mitmieter": _forget_mate(who)}


def _forget_mate(who: Subject) -> int:
    """Take the person out of others' contracts that name them as a co-resident; returns of how many."""
    changed = 0
    as_mate = _records(who.mandant, ["MITMIETER"]) & (StammdatenRow.parent == who.person)
    numbers = [
        str(daten.get("vertragNr")) for (daten,) in tuples(StammdatenRow.select(StammdatenRow.daten).where(as_mate))
    ]
    contracts = _records(who.mandant, ["VERTRAG"]) & StammdatenRow.nr.in_(numbers)
    for number, daten in tuples(StammdatenRow.select(StammdatenRow.nr, StammdatenRow.daten).where(contracts)):
        left = {**daten, "mitmieter": _others(daten, who.person)}
        one = _records(who.mandant, ["VERTRAG"]) & (StammdatenRow.nr == number)
        changed += affected(StammdatenRow.update(daten=left).where(one))
    return changed


def events(who: Subject, gone: set[str], *, after: int, limit: int) -> tuple[int, int, int | None]:
    """Empty those of a batch of events that are about Vorgänge with one of these ids, or name the person.

    Returns how many, how many of them still wait and stay, and the id to go on after: None at the end.
    """
    columns = (EreignisRow.id, EreignisRow.externe_id, EreignisRow.immotion_id, EreignisRow.state, EreignisRow.body)
    here = (EreignisRow.mandant == who.mandant) & (EreignisRow.id > after) & (EreignisRow.state != retention.EMPTIED)
    batch = tuples(EreignisRow.select(*columns).where(here).order_by(EreignisRow.id).limit(limit))
    about = [row for row in batch if {row[1].lower(), row[2]} & gone or retention.names_any(row[4], [who.person])]
    settled = [row[0] for row in about if row[3] != "waiting"]
    retention.empty_events(settled)
    return len(settled), len(about) - len(settled), batch[-1][0] if len(batch) == limit else None
