"""docs/security.md: every requirement of OWASP ASVS 5.0, levels 1 and 2, has one row, and what the rows name exists."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from pydantic import BaseModel

from service.access import browser, codes, hashing, level2, mailtoken, totp
from service.files import heic
from service.settings import LimitSettings, RateSettings, Settings
from service.vorgang import assess, messages

ROOT = Path(__file__).parents[2]
PAPER = ROOT / "docs" / "security.md"
MOST_NOT_MET = 15
MOST_OF_OPERATORS = 10

# OWASP ASVS 5.0.0, chapters V1 to V9 and V11 to V16
LEVEL_1 = """
1.2.1 1.2.2 1.2.3 1.2.4 1.2.5 1.3.1 1.3.2 1.5.1 2.1.1 2.2.1 2.2.2 2.3.1 3.2.1 3.2.2 3.3.1 3.4.1 3.4.2 3.5.1 3.5.2
3.5.3 4.1.1 4.4.1 5.2.1 5.2.2 5.3.1 5.3.2 6.1.1 6.2.1 6.2.2 6.2.3 6.2.4 6.2.5 6.2.6 6.2.7 6.2.8 6.3.1 6.3.2 6.4.1
6.4.2 7.2.1 7.2.2 7.2.3 7.2.4 7.4.1 7.4.2 8.1.1 8.2.1 8.2.2 8.3.1 9.1.1 9.1.2 9.1.3 9.2.1 11.3.1 11.3.2 11.4.1
12.1.1 12.2.1 12.2.2 13.4.1 14.2.1 14.3.1 15.1.1 15.2.1 15.3.1
"""
LEVEL_2 = """
1.1.1 1.1.2 1.2.6 1.2.7 1.2.8 1.2.9 1.3.3 1.3.4 1.3.5 1.3.6 1.3.7 1.3.8 1.3.9 1.3.10 1.3.11 1.4.1 1.4.2 1.4.3 1.5.2
2.1.2 2.1.3 2.2.3 2.3.2 2.3.3 2.3.4 2.4.1 3.3.2 3.3.3 3.3.4 3.4.3 3.4.4 3.4.5 3.4.6 3.5.4 3.5.5 3.7.1 3.7.2 4.1.2
4.1.3 4.2.1 4.3.1 4.3.2 4.4.2 4.4.3 4.4.4 5.1.1 5.2.3 5.4.1 5.4.2 5.4.3 6.1.2 6.1.3 6.2.9 6.2.10 6.2.11 6.2.12 6.3.3
6.3.4 6.4.3 6.4.4 6.5.1 6.5.2 6.5.3 6.5.4 6.5.5 6.6.1 6.6.2 6.6.3 6.8.1 6.8.2 6.8.3 6.8.4 7.1.1 7.1.2 7.1.3 7.3.1
7.3.2 7.4.3 7.4.4 7.4.5 7.5.1 7.5.2 7.6.1 7.6.2 8.1.2 8.2.3 8.4.1 9.2.2 9.2.3 9.2.4 11.1.1 11.1.2 11.2.1 11.2.2
11.2.3 11.3.3 11.4.2 11.4.3 11.4.4 11.5.1 11.6.1 12.1.2 12.1.3 12.3.1 12.3.2 12.3.3 12.3.4 13.1.1 13.2.1 13.2.2
13.2.3 13.2.4 13.2.5 13.3.1 13.3.2 13.4.2 13.4.3 13.4.4 13.4.5 14.1.1 14.1.2 14.2.2 14.2.3 14.2.4 14.3.2 14.3.3
15.1.2 15.1.3 15.2.2 15.2.3 15.3.2 15.3.3 15.3.4 15.3.5 15.3.6 15.3.7 16.1.1 16.2.1 16.2.2 16.2.3 16.2.4 16.2.5
16.3.1 16.3.2 16.3.3 16.3.4 16.4.1 16.4.2 16.4.3 16.5.1 16.5.2 16.5.3
"""

# what the table calls a place: below service/ unless it begins with one of these
PLACES = ("cms_adapters/", "templates/", "docs/", "gunicorn.conf.py", "Makefile", "pyproject.toml", "requirements.txt")
REFERENCE = re.compile(r"`([\w./-]+\.(?:py|js|html|md|toml|txt|yaml|xsd)|Makefile)(?:::(\w+))?`")
TEST = re.compile(r"`([\w./-]+\.py)::(test_\w+)`")
LINK = re.compile(r"\]\((?:([\w.-]+\.md))?#([\w-]+)\)")


@dataclass(frozen=True)
class Row:
    """One requirement as the paper answers it; `kind` is met, operator, not met or n/a."""

    id: str
    level: int
    kind: str
    where: str
    test: str


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split(" | ")]


@cache
def text() -> str:
    return PAPER.read_text(encoding="utf-8")


@cache
def answered() -> tuple[Row, ...]:
    """Return the rows of the tables that begin with an id, those of what does not apply one by one."""
    found = []
    for line in text().splitlines():
        if re.match(r"\| \d+\.\d+\.\d+ \| [12] \|", line):
            number, level, _, where, test = cells(line)
            kind = next((kind for kind in ("not met", "operator") if where.lower().startswith(f"**{kind}")), "met")
            found.append(Row(number, int(level), kind, where, test))
        elif re.match(r"\| \d+\.\d+\.\d+(, \d+\.\d+\.\d+)* \| ", line):
            numbers, why = cells(line)
            found += [Row(number, level_of(number), "n/a", why, "") for number in numbers.split(", ")]
    return tuple(found)


def level_of(number: str) -> int:
    return 1 if number in LEVEL_1.split() else 2


def of_kind(kind: str) -> list[Row]:
    return [row for row in answered() if row.kind == kind]


@cache
def source(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def place_of(path: str) -> str:
    return path if path.startswith(PLACES) else f"service/{path}"


def test_every_requirement_has_exactly_one_row_with_its_level() -> None:
    levels = dict.fromkeys(LEVEL_1.split(), 1) | dict.fromkeys(LEVEL_2.split(), 2)
    assert (len(LEVEL_1.split()), len(LEVEL_2.split()), len(levels)) == (65, 152, 217)
    numbers = [row.id for row in answered()]
    assert sorted(set(levels) - set(numbers)) == []
    assert sorted(number for number in numbers if numbers.count(number) > 1 or number not in levels) == []
    assert [row.id for row in answered() if row.level != levels[row.id]] == []


def test_what_is_met_names_a_place_that_exists_and_a_test_that_exists() -> None:
    for row in of_kind("met"):
        assert REFERENCE.search(row.where) or LINK.search(row.where), f"{row.id} names no place"
        assert TEST.search(row.test), f"{row.id} names no test"


def test_every_place_and_test_that_a_row_names_exists() -> None:
    for row in answered():
        for path, name in REFERENCE.findall(row.where):
            assert (ROOT / place_of(path)).is_file(), f"{row.id}: {path}"
            assert not name or re.search(rf"\b{name}\b", source(place_of(path))), f"{row.id}: {path}::{name}"
        for path, name in TEST.findall(row.test):
            assert (ROOT / "tests" / path).is_file(), f"{row.id}: {path}"
            assert f"def {name}(" in source(f"tests/{path}"), f"{row.id}: {path}::{name}"
        leftover = TEST.sub("", row.test).replace("·", "").replace("–", "").strip()
        assert not leftover, f"{row.id}: {leftover}"


def test_every_link_leads_to_a_heading() -> None:
    def slugs(path: str) -> set[str]:
        headings = re.findall(r"^#+ (.+)$", source(path), re.MULTILINE)
        return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}

    for name, anchor in LINK.findall(text()):
        assert anchor in slugs(f"docs/{name or 'security.md'}"), f"{name}#{anchor}"


def test_what_is_not_met_or_left_to_operators_is_little_and_says_why() -> None:
    assert len(of_kind("not met")) <= MOST_NOT_MET
    assert len(of_kind("operator")) <= MOST_OF_OPERATORS
    for row in (*of_kind("not met"), *of_kind("operator")):
        assert len(row.where) > 60, f"{row.id} says too little"
    told = re.search(r"(\d+) are met, (\d+) are the operator's, (\d+) are not met, (\d+) do not apply", text())
    assert told is not None
    assert [int(number) for number in told.groups()] == [
        len(of_kind(kind)) for kind in ("met", "operator", "not met", "n/a")
    ]


def test_the_limits_that_the_paper_tells_are_those_of_the_settings() -> None:
    for name, field in RateSettings.model_fields.items():
        assert name == "storage" or f"| `rates.{name}` | " in text(), name
        assert name == "storage" or f"| `{field.default}` |" in text(), name
    limits = LimitSettings()
    assert f"{limits.file_bytes // 2**20} MiB a file" in text()
    assert f"{limits.vorgang_bytes // 2**20} MiB and {limits.files} files a Vorgang" in text()
    assert f"{limits.pixels // 10**6} million pixels" in text()
    assert f"{limits.text // 1024} KiB a field" in text()


@pytest.mark.parametrize(
    "words",
    [
        f"{browser.IDLE.seconds // 60} minutes without a request",
        f"{browser.ABSOLUTE.seconds // 3600} hours after",
        f"{assess.BETREFF_MAX} characters",
        f"{assess.BESCHREIBUNG_MAX:,} characters",
        f"{messages.TEXT_MAX:,} characters",
        f"{messages.REOPEN_WITHIN.days} days",
        f"{heic._SECONDS} seconds",
        f"{hashing.AT_ONCE} at once",
        f"{hashing._MEMORY_KIB // 1024} MiB, {hashing._PASSES} passes, {hashing._LANES} lane",
        f"{level2._FREE} wrong codes",
        f"{totp.STEP_S} seconds",
        f"{codes.SLOTS} recovery codes of {codes._LENGTH * 5} bits",
        f"{mailtoken.VALID_FOR.total_seconds() / 3600:.0f} hours",
    ],
)
def test_a_number_that_the_paper_tells_is_that_of_the_code(words: str) -> None:
    assert words.replace("ten recovery", "10 recovery") in text()


def secret_settings(section: type[BaseModel]) -> set[str]:
    found = {name.removesuffix("_file") for name in section.model_fields if name.endswith("_file")}
    for field in section.model_fields.values():
        for kind in sections_in(field.annotation):
            found |= secret_settings(kind)
    return found


def sections_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for inner in getattr(annotation, "__args__", ()) for found in sections_in(inner)]


def test_every_secret_of_the_settings_is_in_the_inventory_of_keys() -> None:
    inventory = text().partition("## Keys and algorithms")[2].partition("\n## ")[0]
    secrets = secret_settings(Settings)
    assert {"secret_keys", "encryption_keys", "keys", "webhook_secrets", "client_secret", "password"} <= secrets
    assert {name for name in secrets | {"client_key"} if f"`{name}`" not in inventory} == set()


def test_the_paper_is_found_from_where_people_look() -> None:
    for path in ("README.md", "SECURITY.md", "docs/operators.md", "docs/integrators.md", "docs/developers.md"):
        assert "security.md" in source(path), path
