"""Says at the end what could not run on this machine and why; with CI=true, nothing may be skipped."""

import os
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest

SUMMARY = Path("var/test-summary.txt")
_ORDER = ("unit", "standin", "web", "demo", "invariants", "servers", "typo3", "faults", "browser")
_LAST = "test_zz_"
_reasons: Counter[str] = Counter()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run quick tests first, so that a mistake shows soon."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> tuple[bool, int]:
    folders = item.path.relative_to(item.config.rootpath).parts
    place = folders[1] if len(folders) > 1 else ""
    return item.path.name.startswith(_LAST), _ORDER.index(place) if place in _ORDER else len(_ORDER)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make a failure of a skip where nothing may be skipped."""
    report = yield
    _refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Do the same for a whole module that skips itself."""
    report = yield
    _refuse(report)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note each skip, in the process that sums up."""
    _note(report)


@pytest.hookimpl(tryfirst=True)
def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Do the same for a whole module."""
    _note(report)


def _is_skip(report: pytest.TestReport | pytest.CollectReport) -> bool:
    return report.skipped and not hasattr(report, "wasxfail")


def _refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    if _is_skip(report) and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} would be skipped, and with CI=true nothing may be: {_reason(report)}"


def _note(report: pytest.TestReport | pytest.CollectReport) -> None:
    if _is_skip(report):
        _reasons[_reason(report)] += 1


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
    return reason.removeprefix("Skipped: ")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Keep pytest's closing line and the list of skips for whoever called pytest, and show the list."""
    if hasattr(config, "workerinput"):
        return  # the process that started this one sums up
    parts, _ = terminalreporter.build_summary_stats_line()
    closing = f"pytest on {config.getoption('--engine')}: {', '.join(text for text, _ in parts)}"
    lines = [
        f"not run: {reason} ({count} {'test' if count == 1 else 'tests'})" for reason, count in sorted(_reasons.items())
    ]
    if not lines:
        lines = ["Nothing was skipped on this machine."]
    summary = config.rootpath / SUMMARY
    summary.parent.mkdir(exist_ok=True)
    with summary.open("a", encoding="utf-8") as file:
        file.write("\n".join([closing, *lines, ""]))
    terminalreporter.section("what could not run on this machine")
    terminalreporter.write_line("\n".join(lines))
