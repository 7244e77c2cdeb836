"""Which new passwords are taken: long ones that are not everybody's, whatever they are made of."""

import pytest

from service.access.own.passwords import Weakness, _common, stem, weakness

AROUND = ("Musterbau eG", "zoe.mueller@example.org", "Lindenhof")


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "mein Hund frisst Tapeten",
        "  nur Kleines und Leerraum  ",
        "482915730264",
        "xkqmwtvzbnpr",
        "ЯблокоНаСнегу",
        "🙂🌧️🚲🏠📮🔑🎻🧦🥨🧭🪁🎈",
        "Lindenhof hat drei Eulen",
        "Hund48291Katze",
        "x" * 5 + " Regen, Rost und Rüben",
    ],
)
def test_a_long_uncommon_password_is_taken_whatever_it_is_made_of(password: str) -> None:
    assert weakness(password, AROUND) is None


@pytest.mark.parametrize(
    "password",
    [
        "Passwort2026!",
        "P4$$w0rt!!!!",
        "sommer-2025-!",
        "schatzschatz",
        "Schatz.Schatz.1",
        "qwertzuiopü+",
        "123456789012",
        "aaaaaaaaaaaa",
        "abababababab",
        "1qaz2wsx3edc",
        "Sonnenschein",
        "9876543210987",
        "abcdefghijkl",
        "asdfghjkl1234",
        "Musterbau2026",
        "MusterbauMusterbau",
        "musterbau!lindenhof",
        "zoe.mueller.1",
        "Lindenhof-123",
        "!!!Mieterportal",
        "passwortMusterbau1",
        "PÄSSWÖRT1234",
        "Sommer2026Sommer",
        "ＰＡＳＳＷＯＲＴ1234",
    ],
)
def test_what_everybody_tries_first_is_refused(password: str) -> None:
    assert weakness(password, AROUND) is Weakness.COMMON


@pytest.mark.parametrize("length,said", [(11, Weakness.SHORT), (12, None), (256, None), (257, Weakness.LONG)])
def test_a_password_has_twelve_to_256_characters_not_bytes(length: int, said: Weakness | None) -> None:
    assert weakness(" ".join(f"{n * n}ü" for n in range(90))[:length]) is said


def test_three_thousand_common_passwords_of_twelve_characters_are_refused() -> None:
    """ASVS 5.0, 6.2.4: the list has at least as many that the other rules would let pass."""
    words = sorted(word for word in _common() if stem(word) == word and word.isalpha())[::8]
    tried = [
        form for word in words for form in (f"{word}2026!!!!!", f"{word.capitalize()}{word}12345", f"123456{word}1!")
    ]
    tried = [form for form in tried if len(form) >= 12]
    assert len(tried) >= 3000
    assert [form for form in tried if weakness(form) is None] == []


def test_every_leaked_password_of_the_list_is_refused_as_it_stands() -> None:
    long = [word for word in _common() if len(word) >= 12]
    assert len(long) > 200
    assert [word for word in long if weakness(word) is None] == []
