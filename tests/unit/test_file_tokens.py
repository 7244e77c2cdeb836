"""References to files that a failed attempt has left behind: of one form, of one account, for less than a day."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from service.access.filetoken import LIFETIME, FileTokenRefused, FileTokens
from service.access.formtoken import FormOrigin, FormTokens
from service.files.intake import StoredFile
from service.files.storage import ORPHAN_AGE

KEYS = ("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210")
FILE = StoredFile(uuid4(), "küche 😀.jpg", "image/jpeg", 12345, "ab" * 32, "sealed", "pending")
FORM = FormOrigin("account", "session", uuid4(), "de")
MINE = {"mandant": "m", "account": FORM.account, "form_key": FORM.form_key}


def now() -> datetime:
    return datetime.now(UTC)


def test_a_reference_gives_the_file_back_also_after_the_keys_were_changed() -> None:
    token = FileTokens(KEYS[:1]).issue("m", FORM, FILE)
    assert FileTokens(KEYS).read(token, **MINE, now=now()) == FILE


@pytest.mark.parametrize("other", [{"mandant": "n"}, {"account": "somebody"}, {"form_key": uuid4()}])
def test_a_reference_is_of_no_use_to_anybody_or_anything_else(other: dict[str, object]) -> None:
    tokens = FileTokens(KEYS)
    token = tokens.issue("m", FORM, FILE)
    with pytest.raises(FileTokenRefused) as refused:
        tokens.read(token, **MINE | other, now=now())
    assert refused.value.dateiname == "Datei"


@pytest.mark.parametrize("forged", ["", "x", "a.b.c", ".eJw.x.y", "{}"])
def test_what_was_not_issued_is_refused(forged: str) -> None:
    with pytest.raises(FileTokenRefused):
        FileTokens(KEYS).read(forged, **MINE, now=now())


def test_a_reference_of_other_keys_or_a_token_of_a_form_is_refused() -> None:
    form_token = FormTokens(KEYS)._serializer.dumps([str(FORM.form_key), "m", "account", "session", "de"])
    for token in (FileTokens(("x" * 32,)).issue("m", FORM, FILE), form_token):
        with pytest.raises(FileTokenRefused):
            FileTokens(KEYS).read(str(token), **MINE, now=now())


def test_a_reference_ends_well_before_its_file_counts_as_an_orphan() -> None:
    tokens = FileTokens(KEYS)
    token = tokens.issue("m", FORM, FILE)
    assert tokens.read(token, **MINE, now=now() + LIFETIME - timedelta(minutes=1)) == FILE
    with pytest.raises(FileTokenRefused) as refused:
        tokens.read(token, **MINE, now=now() + LIFETIME + timedelta(minutes=1))
    assert refused.value.dateiname == FILE.dateiname
    assert LIFETIME + timedelta(hours=2) < ORPHAN_AGE


def test_a_form_of_an_earlier_version_that_names_no_language_is_still_taken() -> None:
    tokens, key = FormTokens(KEYS), uuid4()
    old = str(tokens._serializer.dumps([str(key), "m", "account", "session"]))
    assert tokens.origin(None, "m", old, str(key)) == FormOrigin("account", "session", key, "")
