"""What is kept about somebody, table by table, for them to take away: every table with a personal column is named here.

Whoever adds such a table says here which rows are whose, and in `store.erasure` what an erasure does to them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import peewee

from service.store import audit, documents
from service.store.models import (
    MODELS,
    SECRET,
    AccountPersonRow,
    ActivationRow,
    AktivitaetRow,
    AnhangRow,
    BenachrichtigungRow,
    BetroffenRow,
    CmsSessionRow,
    DokumentZielRow,
    DraftRow,
    FiledropRow,
    LesungRow,
    MailLinkRow,
    MailRow,
    OwnAccountRow,
    PasskeyRow,
    RecoveryCodeRow,
    SessionRow,
    StammdatenRow,
    TotpRow,
    VorgangRow,
)
from service.store.query import Query, dicts
from service.store.stammdaten import OF_PERSONS

_BATCH = 200


@dataclass(frozen=True, slots=True)
class Whose:
    """Of whom: persons by number, accounts by key, and the owner keys of what is theirs."""

    mandant: str
    persons: tuple[str, ...]
    accounts: tuple[str, ...]
    owners: tuple[str, ...]


def _vorgaenge(whose: Whose) -> Query:
    return (VorgangRow.mandant == whose.mandant) & VorgangRow.owner.in_(list(whose.owners))


def _vorgang_ids(whose: Whose) -> Query:
    return VorgangRow.select(VorgangRow.id).where(_vorgaenge(whose))


def _drafts(whose: Whose) -> Query:
    mine = DraftRow.owner.is_null() | DraftRow.owner.in_(list(whose.owners))
    return (DraftRow.mandant == whose.mandant) & DraftRow.account.in_(list(whose.accounts)) & mine


def _anhaenge(whose: Whose) -> Query:
    drafts = DraftRow.select(DraftRow.id).where(_drafts(whose))
    mine = AnhangRow.vorgang_id.in_(_vorgang_ids(whose)) | AnhangRow.draft_id.in_(drafts)
    return (AnhangRow.mandant == whose.mandant) & mine & documents.shown()


def _stammdaten(whose: Whose) -> Query:
    persons = list(whose.persons)
    themselves = (StammdatenRow.art == "PERSON") & StammdatenRow.nr.in_(persons)
    contracts = StammdatenRow.art.in_(OF_PERSONS) & StammdatenRow.parent.in_(persons)
    return (StammdatenRow.mandant == whose.mandant) & (themselves | contracts)


def _activations(whose: Whose) -> Query:
    used = ActivationRow.used_by.is_null() | ActivationRow.used_by.in_(list(whose.accounts))
    return (ActivationRow.mandant == whose.mandant) & ActivationRow.person.in_(list(whose.persons)) & used


def _lesungen(whose: Whose) -> Query:
    return (LesungRow.mandant == whose.mandant) & LesungRow.leser.in_(list(whose.owners))


def _filedrop(whose: Whose) -> Query:
    return (FiledropRow.mandant == whose.mandant) & FiledropRow.vorgang_id.in_(_vorgang_ids(whose))


def _of_account(model: Any) -> Callable[[Whose], Query]:  # noqa: ANN401 - any table with accounts
    return lambda whose: (model.mandant == whose.mandant) & model.account.in_(list(whose.accounts))


EXPORTED: Mapping[str, Callable[[Whose], Query]] = {
    "vorgang": _vorgaenge,
    "aktivitaet": lambda whose: AktivitaetRow.vorgang_id.in_(_vorgang_ids(whose)),
    "anhang": _anhaenge,
    "draft": _drafts,
    "stammdaten": _stammdaten,
    "dokument_ziel": lambda whose: DokumentZielRow.ziel.in_(list(whose.owners)),
    "lesung": _lesungen,
    "betroffen": lambda whose: BetroffenRow.owner.in_(list(whose.owners)),
    "filedrop": _filedrop,
    "session": _of_account(SessionRow),
    "cms_session": _of_account(CmsSessionRow),
    "account_person": _of_account(AccountPersonRow),
    "activation": _activations,
    "own_account": _of_account(OwnAccountRow),
    "mail_link": _of_account(MailLinkRow),
    "totp": _of_account(TotpRow),
    "recovery_code": _of_account(RecoveryCodeRow),
    "passkey": _of_account(PasskeyRow),
    "benachrichtigung": _of_account(BenachrichtigungRow),
    "mail": _of_account(MailRow),
    "audit": audit.about,
}
# Documents go by what their reader may see (`store.dokumente`). What events brought for residents stands in the
# timeline, the rest of them is immotion's own; of a hold, whoever it is about is told by the company. A round of mails
# knows for minutes how far it is, which tells nothing of the account it has come to.
NOT_BY_ROWS = frozenset({"dokument", "ereignis", "hold", "runde"})

# Of these columns only what is about the reader: a contract names its other parties
_WITHOUT = {"stammdaten": {"daten": "mitmieter"}}
_TABLES: Mapping[str, Any] = {model._meta.table_name: model for model in MODELS}  # noqa: SLF001 - peewee's own way


def rows(table: str, whose: Whose) -> Iterator[dict[str, Any]]:
    """Yield somebody's rows of a table without what is secret, read in keyset batches, each a query of its own.

    Nothing stays open between the batches.
    """
    model = _TABLES[table]
    keys = _keys(model)
    last: tuple[Any, ...] | None = None
    while True:
        here = EXPORTED[table](whose)
        here = here if last is None else here & _after(keys, last)
        batch = dicts(model.select().where(here).order_by(*keys).limit(_BATCH))
        yield from (_shown(table, model, row) for row in batch)
        if len(batch) < _BATCH:
            return
        last = tuple(batch[-1][key.name] for key in keys)


def _shown(table: str, model: Any, row: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - any table
    shown = {name: value for name, value in row.items() if model._meta.fields[name].help_text != SECRET}  # noqa: SLF001
    for column, name in _WITHOUT.get(table, {}).items():
        shown[column] = {key: value for key, value in shown[column].items() if key != name}
    return shown


def _keys(model: Any) -> list[peewee.Field]:  # noqa: ANN401 - any table
    key = model._meta.primary_key  # noqa: SLF001 - peewee's own way
    if isinstance(key, peewee.CompositeKey):
        return [getattr(model, name) for name in key.field_names]
    return [key]


def _after(keys: list[peewee.Field], last: tuple[Any, ...]) -> Query:
    """Match what follows in the order of the keys; engines do not all compare tuples by an index."""
    first: Any = keys[0]
    if len(keys) == 1:
        return first > last[0]
    return (first > last[0]) | ((first == last[0]) & _after(keys[1:], last[1:]))
