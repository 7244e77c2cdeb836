"""The fields of the own login's forms, and what is wrong with a new password."""

from collections.abc import Iterable

from service.access.hashing import composed
from service.access.mailaddress import LONGEST as LONGEST_ADDRESS
from service.access.own.passwords import SHORTEST, Weakness, weakness
from service.web.context import Reader
from service.web.pages import Field


def password_field(reader: Reader) -> Field:
    """Return the field of the password by which somebody signs in; what was typed is never shown again."""
    return Field("kennwort", "password", reader.words("Kennwort"), required=True, autocomplete="current-password")


def former_password_field(reader: Reader, error: str = "") -> Field:
    """Return the field of the password in force where it is asked for again, before a change."""
    label = reader.words("Jetziges Kennwort")
    return Field("bisher", "password", label, required=True, error=error, autocomplete="current-password")


def new_password_field(reader: Reader, error: str = "") -> Field:
    """Return the field of a new one."""
    words = reader.words
    return Field(
        "kennwort",
        "password",
        words("Neues Kennwort"),
        hint=words("Mindestens {count} Zeichen. Gut sind mehrere Wörter, die nicht zusammengehören.", count=SHORTEST),
        required=True,
        error=error,
        autocomplete="new-password",
    )


def email_field(reader: Reader, value: str, error: str = "", *, label: str = "") -> Field:
    """Return the field of a mail address."""
    return Field(
        "email",
        "email",
        label or reader.words("E-Mail-Adresse"),
        value,
        hint=reader.words("Wir schicken Ihnen eine E-Mail, mit der Sie sie bestätigen."),
        required=True,
        error=error,
        autocomplete="email",
        maxlength=LONGEST_ADDRESS,
    )


def password_error(reader: Reader, password: str, around: Iterable[str]) -> str:
    """Say why a new password is not taken; empty for a good one. `around` are words of the account and its house."""
    words, found, length = reader.words, weakness(password, around), len(composed(password))
    if not password:
        return words("Bitte füllen Sie dieses Feld aus.")
    return {
        None: "",
        Weakness.SHORT: words(
            "Das sind {length} Zeichen. Es müssen mindestens {count} sein.",
            length=length,
            count=SHORTEST,
        ),
        Weakness.LONG: words("Das ist zu lang. Bitte nehmen Sie höchstens 256 Zeichen."),
        Weakness.COMMON: words(
            "Dieses Kennwort ist leicht zu erraten. Nehmen Sie mehrere Wörter, die nicht zusammengehören."
        ),
    }[found]
