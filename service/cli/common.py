"""What every command of the operator needs: the settings, the store, the exit codes."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import click

from service.settings import MandantSettings, Settings, SettingsError, load_settings

TEMPORARY = 75
_ASKED_NOBODY = 2
P = ParamSpec("P")
R = TypeVar("R")


def read_settings() -> Settings:
    """Return the settings; refused ones end the command with 1, each named."""
    try:
        return load_settings()
    except SettingsError as refused:
        for problem in refused.problems:
            click.echo(f"settings: {problem}", err=True)
        sys.exit(1)


def mandant_of(settings: Settings, name: str) -> MandantSettings:
    """Return the settings of a Mandant; where there is none of this name, those that there are are named."""
    known = settings.mandanten
    if name not in known:
        raise click.UsageError(f"no such Mandant; there are: {', '.join(known)}")
    return known[name]


@contextmanager
def store_needed() -> Iterator[None]:
    """End the command with 75, and a line, when the database does not answer in the block."""
    from service.store.database import StoreUnavailable  # noqa: PLC0415 - only where used

    try:
        yield
    except StoreUnavailable as fault:
        click.echo(f"database: does not answer or lacks its tables ({fault}); run: mieterportal migrate", err=True)
        sys.exit(TEMPORARY)


def with_store(command: Callable[P, R]) -> Callable[P, R]:
    """Open the store for a command; a database that does not answer ends it with 75."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        from service.store.database import connected, open_database  # noqa: PLC0415 - only where used

        open_database(read_settings().service.database)
        with store_needed(), connected():
            return command(*args, **kwargs)

    return run


def agree(effect: str, *, yes: bool, err: bool = False) -> None:
    """State the effect and ask; without a terminal, refuse with 2 rather than act unasked.

    With `err`, it is stated on standard error: what goes to standard output is JSON.
    """
    click.echo(effect, err=err)
    if yes:
        return
    if not sys.stdin.isatty():
        click.echo("nothing was changed: there is no terminal to ask on; say --yes", err=True)
        sys.exit(_ASKED_NOBODY)
    click.confirm("Do it?", abort=True, err=err)


def counted(count: int, noun: str) -> str:
    """Return a number and what it counts: 1 letter, 2 letters."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
