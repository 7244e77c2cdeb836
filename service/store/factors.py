"""Second factors: the app of an account and its recovery codes. Everything that may be done once is counted here."""

from collections.abc import Sequence
from datetime import datetime

from service.store.models import AccountPersonRow, PasskeyRow, RecoveryCodeRow, TotpRow
from service.store.query import affected, dicts, first, tuples
from service.store.records import AccountKey, SealedSecrets, Totp


def find(who: AccountKey) -> Totp | None:
    """Return what there is of an account's app, confirmed or begun."""
    row = first(
        TotpRow.select(
            TotpRow.mandant,
            TotpRow.account,
            TotpRow.person,
            TotpRow.sealed,
            TotpRow.confirmed_at,
            TotpRow.pending_sealed,
            TotpRow.pending_session,
            TotpRow.pending_at,
        ).where(_of(who))
    )
    return Totp(**row) if row else None


def is_set_up(who: AccountKey) -> bool:
    """Tell whether this account has a confirmed app."""
    return bool(tuples(TotpRow.select(TotpRow.account).where(_of(who) & TotpRow.sealed.is_null(False))))


def begin(who: AccountKey, *, person: str | None, sealed: str, session: str, now: datetime) -> None:
    """Keep a secret that is not confirmed yet, in place of any other such; a confirmed one stays in force."""
    TotpRow.insert(mandant=who.mandant, account=who.account).on_conflict_ignore().as_rowcount().execute()
    changes = {"pending_sealed": sealed, "pending_session": session, "pending_at": now}
    TotpRow.update(person=person, **changes).where(_of(who)).execute()


def confirm(who: AccountKey, *, sealed: str, step: int, now: datetime) -> bool:
    """Put the secret that was begun in force, its first step used; False when another request has done so already."""
    return (
        affected(
            TotpRow.update(
                sealed=sealed,
                confirmed_at=now,
                last_step=step,
                pending_sealed=None,
                pending_session=None,
                pending_at=None,
                failures=0,
                blocked_until=None,
            ).where(_of(who) & (TotpRow.pending_sealed == sealed))
        )
        == 1
    )


def use_step(who: AccountKey, *, sealed: str, step: int) -> bool:
    """Use up a step of this secret and all before it; False when it was used before."""
    unused = _of(who) & (TotpRow.sealed == sealed) & (TotpRow.last_step < step)
    return affected(TotpRow.update(last_step=step).where(unused)) == 1


def code_hash(who: AccountKey, slot: int) -> str | None:
    """Return the hash of the recovery code of this number, unless it was used."""
    here = _codes_of(who) & (RecoveryCodeRow.slot == slot) & RecoveryCodeRow.used_at.is_null()
    found = tuples(RecoveryCodeRow.select(RecoveryCodeRow.code_hash).where(here))
    return str(found[0][0]) if found else None


def use_code(who: AccountKey, *, slot: int, code_hash: str, now: datetime) -> bool:
    """Use up a recovery code; False when it was used before, or replaced."""
    here = _codes_of(who) & (RecoveryCodeRow.slot == slot) & (RecoveryCodeRow.code_hash == code_hash)
    return affected(RecoveryCodeRow.update(used_at=now).where(here & RecoveryCodeRow.used_at.is_null())) == 1


def replace_codes(who: AccountKey, hashes: Sequence[str], now: datetime) -> None:
    """Put these recovery codes in place of all former ones, numbered from 0."""
    RecoveryCodeRow.delete().where(_codes_of(who)).execute()
    RecoveryCodeRow.insert_many(
        [
            {"mandant": who.mandant, "account": who.account, "slot": slot, "code_hash": code, "created_at": now}
            for slot, code in enumerate(hashes)
        ]
    ).execute()


def codes_left(who: AccountKey) -> int:
    """Return how many recovery codes are unused."""
    return int(RecoveryCodeRow.select().where(_codes_of(who) & RecoveryCodeRow.used_at.is_null()).count())


def drop(who: AccountKey) -> None:
    """Forget an account's app, its recovery codes and its passkeys."""
    TotpRow.delete().where(_of(who)).execute()
    RecoveryCodeRow.delete().where(_codes_of(who)).execute()
    PasskeyRow.delete().where((PasskeyRow.mandant == who.mandant) & (PasskeyRow.account == who.account)).execute()


def of_person(mandant: str, person: str) -> list[AccountKey]:
    """Return the accounts with an app that may act for this person, or stood for them when it was set up."""
    links = AccountPersonRow.select(AccountPersonRow.account).where(
        (AccountPersonRow.mandant == mandant) & (AccountPersonRow.person == person)
    )
    theirs = (TotpRow.person == person) | TotpRow.account.in_(links)
    query = TotpRow.select(TotpRow.account).where((TotpRow.mandant == mandant) & theirs)
    return [AccountKey(mandant, account) for (account,) in tuples(query.order_by(TotpRow.account))]


def sealed_secrets(mandant: str, *, after: str, limit: int) -> list[SealedSecrets]:
    """Return the sealed secrets of the accounts that follow `after`, in the order of their keys."""
    query = TotpRow.select(TotpRow.mandant, TotpRow.account, TotpRow.sealed, TotpRow.pending_sealed)
    later = query.where((TotpRow.mandant == mandant) & (TotpRow.account > after)).order_by(TotpRow.account)
    return [SealedSecrets(**row) for row in dicts(later.limit(limit))]


def seal_anew(who: AccountKey, *, old: str, new: str) -> bool:
    """Put the same secret under another key in place of `old`; False when it was replaced meanwhile."""
    confirmed = affected(TotpRow.update(sealed=new).where(_of(who) & (TotpRow.sealed == old)))
    begun = affected(TotpRow.update(pending_sealed=new).where(_of(who) & (TotpRow.pending_sealed == old)))
    return confirmed + begun > 0


def sweep(*, begun_before: datetime) -> None:
    """Forget what was begun and never confirmed."""
    TotpRow.delete().where(TotpRow.sealed.is_null() & (TotpRow.pending_at < begun_before)).execute()


def _of(who: AccountKey) -> object:
    return (TotpRow.mandant == who.mandant) & (TotpRow.account == who.account)


def _codes_of(who: AccountKey) -> object:
    return (RecoveryCodeRow.mandant == who.mandant) & (RecoveryCodeRow.account == who.account)
