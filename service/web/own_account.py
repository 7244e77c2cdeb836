"""What the pages on which an account of the own login changes something have in common."""

import falcon

from service.access import factors
from service.access.own import changes
from service.access.own.names import number_key
from service.access.own.sign_in import SignInRefused
from service.access.weiter import Weiter
from service.store.records import OwnAccount
from service.web.client import source_of
from service.web.context import Reader, reader_of
from service.web.errors import NotFoundHere
from service.web.level2 import require_to_change


def is_own(reader: Reader) -> bool:
    """Tell whether the visitor has signed in by the own login."""
    own = reader.mandant.own_login
    return own is not None and reader.visitor is not None and reader.visitor.connection == own


def own_account(reader: Reader) -> OwnAccount:
    """Return the visitor's account; raises NotFoundHere for somebody who came by a CMS."""
    if not is_own(reader):
        raise NotFoundHere
    try:
        return changes.account_of(reader.signed_in)
    except LookupError as gone:
        raise NotFoundHere from gone


def kundennummer(reader: Reader) -> str:
    """Return the number that the visitor signs in by; empty for somebody of a CMS, or where it leads elsewhere."""
    person = reader.signed_in.person
    if person is None or not is_own(reader):
        return ""
    return person if own_account(reader).number_key == number_key(person) else ""


def require_to_change_account(reader: Reader, path: str) -> None:
    """Ask for the second factor of whoever has one, before anything about the account is changed."""
    if reader.mandant.level2 is not None:
        require_to_change(reader, factors.standing(reader.signed_in), Weiter(path))


def password_wrong(req: falcon.Request, account: OwnAccount, typed: str) -> str:
    """Say what is wrong with the password in force, asked for again before a change; empty for the right one.

    Raises TooManyRequests.
    """
    reader, source = reader_of(req), source_of(req)
    reader.room.rates.hit("sign_in_name", source.mandant, account.account)
    try:
        changes.confirm_password(account, typed, reader.room.hasher, source)
    except SignInRefused:
        return reader.words("Das ist nicht Ihr jetziges Kennwort.")
    return ""
