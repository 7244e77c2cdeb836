"""Codes of letters and the facts beside them, each by itself."""

import secrets
import unicodedata
from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access.activation_code import Code, Shape, new_code, parse
from service.access.codes import ALPHABET, Kind, read_code
from service.access.facts import Fact, is_one_of, known, read_date, spelled
from service.store.records import Vertrag

CHARACTERS = st.text(ALPHABET, min_size=15, max_size=15)
CODES = CHARACTERS.map(lambda text: Code(text[:4], text[4:]))


def vertrag(nr: str, beginn: str) -> Vertrag:
    return Vertrag(nr, "1", "MIETER", beginn, None, "E1", "links", "G1", "W1", "Amselgasse 3, 99871 Auenfurt")


def test_a_code_is_drawn_from_all_characters_and_printed_in_fours() -> None:
    codes = [new_code(secrets.choice) for _ in range(2000)]
    assert len({code.text for code in codes}) == 2000
    assert {character for code in codes for character in code.text} == set(ALPHABET)
    assert [len(part) for part in codes[0].printed.split("-")] == [4, 4, 4, 4]


@given(CODES, st.randoms())
def test_a_code_is_recognised_however_it_is_spelled(code: Code, spelling: Random) -> None:
    misread = {"0": "0oO", "1": "1iIlL"}
    written = "".join(
        spelling.choice(["", " ", "-", "–"]) + spelling.choice(misread.get(one, one + one.lower())) for one in code.text
    )
    assert parse(written) == code
    assert parse(f"https://www.example.test/seite?x=1#code={code.printed.lower()}") == code


@given(CODES, st.integers(0, 15), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_always_noticed(code: Code, place: int, wrong: str) -> None:
    text = code.text[:place] + wrong + code.text[place + 1 :]
    assert parse(text) == (code if wrong == code.text[place] else Shape.TYPO)


@given(CODES, st.integers(0, 14))
def test_two_neighbours_changed_about_are_always_noticed(code: Code, place: int) -> None:
    text = code.text[:place] + code.text[place + 1] + code.text[place] + code.text[place + 2 :]
    assert parse(text) == (code if text == code.text else Shape.TYPO)


@given(st.text(max_size=600))
def test_whatever_is_typed_is_a_code_or_has_a_shape(typed: str) -> None:
    assert isinstance(parse(typed), Code | Shape)


@given(CODES)
def test_a_code_that_was_pasted_with_hidden_signs_or_typed_in_full_width_is_read(code: Code) -> None:
    wide = "".join(chr(ord(one) + 0xFEE0) for one in code.printed)
    hidden = "\ufeff" + code.printed.replace("-", "\u00ad") + "\u200b"
    assert (parse(wide), parse(hidden)) == (code, code)


@given(
    CODES,
    st.sampled_from(("/", " · ", "―", ", ", "|", "+", "\u202f", "\u2043")),
    st.sampled_from(("„{}“", "({}).", "*{}*")),
)
def test_whatever_people_put_between_or_around_a_code_is_no_part_of_it(code: Code, between: str, around: str) -> None:
    assert parse(around.format(code.printed.replace("-", between))) == code


@given(CODES)
def test_a_letters_code_is_never_taken_for_a_code_of_the_second_factor(code: Code) -> None:
    assert read_code(code.printed).kind in {Kind.KEY, Kind.DIGITS}


@pytest.mark.parametrize(
    "typed, shape",
    [
        ("", Shape.EMPTY),
        (" -- ", Shape.EMPTY),
        ("482 913", Shape.APP),
        ("3-K7QM-2XPD", Shape.RECOVERY),
        ("48291", Shape.TOO_SHORT),
        ("K7QM2XPD9FHAW3Z", Shape.TOO_SHORT),
        ("K7QM-2XPD-9FHA-W3ZU", Shape.TYPO),
        ("K7QM2XPD9FHAW3ZC0", Shape.TOO_LONG),
        ("x" * 600, Shape.TOO_LONG),
    ],
)
def test_what_is_no_code_is_told_by_its_form(typed: str, shape: Shape) -> None:
    assert parse(typed) == shape


@pytest.mark.parametrize(
    "typed",
    ["1.4.2019", "01.04.2019", " 1. 4. 2019 ", "1/4/2019", "1-4-2019", "2019-04-01", "1. April 2019", "1 april 2019",
     "1. Apr. 2019", "01 Apr 2019", "1.4.2019.", "１．４．２０１９", "١.٤.٢٠١٩", "1\u00a0.\u200b4.2019", "1–4–2019",
     "2019/4/1", "2019.04.01", "April 1, 2019", "Apr. 1st, 2019", "1st April 2019", "1 April, 2019", "01042019",
     "1 4 2019", "1,4,2019"],
)  # fmt: skip
def test_a_date_is_read_as_people_write_it(typed: str) -> None:
    assert read_date(typed) == date(2019, 4, 1)
    assert spelled(typed) == "2019-04-01"


@pytest.mark.parametrize(
    "typed, month", [("1. März 2020", 3), ("1 May 2020", 5), ("1. Dezember 2020", 12), ("1. Jänner 2020", 1)]
)
def test_months_have_german_and_english_names(typed: str, month: int) -> None:
    assert read_date(typed) == date(2020, month, 1)


def test_letters_with_marks_are_the_same_however_a_device_composes_them() -> None:
    for text in ("1. März 2020", "Zoë Müller", "Geburtsname: Özgür"):
        assert spelled(unicodedata.normalize("NFD", text)) == spelled(unicodedata.normalize("NFC", text))
    assert read_date(unicodedata.normalize("NFD", "1. März 2020")) == date(2020, 3, 1)


@pytest.mark.parametrize(
    "typed",
    ["", "31.2.2019", "1.4.19", "April 2019", "1. Foo 2019", "Foo 1, 2019", "April 12019", "142019", "20190401",
     "0.0.0000", "heute"],
)  # fmt: skip
def test_what_is_no_date_is_none(typed: str) -> None:
    assert read_date(typed) is None


@given(st.text(max_size=300))
def test_any_text_can_be_compared(typed: str) -> None:
    assert isinstance(spelled(typed), str)


def test_any_contract_of_a_person_will_do() -> None:
    both = [vertrag("V-10/101", "2019-04-01"), vertrag("V-2", "2021-09-01T00:00:00Z")]
    assert known(Fact.VERTRAGSBEGINN, both) == {"2019-04-01", "2021-09-01"}
    assert is_one_of("1. September 2021", known(Fact.VERTRAGSBEGINN, both))
    assert is_one_of("v 10-101", known(Fact.VERTRAG_NR, both))
    assert not is_one_of("", known(Fact.VERTRAG_NR, [vertrag("", "")]))
    assert known(Fact.VERTRAGSBEGINN, [vertrag("V-1", "unbekannt")]) == set()
