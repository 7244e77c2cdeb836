"""The parts of the second factor, each by itself: codes, steps, pauses, what is asked of whom, secrets at rest."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pyotp
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.access.codes import ALPHABET, Kind, new_recovery_codes, read_code, spelled_out
from service.access.hashing import Hasher
from service.access.level2 import Demand, Lane, demand, pause_after
from service.access.totp import grouped, matching_step, new_secret, setup_uri
from service.access.vault import Vault, VaultRefused
from service.access.weiter import HOME, Weiter, WeiterTokens
from service.web.sicherheit import picture

NOW = datetime(2026, 11, 23, 12, 0, 29, tzinfo=UTC)
KEYS = ("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210")
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
ROW = ("totp", "musterbau", "account")

# Codes


@pytest.mark.parametrize(
    "typed, kind",
    [
        ("482913", Kind.APP),
        (" 482 913\n", Kind.APP),
        ("482-913", Kind.APP),
        ("", Kind.EMPTY),
        (" - ", Kind.EMPTY),
        ("48291", Kind.DIGITS),
        ("4829130", Kind.DIGITS),
        ("3-K7QM-2XPD", Kind.RECOVERY),
        ("k7qm2xpd", Kind.OTHER),
        (SECRET, Kind.KEY),
        (grouped(SECRET).lower(), Kind.KEY),
        ("ABCD-EFGH-JKMN-PQRS", Kind.KEY),
        ("٤٨٢٩١٣", Kind.APP),
        ("４８２９１３", Kind.APP),
        ("482\u200b913\ufeff", Kind.APP),
        ("482\u00ad913", Kind.APP),
        ("(482,913)", Kind.APP),
        ("48Z913", Kind.OTHER),
        ("٤٨٢٩١", Kind.DIGITS),
        ("３-Ｋ７ＱＭ-２ＸＰＤ", Kind.RECOVERY),
        ("hunter2!", Kind.OTHER),
    ],
)
def test_what_was_typed_is_told_by_its_form(typed: str, kind: Kind) -> None:
    assert read_code(typed).kind == kind


def test_digits_of_another_script_are_those_that_the_app_shows() -> None:
    assert {read_code(typed).text for typed in ("4OI91l", "4oL9i1")} == {"401911"}
    assert {read_code(typed).text for typed in ("482913", "٤٨٢ ٩١٣", "४८२९१३", "４８２９１３")} == {"482913"}


@given(st.integers(0, 9), st.text(ALPHABET, min_size=8, max_size=8), st.randoms())
def test_a_recovery_code_is_read_however_it_is_written(slot: int, secret: str, chance) -> None:
    printed = spelled_out(slot, secret)
    swaps = {"0": "0oO", "1": "1iIlL", "-": "- –"}
    written = "".join(chance.choice(swaps.get(letter, letter + letter.lower())) for letter in printed)
    read = read_code(f"  {written} ")
    assert (read.kind, read.slot, read.text) == (Kind.RECOVERY, slot, secret)


@given(st.text(max_size=400))
def test_whatever_is_typed_is_read_without_a_fault(typed: str) -> None:
    read = read_code(typed)
    assert read.text == "" or read.kind in {Kind.APP, Kind.RECOVERY}


def test_recovery_codes_are_ten_of_what_is_chosen() -> None:
    letters = iter(ALPHABET * 3)
    codes = new_recovery_codes(lambda _alphabet: next(letters))
    assert len(codes) == 10
    assert spelled_out(0, codes[0]) == "0-0123-4567"


# Steps


def test_a_step_counts_in_its_own_time_and_the_next_but_never_before() -> None:
    code, step = pyotp.TOTP(SECRET).at(NOW), int(NOW.timestamp()) // 30
    for seconds, expected in ((0, step), (1, step), (30, step), (31, None), (60, None), (-29, step), (-30, None)):
        assert matching_step(SECRET, code, NOW + timedelta(seconds=seconds)) == expected, seconds


def test_a_code_of_another_secret_or_none_matches_no_step() -> None:
    for code in (pyotp.TOTP(new_secret()).at(NOW), "000000"):
        assert matching_step(SECRET, code, NOW) is None


def test_the_app_is_told_who_asks_and_for_whom() -> None:
    parsed = pyotp.parse_uri(setup_uri(SECRET, issuer="Musterbau eG", name="Zoë: Müller"))
    assert (parsed.secret, parsed.issuer, parsed.name) == (SECRET, "Musterbau eG", "Zoë  Müller")
    assert setup_uri(SECRET, issuer="Musterbau eG", name="").startswith("otpauth://totp/Musterbau%20eG:")
    assert grouped(SECRET).replace(" ", "") == SECRET


@given(st.text(max_size=200), st.text(min_size=1, max_size=120))
@example("😀" * 200, "😀" * 120)
def test_whatever_somebody_is_called_there_is_a_picture(name: str, issuer: str) -> None:
    drawn = picture(setup_uri(SECRET, issuer=issuer, name=name))
    assert drawn.startswith("<svg")
    assert "style" not in drawn


# Pauses, and what is asked of whom


@pytest.mark.parametrize("lane, longest", [(Lane.APP, 15), (Lane.RECOVERY, 1), (Lane.SESSION, 15)])
def test_pauses_grow_and_end_at_the_longest(lane: Lane, longest: int) -> None:
    pauses = [pause_after(failures, lane) for failures in range(1, 10_000)]
    assert pauses[:5] == [timedelta(0)] * 4 + [timedelta(seconds=30)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(minutes=longest)


def test_somebody_who_guesses_all_day_finds_a_code_once_in_ten_years() -> None:
    clock, failures = timedelta(0), 0
    while clock < timedelta(days=1):
        failures += 1
        clock += pause_after(failures, Lane.APP)
    assert failures * 2 / 1_000_000 < 1 / 3_650


@pytest.mark.parametrize(
    "has_factor, minutes, compulsory, expected",
    [
        (True, 1, None, Demand.NOTHING),
        (True, 0, None, Demand.CONFIRM),
        (True, -1, date(2030, 1, 1), Demand.CONFIRM),
        (True, None, None, Demand.CONFIRM),
        (False, None, None, Demand.NOTHING),
        (False, None, date(2026, 11, 24), Demand.NOTHING),
        (False, None, date(2026, 11, 23), Demand.SET_UP),
        (False, 1, date(2026, 11, 23), Demand.SET_UP),
    ],
)
def test_what_is_asked_of_whom(
    has_factor: bool, minutes: int | None, compulsory: date | None, expected: Demand
) -> None:
    until = None if minutes is None else NOW + timedelta(minutes=minutes)
    assert demand(has_factor=has_factor, until=until, compulsory_from=compulsory, now=NOW) == expected


# Secrets at rest


def test_a_sealed_secret_opens_for_its_row_alone() -> None:
    vault = Vault(KEYS)
    sealed = vault.seal(SECRET, bound=ROW)
    assert SECRET not in sealed
    assert vault.open(sealed, bound=ROW) == SECRET
    for other in (
        ("totp", "musterbau", "another"),
        ("totp", "nachbar", "account"),
        ROW[:2],
        ("totp", "musterbauaccount"),
    ):
        with pytest.raises(VaultRefused):
            vault.open(sealed, bound=other)
        with pytest.raises(VaultRefused):
            vault.renew(sealed, bound=other)


def test_keys_rotate_without_losing_anything() -> None:
    old, both, new = Vault(KEYS[:1]), Vault(KEYS), Vault(KEYS[1:])
    sealed = old.seal(SECRET, bound=ROW)
    assert both.open(sealed, bound=ROW) == SECRET
    renewed = both.renew(sealed, bound=ROW)
    assert renewed is not None
    assert new.open(renewed, bound=ROW) == SECRET
    assert both.renew(renewed, bound=ROW) is None
    with pytest.raises(VaultRefused):
        new.open(sealed, bound=ROW)


def test_without_a_key_nothing_is_sealed() -> None:
    with pytest.raises(LookupError):
        Vault(()).seal(SECRET, bound=ROW)
    with pytest.raises(VaultRefused):
        Vault(()).open("x", bound=ROW)


@given(st.integers(0, 10_000), st.characters())
@example(0, "\ud800")
def test_a_changed_secret_opens_as_nothing_else(place: int, letter: str) -> None:
    vault = Vault(KEYS)
    sealed = vault.seal(SECRET, bound=ROW)
    place %= len(sealed)
    changed = sealed[:place] + letter + sealed[place + 1 :]
    with suppress(VaultRefused):  # base64 has several spellings of the same bytes
        assert vault.open(changed, bound=ROW) == SECRET
    with pytest.raises(VaultRefused):
        vault.open(sealed[:place], bound=ROW)


def test_a_hash_is_argon2id_and_verifies_its_secret_alone() -> None:
    hasher = Hasher()
    stored = hasher.hash("K7QM2XPD")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hasher.verify("K7QM2XPD", stored)
    assert not hasher.verify("K7QM2XPE", stored)
    assert not hasher.verify("", None)


# Where it leads on

WEITER = Weiter("vorgaenge/1", draft="d", page="p")


def test_where_somebody_was_is_read_back_for_its_mandant_alone() -> None:
    token = WeiterTokens(KEYS[:1]).sign("musterbau", WEITER)
    assert WeiterTokens(KEYS).read("musterbau", token) == WEITER
    assert WeiterTokens(KEYS).read("nachbar", token) == HOME
    assert WeiterTokens(KEYS[1:]).read("musterbau", token) == HOME


@given(st.text(max_size=200))
def test_whatever_else_is_shown_leads_to_the_first_page(text: str) -> None:
    assert WeiterTokens(KEYS).read("musterbau", text) == HOME
