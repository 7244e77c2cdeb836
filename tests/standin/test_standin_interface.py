"""The published interface and what the stand-in checks are the same."""

from pathlib import Path

import pytest
import yaml
from openapi_spec_validator import validate

from service.standin import schemas
from service.standin.check import check
from service.standin.filing import _missing_section

SPEC = yaml.safe_load((Path(__file__).parents[2] / "docs" / "immotion-v1.yaml").read_text(encoding="utf-8"))


def test_the_document_is_valid_openapi():
    assert SPEC["openapi"] == "3.1.0"
    validate(SPEC)


def plain(schema):
    """A published schema without words, with its references put in."""
    if isinstance(schema, list):
        return [plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return plain(SPEC["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    return {
        k: plain(v) for k, v in schema.items() if k not in {"description", "examples", "allOf"} or k == "properties"
    }


@pytest.mark.parametrize(
    "name,mine",
    [
        ("VorgangAngaben", schemas.VORGANG_ANGABEN),
        ("AktivitaetNeu", schemas.AKTIVITAET_NEU),
        ("QuittungNeu", schemas.QUITTUNG_NEU),
        ("Kataloge", schemas.KATALOGE),
        ("Aenderung", schemas.AENDERUNG),
        ("Ereignis", schemas.EREIGNIS),
    ],
)
def test_the_stand_in_checks_what_is_published(name, mine):
    assert plain(SPEC["components"]["schemas"][name]) == mine


def test_the_required_fields_of_a_vorgang_are_those_published():
    assert SPEC["components"]["schemas"]["VorgangNeu"]["allOf"][1]["required"] == schemas.VORGANG_REQUIRED


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"typ": "KONTAKT", "kontakt": {"thema": "ALLGEMEIN"}},
        {"typ": "BESCHWERDE", "beschwerde": {"art": "LAERM", "laermprotokoll": [{"von": "22:00"}]}},
        {"typ": "DOKUMENT"},
        {"typ": "BESCHWERDE"},
        {"typ": "UNSINN"},
        {"betreff": "x" * 121},
        {"beschreibung": 7},
        {"externeId": "keine-uuid"},
        {"meldezeit": "2026-03-29T08:14:59"},
        {"meldezeit": "gestern"},
        {"melder": None},
        {"melder": {"rolle": "HAUSMEISTER"}},
        {"schaden": {"schadensort": "W_BAD"}},
        {"zugang": {"anwesenheit": 1}},
        {"zugang": {"anwesenheit": True, "zeitfenster": ["ab 16 Uhr", 5]}},
        {"anhaenge": [{}]},
        {"anhaenge": "keine"},
        {"mandant": ""},
        {"nochEtwas": {"beliebig": [1]}},
    ],
)
def test_both_checks_agree_about_a_body(body, changes, schema_errors):
    tried = body(**changes)
    wrong = [*check(tried, schemas.VORGANG_NEU)] or [*_missing_section(tried)]
    assert bool(wrong) == bool(schema_errors("VorgangNeu", tried))


def test_a_number_is_checked_against_its_bounds_and_a_list_against_its_length():
    assert [f.code for f in check(6, {"type": "integer", "minimum": 1, "maximum": 5})] == ["WERT"]
    assert [f.code for f in check(True, {"type": "integer"})] == ["TYP"]
    assert [f.code for f in check([1] * 3, {"type": "array", "maxItems": 2})] == ["LAENGE"]
    assert [f.code for f in check("heute", {"type": "string", "format": "date"})] == ["FORMAT"]
    assert not [*check(None, {"type": ["string", "null"]})]
