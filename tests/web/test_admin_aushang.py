"""Notices in the admin interface: listed, made, changed, ended, as docs/admin-api.yaml says."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import falcon.testing
import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from service.store.database import connected, database
from tests.support.aushang import hang
from tests.support.dokumente import gebaeude, tell
from tests.support.inprocess import Portal
from tests.support.portal import MANDANT

SPEC = yaml.safe_load((Path(__file__).parents[2] / "docs" / "admin-api.yaml").read_text(encoding="utf-8"))
REGISTRY: Registry[Any] = Registry().with_resource("urn:spec", Resource(SPEC, DRAFT202012))
FAULT = {
    "art": "STOERUNG",
    "schwere": "DRINGEND",
    "titel": {"de": "Heizung ausgefallen", "en": "Heating is down"},
    "text": {"de": "Ein Techniker ist unterwegs."},
    "gebaeude": ["G1"],
    "schadenskategorie": "HEIZUNG",
    "von": "2026-11-23T08:10",
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    portal = Portal(tmp_path_factory.mktemp("portal"))
    tell(MANDANT, gebaeude("G1"), gebaeude("G2"))
    yield portal
    portal.close()


@pytest.fixture
def portal(opened: Portal) -> Portal:
    with connected():
        for table in ("aushang", "aushang_ziel", "betroffen", "audit"):
            database.execute_sql(f"DELETE FROM {table}")
    return opened


def ask(portal: Portal, method: str, path: str, body: object = None, token: str = "") -> falcon.testing.Result:
    editor = portal.visitor(sub="be_users:7", person=None)
    path, _, query = path.partition("?")
    return portal.client.simulate_request(
        method,
        f"/{MANDANT}/api/v1/admin/{path}",
        query_string=query,
        headers={"Authorization": f"Portal website:{token or editor.token('admin')}"},
        body=json.dumps(body).encode() if body is not None else b"",
    )


def holds(name: str, value: object) -> None:
    schema = {"$ref": f"urn:spec#/components/schemas/{name}"}
    validator = Draft202012Validator(schema, registry=REGISTRY, format_checker=FormatChecker())
    assert [error.message for error in validator.iter_errors(value)] == []


def noted() -> list[str]:
    with connected():
        return [row[0] for row in database.execute_sql("SELECT facts FROM audit WHERE event = 'aushang_changed'")]


def test_a_notice_is_made_listed_changed_and_ended(portal: Portal) -> None:
    holds("AushangGiven", FAULT)
    made = ask(portal, "POST", "aushaenge", FAULT)
    assert made.status_code == 201, made.text
    holds("Aushang", made.json)
    assert made.json["von"] == "2026-11-23T07:10:00Z", "a time without an offset is that of the residents' clocks"
    one = f"aushaenge/{made.json['id']}"
    assert ask(portal, "GET", one).json == made.json
    listed = ask(portal, "GET", "aushaenge").json
    assert (listed["timezone"], listed["aushaenge"], listed["next"]) == ("Europe/Berlin", [made.json], None)
    changed = ask(portal, "PUT", one, FAULT | {"bis": "2026-11-24T12:00:00+01:00", "gebaeude": ["G2"]})
    assert (changed.status_code, changed.json["gebaeude"]) == (200, ["G2"])
    assert changed.json["bis"] == "2026-11-24T11:00:00Z"
    ended = ask(portal, "POST", f"{one}/end")
    assert (ended.status_code, ended.json["over"]) == (200, True)
    assert ask(portal, "POST", f"{one}/end").json == ended.json
    assert ask(portal, "GET", "aushaenge").json["aushaenge"] == []
    assert ask(portal, "GET", "aushaenge?state=over").json["aushaenge"] == [ended.json]
    assert [what.split('"')[3] for what in noted()] == ["added", "changed", "ended", "ended"]


def test_a_change_forgets_nobody_who_said_that_it_concerns_them(portal: Portal) -> None:
    one = hang(portal)
    visitor = portal.visitor()
    assert visitor.post(f"aushang/{one.id}/betroffen", visitor.form("konto/aktivieren")).status_code == 303
    assert ask(portal, "PUT", f"aushaenge/{one.id}", FAULT).json["betroffene"] == 1


def test_lists_are_paged(portal: Portal) -> None:
    made = [str(hang(portal, f"Nummer {number}").id) for number in range(5)]
    seen, before = [], ""
    while before is not None:
        page = ask(portal, "GET", f"aushaenge?limit=2{f'&before={before}' if before else ''}").json
        seen += [one["id"] for one in page["aushaenge"]]
        before = page["next"]
    assert seen == made[::-1]


def test_buildings_are_told_to_choose_from(portal: Portal) -> None:
    assert [one["gebaeude"] for one in ask(portal, "GET", "gebaeude?after=%00G1").json["gebaeude"]] == ["G2"]
    found = ask(portal, "GET", "gebaeude?limit=1").json
    assert [one["gebaeude"] for one in found["gebaeude"]] == ["G1"]
    assert [one["gebaeude"] for one in ask(portal, "GET", f"gebaeude?after={found['next']}").json["gebaeude"]] == ["G2"]


@pytest.mark.parametrize(
    "given,wrong",
    [
        ({"titel": {}}, ["titel"]),
        ({"titel": "Text"}, ["titel"]),
        ({"gebaeude": ["G1", "G9"]}, ["gebaeude"]),
        ({"gebaeude": "G1"}, ["gebaeude"]),
        ({"von": "morgen"}, ["von"]),
        ({"bis": "9999-12-31T23:59:59-23:59"}, ["bis"]),
        ({"von": "0001-01-01T00:00"}, ["von"]),
        ({"art": "X", "schwere": "Y"}, ["art", "schwere"]),
        ({"oeffentlich": "ja"}, ["oeffentlich"]),
        ({"oeffentlich": True}, ["oeffentlich"]),
        ({"fremd": 1}, ["fremd"]),
        ({"text": {"de": "halb \ud800"}}, ["text"]),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_by_its_fields_and_changes_nothing(
    portal: Portal, given: dict[str, object], wrong: list[str]
) -> None:
    there = hang(portal)
    for method, path in (("POST", "aushaenge"), ("PUT", f"aushaenge/{there.id}")):
        answer = ask(portal, method, path, FAULT | given)
        assert (answer.status_code, answer.json["code"]) == (422, "invalid_aushang"), answer.text
        assert answer.json["parameters"] == wrong
    (kept,) = ask(portal, "GET", "aushaenge").json["aushaenge"]
    assert kept["titel"] == {"de": "Heizung ausgefallen"}


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"[" * 60_000, b'"' + b"x" * 70_000, b"\xff"], ids=len)
def test_a_body_that_is_no_object_is_refused_and_uses_its_token_up(portal: Portal, body: bytes) -> None:
    token = portal.visitor(sub="be_users:7", person=None).token("admin")
    answer = portal.client.simulate_post(
        f"/{MANDANT}/api/v1/admin/aushaenge", headers={"Authorization": f"Portal website:{token}"}, body=body
    )
    assert (answer.status_code, answer.json["parameters"]) == (422, ["body"])
    assert ask(portal, "POST", "aushaenge", FAULT, token=token).status_code == 401


def test_another_mandants_notice_is_not_there(portal: Portal) -> None:
    foreign = hang(portal, mandant="nachbar")
    for one in (str(foreign.id), str(uuid4()), "x"):
        assert ask(portal, "GET", f"aushaenge/{one}").status_code == 404
        assert ask(portal, "PUT", f"aushaenge/{one}", FAULT).status_code == 404
        assert ask(portal, "POST", f"aushaenge/{one}/end").status_code == 404
    assert ask(portal, "GET", "aushaenge").json["aushaenge"] == []
    assert noted() == []


@pytest.mark.parametrize("query", ["state=x", "before=x", "limit=0"])
def test_a_parameter_that_cannot_be_is_named(portal: Portal, query: str) -> None:
    answer = ask(portal, "GET", f"aushaenge?{query}")
    assert (answer.status_code, answer.json["parameters"]) == (400, [query.partition("=")[0]])
