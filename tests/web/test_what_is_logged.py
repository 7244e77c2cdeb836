"""What a request leaves in the log: how whoever asked was signed in, and who asked for what is not theirs."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from service.access.visitor import account_of
from tests.support.inprocess import BASE, Portal


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    portal = Portal(tmp_path)
    yield portal
    portal.close()


@pytest.mark.parametrize(
    "embedding,signed_in", [("fragment", "fragment"), ("cookie", "session"), ("header", "session")]
)
def test_each_request_says_by_what_its_visitor_was_signed_in_and_not_who_it_is(
    portal: Portal, embedding: str, signed_in: str
) -> None:
    visitor = portal.visitor(embedding)
    with capture_logs() as lines:
        assert visitor.get("vorgaenge").status_code == 200
    (line,) = [line for line in lines if line["event"] == "request"]
    assert (line["mandant"], line["route"], line["signed_in"]) == ("musterbau", "/{mandant}/vorgaenge", signed_in)
    assert account_of("website", visitor.sub) not in str(line)


def test_a_request_of_nobody_says_so(portal: Portal) -> None:
    with capture_logs() as lines:
        portal.client.simulate_get("/musterbau/notfall")
        portal.client.simulate_get("/healthz")
    assert [(line["mandant"], line["signed_in"]) for line in lines] == [("musterbau", ""), ("", "")]


def test_whoever_asks_for_what_is_somebody_elses_is_in_the_log_by_account_and_nothing_of_it(portal: Portal) -> None:
    owner, stranger = portal.visitor(), portal.visitor()
    vorgang = owner.file_kontakt()
    with capture_logs() as lines:
        for path in (f"vorgaenge/{vorgang}", f"vorgaenge/{vorgang}/quittung", f"vorgaenge/{uuid4()}"):
            assert stranger.get(path).status_code == 404
        assert stranger.get("nirgends").status_code == 404
    refused = [line for line in lines if line["event"] == "access_refused"]
    assert [line["route"] for line in refused] == [
        "/{mandant}/vorgaenge/{vorgang_id}",
        "/{mandant}/vorgaenge/{vorgang_id}/quittung",
        "/{mandant}/vorgaenge/{vorgang_id}",
    ]
    assert {line["account"] for line in refused} == {account_of("website", stranger.sub)}
    assert vorgang not in str(lines)


def test_a_form_from_elsewhere_is_in_the_log_with_whose_session_it_wanted(portal: Portal) -> None:
    visitor = portal.visitor("cookie")
    with capture_logs() as lines:
        answer = visitor.send("POST", "abmelden", {"csrf_token": "x"})
        foreign = visitor.send("POST", "abmelden", {"a": "b"}, headers={"Origin": "https://evil.example"})
    assert (answer.status_code, foreign.status_code) == (403, 403)
    refused = [line for line in lines if line["event"] == "form_refused"]
    assert [line["route"] for line in refused] == ["/{mandant}/abmelden"] * 2
    assert refused[0]["account"] == account_of("website", visitor.sub)
    assert all(line["request_id"] for line in refused)
    assert BASE not in str(refused)
