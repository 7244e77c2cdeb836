"""What a log line looks like, whatever somebody has written into what it tells."""

import io
import json
import sys

import pytest
import structlog
from hypothesis import example, given
from hypothesis import strategies as st

from service.log import configure_logging


@given(st.text())
@example('x\n{"event": "sign_in", "level": "info"}')
@example("x\r\x1b[2J\u009b2J\u2028\u202e\u0085\x7f")
def test_whatever_is_told_it_is_one_line_of_ascii_that_reads_back(text: str) -> None:
    before, sys.stderr = sys.stderr, io.StringIO()
    try:
        configure_logging()
        structlog.get_logger().bind().warning("told", what=text)
        written = sys.stderr.getvalue()
    finally:
        sys.stderr = before
        structlog.reset_defaults()
    assert written.endswith("\n")
    assert written.count("\n") == 1
    assert all(" " <= letter < "\x7f" or letter == "\n" for letter in written)
    assert json.loads(written)["what"] == text


def test_a_line_says_when_in_utc_and_how_bad(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    try:
        structlog.get_logger().bind().error("told")
    finally:
        structlog.reset_defaults()
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"], line["timestamp"][-1]) == ("told", "error", "Z")
