"""Status files as ERPs write them: two encodings, quotes, broken lines; and whatever hypothesis makes of them."""

import csv
import io
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.house import house_of
from service.settings import load_settings
from service.store import vorgaenge
from service.store.database import connected
from service.sync.apply import apply_waiting
from service.sync.immotion.filedrop import statuscsv
from service.sync.immotion.filedrop.statuscsv import LINES_MAX, read_status
from service.sync.immotion.filedrop.unreadable import Unreadable
from service.vorgang.catalog import default_catalog
from tests.support.portal import Installation
from tests.unit.filedrop.conftest import MANDANT, Drop, ok

KEY = "019ac000-0000-7000-8000-000000000001"
GOOD = {"externeId": KEY, "zeit": "2026-11-23T12:00:00+01:00", "sichtbarkeit": "MIETER", "status": "IN_PRUEFUNG"}


def written(*rows: dict[str, str], encoding: str = "utf-8") -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, statuscsv._COLUMNS, delimiter=";", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_every_encoding_says_the_same(encoding: str) -> None:
    row = GOOD | {"text": 'Größe: 5 €; "Öl"\nzweite Zeile', "folge": "7", "sachbearbeiter": "Frau Öz", "team": "T"}
    (event,) = read_status(written(row, encoding=encoding), "m").events
    assert event == read_status(written(row), "m").events[0]
    assert (event["typ"], event["externeId"], event["vorgangSeq"]) == ("STATUS", KEY, 7)
    assert event["daten"]["status"] == {
        "code": "IN_PRUEFUNG",
        "seit": row["zeit"],
        "textMieter": 'Größe: 5 €; "Öl"\nzweite Zeile',
    }
    assert event["daten"]["aufgabentraeger"] == {"anzeigeName": "Frau Öz", "team": "T"}


@pytest.mark.parametrize(
    "row,typ",
    [
        ({"text": "Hallo", "autor": "A"}, "AKTIVITAET"),
        ({"sachbearbeiter": "A"}, "ZUORDNUNG"),
        ({"team": "A"}, "ZUORDNUNG"),
        ({"termin_von": "2026-11-23T12:00:00Z", "termin_bis": "2026-11-23T13:00:00Z", "firma": "F"}, "TERMIN"),
        ({"status": "X", "termin_von": "2026-11-23T12:00:00Z"}, "STATUS"),
    ],
)
def test_a_line_is_what_it_says(row: dict[str, str], typ: str) -> None:
    (event,) = read_status(written(GOOD | {"status": ""} | row), "m").events
    assert event["typ"] == typ


def test_midnight_as_the_end_of_a_day_is_the_beginning_of_the_next() -> None:
    row = GOOD | {"status": "", "termin_von": "2026-11-23T18:00:00+01:00", "termin_bis": "2026-11-23T24:00:00+01:00"}
    (event,) = read_status(written(row), "m").events
    assert event["daten"]["termin"]["bis"] == "2026-11-24T00:00:00+01:00"


def test_only_what_is_meant_for_the_resident_is_visible() -> None:
    rows = [GOOD | {"sichtbarkeit": value, "status": f"S{n}"} for n, value in enumerate(["MIETER", "INTERN", ""])]
    seen = [event["sichtbarkeit"] for event in read_status(written(*rows), "m").events]
    assert seen == ["MIETER", "INTERN", "INTERN"]


@pytest.mark.parametrize(
    "changes,complaint",
    [
        ({"externeId": "", "vorgangId": ""}, "neither externeId nor vorgangId"),
        ({"externeId": "4711"}, "externeId"),
        ({"externeId": "", "vorgangId": "x" * 101}, "vorgangId"),
        ({"externeId": "", "vorgangId": "a\x00b"}, "vorgangId"),
        ({"zeit": ""}, "zeit"),
        ({"zeit": "23.11.2026"}, "zeit"),
        ({"zeit": "2026-11-23T12:00:00"}, "zeit"),
        ({"zeit": "0001-01-01T00:00:00+14:00"}, "zeit"),
        ({"zeit": "9999-12-31T23:59:59-14:00"}, "zeit"),
        ({"folge": "1"}, "folge"),
        ({"folge": "-3"}, "folge"),
        ({"folge": "9" * 5000}, "folge"),
        ({"folge": "²"}, "folge"),
        ({"sichtbarkeit": "ALLE"}, "sichtbarkeit"),
        ({"status": "mit Leerzeichen"}, "status"),
        ({"status": "", "text": ""}, "nothing is said"),
        ({"text": "x" * 20_001}, "text"),
        ({"termin_von": "morgen"}, "termin_von"),
        ({"status": "", "text": "x", "termin_von": "2026-11-23T12:00:00Z"}, "text beside an appointment"),
    ],
)
def test_a_line_that_is_wrong_is_named_and_the_others_count(changes: dict[str, str], complaint: str) -> None:
    inhalt = read_status(written(GOOD, GOOD | changes, GOOD | {"status": "Z"}), "m")
    assert len(inhalt.events) == 2
    (said,) = inhalt.complaints
    assert said.startswith("line 3:")
    assert complaint in said
    assert "4711" not in said


def test_lines_with_fields_too_many_are_wrong_and_too_few_are_empty() -> None:
    head = "externeId;zeit;sichtbarkeit;status;text"
    text = f"{head}\n{KEY};2026-11-23T12:00:00Z;MIETER;A;x;mehr\n{KEY};2026-11-23T12:00:00Z;MIETER;A\n\n"
    inhalt = read_status(text.encode(), "m")
    assert len(inhalt.events) == 1
    assert inhalt.complaints == ("line 2: more fields than columns",)


@pytest.mark.parametrize(
    "data,reason",
    [
        (b"", "does not end"),
        (b"externeId;zeit;sichtbarkeit", "does not end"),
        (b"externeId;zeit\n", "sichtbarkeit"),
        (b"zeit;sichtbarkeit\n", "externeId or vorgangId"),
        (b"externeId;zeit;zeit;sichtbarkeit\n", "two columns"),
        (b"externeId,zeit,sichtbarkeit\n", "without the column"),
        (b"\x81\x8d\n", "neither UTF-8 nor CP1252"),
        (b'externeId;zeit;sichtbarkeit\n"unclosed;x;y\n', "not a CSV file"),
        (b"externeId;zeit;sichtbarkeit\n" + b"x" * 200_000 + b"\n", "not a CSV file"),
        (b"externeId;zeit;sichtbarkeit\n" + b"a\n" * (LINES_MAX + 1), "lines"),
        (b"x" * (16 * 2**20) + b"\n", "bytes"),
        ("externeId;zeit;sichtbarkeit\n".encode("utf-16"), "UTF-16"),
    ],
)
def test_a_file_that_is_none_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read_status(data, "m")


def test_a_thousand_wrong_lines_make_a_short_complaint() -> None:
    complaints = read_status(written(*[GOOD | {"zeit": ""}] * 1000), "m").complaints
    assert len(complaints) == 21
    assert complaints[-1] == "and 980 lines more"


@given(st.binary(max_size=300))
def test_bytes_of_any_kind_are_read_or_refused(data: bytes) -> None:
    try:
        inhalt = read_status(b"externeId;vorgangId;zeit;sichtbarkeit;status;text;folge\n" + data, "m")
    except Unreadable:
        return
    assert all(event["ereignisId"] and len(event["ereignisId"]) <= 100 for event in inhalt.events)


FIELD = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(statuscsv._COLUMNS, FIELD)), max_size=5), st.booleans())
def test_fields_of_any_kind_are_taken_or_complained_of_and_always_the_same(rows, good) -> None:
    given_rows = [row | GOOD if good else row for row in rows]
    data = written(*given_rows)
    inhalt = read_status(data, "m")
    assert inhalt == read_status(data, "m")
    assert len(inhalt.events) + len(inhalt.complaints) == len(rows)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=200))
def test_a_text_arrives_as_it_was_written(text: str) -> None:
    (event,) = read_status(written(GOOD | {"text": text}), "m").events
    assert event["daten"]["status"].get("textMieter", "") == text.strip()


@pytest.mark.parametrize(
    "later,earlier",
    [
        ({"folge": "3", "zeit": "2026-11-20T12:00:00Z"}, {"folge": "2"}),
        ({"zeit": "2026-11-24T12:00:00Z"}, {}),
        ({"folge": "2"}, {"zeit": "2026-11-24T12:00:00Z"}),
    ],
)
def test_what_comes_out_of_order_has_the_same_end(drop: Drop, later: dict[str, str], earlier: dict[str, str]) -> None:
    """The resident's status follows the highest folge, or the latest time, not the last file."""
    vorgang = drop.file()
    about = GOOD | {"externeId": str(vorgang.id)}
    drop.put("out", "b.csv", written(about | {"status": "TERMINIERT"} | later))
    drop.put("out", "c.csv", written(about | {"status": "IN_PRUEFUNG"} | earlier))
    drop.acknowledge(ok(drop.hand_over(vorgang)))
    settings = load_settings(Installation(drop.root.parent).config)
    house = house_of(MANDANT, settings.mandanten[MANDANT], ZoneInfo("Europe/Berlin"), default_catalog())
    while drop.read():
        apply_waiting(house, clock=lambda: drop.now)
    with connected():
        found = vorgaenge.by_id(MANDANT, vorgang.id)
    assert found is not None
    expected, _ = house.catalog.tenant_status_for("TERMINIERT")
    assert (found.status, found.vorgangsnummer) == (expected.code, "V-1")
