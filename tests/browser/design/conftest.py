"""One browser for the tests of templates, style sheet and script; all of it on loopback."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


BLOCKED = "--test-third-party-cookie-phaseout"  # of a frame's cookies only those are kept that are partitioned


def needs(path: Path, what: str) -> None:
    """Skip without this file, and say so; with CI=true that is a failure."""
    if path.exists():
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is missing")


@contextmanager
def launched(*flags: str) -> Iterator[Browser]:
    """Run Chromium with further flags."""
    needs(CHROMIUM, "Chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*FLAGS, *flags])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def axe() -> str:
    source = Path(__file__).parents[3] / "node_modules" / "axe-core" / "axe.min.js"
    needs(source, "axe-core (npm install)")
    return source.read_text(encoding="utf-8")
