"""`mieterportal person`: letters with a code, and the accounts that act for a person."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.audit import operator
from service.cli.common import agree, counted, mandant_of, read_settings, with_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.cli.letters import Post
    from service.cli.recipients import Recipient
    from service.store.records import Link

_SHOWN = 12  # characters of an account's key, enough to tell them apart


@click.group()
def person() -> None:
    """Write letters with codes to residents, and look after the accounts that act for them."""


@person.command("invite")
@click.argument("mandant")
@click.argument("person_nr", required=False)
@click.option(
    "--csv",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Many at once: a list with the column personNr, and if need be name, strasse, plz, ort, fakt.",
)
@click.option("--purpose", type=click.Choice(["person", "factor"]), default="person", show_default=True,
              help="factor: the code removes a second factor that was lost.")  # fmt: skip
@click.option("--lang", type=click.Choice(["de", "en"]), default="de", show_default=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="A new or empty folder.")
@click.option("--skip-bad", is_flag=True, help="Write the letters that can be written, although others cannot.")
@with_store
def invite(  # noqa: PLR0913, PLR0917 - options of the command line
    mandant: str,
    person_nr: str | None,
    file: Path | None,
    purpose: str,
    lang: str,
    out: Path,
    skip_bad: bool,  # noqa: FBT001 - a flag of the command line
) -> None:
    """Write letters with a code each: PDF files for the post and codes.csv for a print shop.

    Codes that a person got before and nobody has used are void from then on. Each line of a list that no letter can be
    made of is named, with 1; then nothing is written unless --skip-bad is given.

    Example: mieterportal person invite musterbau --csv personen.csv --out briefe
    """
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    from service.access.activation import Purpose  # noqa: PLC0415
    from service.cli.letters import Post, leading_to  # noqa: PLC0415 - loads the typesetter only where it is used
    from service.web.text import Words  # noqa: PLC0415

    settings = read_settings()
    house = mandant_of(read_settings(), mandant)
    if house.invitation is None:
        raise click.UsageError(f"[mandanten.{mandant}.invitation] is not set: where should the letters lead?")
    if (person_nr is None) == (file is None):
        raise click.UsageError("name one person, or a list with --csv")
    zone = ZoneInfo(settings.service.timezone)
    rules = house.invitation
    if lang != house.languages[0]:
        rules = rules.model_copy(update={"url": leading_to(rules.url, lang)})
    post = Post(mandant, house.name, rules, Purpose(purpose), Words(lang, zone), out)
    to = _recipients(post, person_nr, file, skip_bad=skip_bad)
    _write(post, to)
    verb = "is" if len(to) == 1 else "are"
    click.echo(f"{counted(len(to), 'letter')} {verb} in {out}. Whoever has codes.csv or the PDF files has the codes:")
    click.echo("pass them on encrypted, and delete them when everything is printed.")


def _recipients(post: "Post", person_nr: str | None, file: Path | None, *, skip_bad: bool) -> "list[Recipient]":
    from service.access.facts import Fact  # noqa: PLC0415 - only where used
    from service.cli.recipients import House, ListRefused, Row, read_list, recipients  # noqa: PLC0415

    today = datetime.now(UTC).astimezone(post.words.zone).date()
    try:
        rows = read_list(file) if file else [Row(0, {"personNr": (person_nr or "").strip()})]
    except ListRefused as refused:
        click.echo(f"{file}: {refused}", err=True)
        sys.exit(1)
    to, bad = recipients(rows, House(post.mandant, Fact(post.invitation.fact), today))
    for one in bad:
        where = f"{file}, line {one.line}" if one.line else "person"
        click.echo(f"{where}: {one.reason}", err=True)
    if bad and not (skip_bad and to):
        click.echo("nothing was written", err=True)
        sys.exit(1)
    return to


def _write(post: "Post", to: "Sequence[Recipient]") -> None:
    from service.cli.letters import BATCH, FolderTaken, write_letters  # noqa: PLC0415 - only where used

    try:
        with click.progressbar(length=len(to), label="writing", file=sys.stderr, hidden=len(to) <= BATCH) as bar:
            for done in write_letters(post, to, now=datetime.now(UTC)):
                bar.update(done)
    except FolderTaken as there:
        click.echo(f"{there} is there already; name another folder", err=True)
        sys.exit(1)


@person.command("links")
@click.argument("mandant")
@click.argument("person_nr")
@with_store
def links(mandant: str, person_nr: str) -> None:
    """List the accounts that a letter has linked to a person.

    Example: mieterportal person links musterbau 0004711
    """
    found = _links(mandant, person_nr)
    for link in found:
        click.echo(f"{link.account[:_SHOWN]}  {link.connection}  since {link.linked_at.isoformat(timespec='minutes')}")
    if not found:
        click.echo("no account is linked to this person")


@person.command("unlink")
@click.argument("mandant")
@click.argument("person_nr")
@click.option("--account", help="Only the account whose key begins like this, as `person links` shows it.")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
@with_store
def unlink(mandant: str, person_nr: str, account: str | None, yes: bool) -> None:  # noqa: FBT001 - a flag of the command line
    """Let accounts no longer act for a person, at once; what was filed stays with the person.

    Example: mieterportal person unlink musterbau 0004711 --account 3f2a9c
    """
    from service.access.accounts import unlink_person  # noqa: PLC0415 - only where used

    found = [link for link in _links(mandant, person_nr) if link.account.startswith(account or "")]
    if not found:
        click.echo("no such account is linked to this person")
        return
    named = ", ".join(f"{link.account[:_SHOWN]} ({link.connection})" for link in found)
    agree(f"{named}: will no longer act for {person_nr}; a new letter is needed to link them again", yes=yes)
    click.echo(f"unlinked: {unlink_person(found, operator(mandant, datetime.now(UTC)))}")


@person.command("sign-out")
@click.argument("mandant")
@click.argument("person_nr")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
@with_store
def sign_out(mandant: str, person_nr: str, yes: bool) -> None:  # noqa: FBT001 - a flag of the command line
    """End the browser sessions of everybody who acts for a person, on all workers at once.

    Pages that a CMS fetches for somebody end with the session of the CMS, which only the CMS can end.

    Example: mieterportal person sign-out musterbau 0004711
    """
    from service.access.accounts import sign_out_person  # noqa: PLC0415 - only where used

    mandant_of(read_settings(), mandant)
    agree(f"everybody who acts for {person_nr} will have to sign in again", yes=yes)
    click.echo(f"sessions ended: {sign_out_person(person_nr, operator(mandant, datetime.now(UTC)))}")


def _links(mandant: str, person_nr: str) -> "list[Link]":
    from service.store import accounts  # noqa: PLC0415 - only where used

    mandant_of(read_settings(), mandant)
    return accounts.links_of(mandant, person_nr)
