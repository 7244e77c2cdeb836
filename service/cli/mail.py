"""`mieterportal mail`: see and steer the mails that are owed to residents."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from service.cli.common import agree, counted, read_settings, with_store


@click.group()
def mail() -> None:
    """See the mails that wait or are parked, send them again, or give them up."""


@mail.command("show")
@click.option("--parked", "state", flag_value="parked", default=True, help="Those put aside (the default).")
@click.option("--waiting", "state", flag_value="waiting", help="Those that wait to be sent.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many.")
@with_store
def show(state: str, limit: int) -> None:
    """List mails, the oldest first: number, kind, age, failed attempts, what the server said; never to whom.

    Example: mieterportal mail show --parked
    """
    from service.cli.sync_text import age  # noqa: PLC0415 - only where used
    from service.store import mails  # noqa: PLC0415

    now = datetime.now(UTC)
    found = mails.owing(list(read_settings().mandanten), state, limit=limit + 1)
    for one in found[:limit]:
        tried = f", {one.attempts} attempts failed, last error: {one.last_error}" if one.last_error else ""
        click.echo(f"{one.id} {one.mandant} {one.kind} {one.state}, owed for {age(one.created_at, now)}{tried}")
    if not found:
        click.echo(f"nothing is {state}")
    if len(found) > limit:
        click.echo(f"there are more than {limit}; see them with --limit", err=True)


@mail.command("retry")
@click.argument("numbers", metavar="[NUMBER]…", nargs=-1, type=int)
@click.option("--parked", is_flag=True, help="All that are parked.")
@with_store
def retry(numbers: tuple[int, ...], parked: bool) -> None:  # noqa: FBT001 - a flag of the command line
    """Send parked mails again now, with attempts and age counted anew.

    Example: mieterportal mail retry --parked
    """
    from service.store import mails  # noqa: PLC0415 - only where used

    _check(numbers, parked=parked)
    done = mails.retry(list(read_settings().mandanten), numbers, datetime.now(UTC))
    click.echo(f"due now: {counted(done, 'mail')}")


@mail.command("drop")
@click.argument("numbers", metavar="[NUMBER]…", nargs=-1, type=int)
@click.option("--parked", is_flag=True, help="All that are parked.")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
@with_store
def drop(numbers: tuple[int, ...], parked: bool, yes: bool) -> None:  # noqa: FBT001 - flags of the command line
    """Give parked mails up for good. Says first what that means, and asks.

    Example: mieterportal mail drop 17 --yes
    """
    from service.store import mails  # noqa: PLC0415 - only where used

    _check(numbers, parked=parked)
    which = "All parked mails" if parked else "These mails, as far as they are parked,"
    agree(f"{which} will be removed and never sent.", yes=yes)
    click.echo(f"removed: {counted(mails.drop(list(read_settings().mandanten), numbers), 'mail')}")


@mail.command("bounces")
@click.argument("source", type=click.Path(exists=True, allow_dash=True, path_type=Path))
@with_store
def bounces(source: Path) -> None:
    """Read delivery reports (RFC 3464) and write no more to addresses that take no mail for good.

    SOURCE is a Maildir, an mbox file, a file with one message, or - for one message from standard input, as a mail
    server pipes it. The same report again changes nothing.

    Example: mieterportal mail bounces /var/mail/portal
    """
    from service.notify.bounces import note_bounces, report_from, reports_in  # noqa: PLC0415 - only where used

    mandanten, stdin = list(read_settings().mandanten), str(source) == "-"
    reports = iter([report_from(sys.stdin.buffer)]) if stdin else reports_in(source)
    try:
        read, paused = note_bounces(mandanten, reports, now=datetime.now(UTC))
    except OSError as fault:
        click.echo(f"{source} is no Maildir, or cannot be read ({fault.strerror or type(fault).__name__})", err=True)
        sys.exit(1)
    click.echo(f"read: {counted(read, 'mail')}; addresses that are left alone now: {paused}")


def _check(numbers: tuple[int, ...], *, parked: bool) -> None:
    if bool(numbers) == parked:
        raise click.UsageError("name mails by their numbers, or say --parked")
