"""An error that nobody foresaw, and claims that a CMS adds of itself: neither opens or tells anything."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import falcon.testing
import pytest
from structlog.testing import capture_logs

from service.app import create_app
from tests.support.inprocess import Portal


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    portal = Portal(tmp_path)
    yield portal
    portal.close()


def test_an_error_that_nobody_foresaw_tells_its_words_neither_to_the_browser_nor_to_the_log(portal: Portal) -> None:
    visitor, times = portal.visitor(), iter([portal.now] * 2)

    def breaks_at_the_third_look() -> datetime:
        found = next(times, None)
        if found is None and not times_up:
            times_up.append(True)
            raise RuntimeError("Kanarienvogel 0815 SELECT secret")
        return found or portal.now

    times_up: list[bool] = []
    portal.client = falcon.testing.TestClient(create_app(portal.settings, clock=breaks_at_the_third_look))
    with capture_logs() as lines:
        answer = visitor.get("vorgaenge")
    assert times_up
    assert answer.status_code == 500
    assert "Das hat nicht geklappt" in answer.text
    assert not [word for word in ("Kanarien", "RuntimeError", "Traceback", ".py") if word in answer.text]
    (told,) = [line for line in lines if line["event"] == "unexpected"]
    assert told["error"] == "RuntimeError"
    assert told["frames"]
    assert "Kanarien" not in str(lines)


def test_what_a_cms_says_of_how_its_user_signed_in_raises_no_session(portal: Portal) -> None:
    visitor = portal.visitor()
    visitor.set_up()
    portal.later(minutes=11)
    path = f"vorgaenge/{visitor.file_kontakt()}"
    token = visitor.token(amr=["mfa", "otp", "hwk"], auth_time=int(portal.now.timestamp()), roles=["eigentuemer"])
    headers = {"Authorization": f"Portal website:{token}", "Portal-Base-Url": "http://127.0.0.1:8080/mieterportal"}
    answer = visitor.send("GET", path, headers=headers, signed=False)
    assert answer.status_code == 303
    assert "/bestaetigen?weiter=" in answer.headers["location"]
