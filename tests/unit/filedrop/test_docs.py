"""What docs/filedrop.md shows is what is read."""

import re
from pathlib import Path

import pytest

from service.sync.immotion.filedrop.quittungen import read_quittungen
from service.sync.immotion.filedrop.safexml import parse
from service.sync.immotion.filedrop.statuscsv import _COLUMNS, read_status

TEXT = (Path(__file__).parents[3] / "docs" / "filedrop.md").read_text(encoding="utf-8")
BLOCKS = [re.sub(r"(?m)^    ", "", block) for block in re.findall(r"(?m)(?:^    .+\n)+", TEXT)]


def block(beginning: str) -> bytes:
    (found,) = [one for one in BLOCKS if one.startswith(beginning)]
    return found.encode()


def test_the_acknowledgements_shown_are_read() -> None:
    inhalt = read_quittungen(block("<quittungen"), "musterbau")
    assert [answer.result for _, answer in inhalt.answers] == ["OK", "FEHLER"]
    assert inhalt.complaints == ()


def test_the_status_file_shown_is_read_and_every_column_is_explained() -> None:
    inhalt = read_status(block("externeId;"), "musterbau")
    assert [event["vorgangSeq"] for event in inhalt.events] == [2, 3]
    assert inhalt.complaints == ()
    assert [name for name in _COLUMNS if f"`{name}`" not in TEXT] == []


def test_the_index_shown_is_valid() -> None:
    assert len(parse(block("<dokumente"), "dokumente")) == 1


@pytest.mark.parametrize("number,kind", [("42", "vorgang"), ("43", "aktivitaet")])
def test_the_packages_shown_are_valid_by_the_published_schema(number: str, kind: str) -> None:
    (shown,) = [one for one in BLOCKS if one.startswith("<paket") and f'nummer="{number}"' in one]
    assert [child.tag.rpartition("}")[2] for child in parse(shown.encode(), "vorgang")] == [kind]


def test_the_manifest_shown_names_what_the_envelope_shown_refers_to() -> None:
    (manifest,) = [one for one in BLOCKS if one.rstrip().endswith(".png") and "  vorgang.xml\n" in one]
    digests = {name: digest for digest, name in (line.split("  ") for line in manifest.splitlines())}
    (shown,) = [one for one in BLOCKS if one.startswith("<paket") and "<anhang>" in one]
    assert list(digests) == ["vorgang.xml", *re.findall("<datei>(.+)</datei>", shown)]
    assert digests[re.findall("<datei>(.+)</datei>", shown)[0]] in shown
