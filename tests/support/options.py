"""What pytest can be told on its command line."""

import os

import pytest

from tests.support import databases


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the whole suite run on another engine."""
    parser.addoption("--engine", choices=databases.ENGINES, default="sqlite", help="the database that the tests use")


def pytest_configure(config: pytest.Config) -> None:
    """Remember the engine; programs that the tests start are not measured."""
    databases.use(config.getoption("--engine"))
    if hasattr(config, "workerinput"):
        os.environ.pop("COVERAGE_PROCESS_CONFIG", None)


def pytest_unconfigure() -> None:
    """Stop its server."""
    databases.stop()
