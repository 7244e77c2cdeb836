"""`mieterportal document`: documents that an operator publishes from a folder."""

import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from service.cli.common import TEMPORARY, agree, counted, mandant_of, read_settings, with_store
from service.store.clean import line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.settings import Settings
    from service.vorgang.publish import Publisher, Told
    from service.vorgang.publish_list import Bad, ListRefused, Rules

LIST = "dokumente.csv"
_SHOWN = 200


@click.group()
def document() -> None:
    """Publish documents to residents and owners."""


@document.command("publish")
@click.argument("mandant")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--csv",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"The list; by default {LIST} in the folder.",
)
@click.option("--dry-run", is_flag=True, help="Look at every line and file, and publish nothing.")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
@with_store
def publish(mandant: str, folder: Path, file: Path | None, dry_run: bool, yes: bool) -> None:  # noqa: FBT001 - flags
    """Publish the files of a folder to whom its list names: a person, a contract, a building, or all.

    The list has a line for each document and recipient (docs/operators.md). A line that nothing can be published of
    is named, with 1 in the end; the others are published. The same list again publishes nothing twice.

    Example: mieterportal document publish musterbau abrechnung-2025 --dry-run
    """
    settings = read_settings()
    mandant_of(settings, mandant)
    listed = file or folder / LIST
    if not listed.is_file():
        raise click.UsageError(f"there is no {listed}; name the list with --csv")
    publisher, rules = _prepared(settings, mandant, folder, dry=dry_run)
    _say_unused(listed)
    foreseen = _work(listed, rules, publisher, look=True)
    effect = (
        f"{counted(foreseen.recipients, 'recipient')} of {counted(foreseen.documents, 'file')} will see them in their "
        "list at once; "
        f"{len(foreseen.refused)} of {foreseen.lines} lines cannot be published"
    )
    if dry_run:
        click.echo(effect.replace("will see", "would see"))
    else:
        agree(effect, yes=yes)
    told = _published(listed, rules, publisher, foreseen.lines)
    _say_refused(listed, told.refused)
    done = "would be published" if dry_run else "published"
    click.echo(f"{done}: {told.documents} documents, {told.recipients} recipients; {len(told.refused)} lines refused")
    if told.waiting:
        click.echo(f"waiting for the virus scan, and not shown before: {counted(told.waiting, 'file')}")
    if not dry_run:
        _count_refused(mandant, told.refused, publisher.now)
    sys.exit(1 if told.refused else 0)


def _prepared(settings: "Settings", mandant: str, folder: Path, *, dry: bool) -> "tuple[Publisher, Rules]":
    from service.access.vault import Vault  # noqa: PLC0415 - only where used
    from service.house import houses_of  # noqa: PLC0415
    from service.storage import storage_of  # noqa: PLC0415
    from service.vorgang.publish import Publisher  # noqa: PLC0415
    from service.vorgang.publish_list import Rules  # noqa: PLC0415

    catalog = houses_of(settings).of(mandant).catalog
    storage = storage_of(settings.service, Vault(settings.service.encryption_keys))
    publisher = Publisher(mandant, catalog, storage, datetime.now(UTC), dry=dry)
    return publisher, Rules(folder, catalog, level2=settings.mandanten[mandant].level2 is not None)


def _say_unused(listed: Path) -> None:
    """Name the columns that nothing is made of: a misspelt one may be what was to protect the documents."""
    from service.vorgang.publish_list import ListRefused, unused_columns  # noqa: PLC0415 - only where used

    try:
        with listed.open(encoding="utf-8-sig", newline="") as lines:
            unused = unused_columns(lines)
    except ListRefused as refused:
        _refuse(listed, refused)
    if unused:
        click.echo(f"{listed}: not used: the columns {', '.join(line(name, 40) for name in unused)}", err=True)


def _refuse(listed: Path, refused: "ListRefused") -> NoReturn:
    click.echo(f"{listed}: {refused}", err=True)
    sys.exit(1)


def _published(listed: Path, rules: "Rules", publisher: "Publisher", length: int) -> "Told":
    try:
        return _work(listed, rules, publisher, look=False, length=length)
    except OSError as fault:
        done = "what is published stays; see mieterportal doctor, then publish the list again"
        click.echo(f"stopped, files cannot be read or kept: {fault.strerror or type(fault).__name__}; {done}", err=True)
        sys.exit(TEMPORARY)


def _work(listed: Path, rules: "Rules", publisher: "Publisher", *, look: bool, length: int = 0) -> "Told":
    """Go through the list once: looking only, or publishing, with a bar."""
    from service.vorgang.publish_list import ListRefused, read_postens  # noqa: PLC0415 - only where used

    try:
        with listed.open(encoding="utf-8-sig", newline="") as lines:
            if look:
                return _sum(publisher.check_only(read_postens(lines, rules)))
            with click.progressbar(length=length, label="publishing", file=sys.stderr, hidden=length <= _SHOWN) as bar:
                return _sum(_moving(bar, publisher.publish(read_postens(lines, rules))))
    except ListRefused as refused:
        _refuse(listed, refused)


def _moving(bar: "click._termui_impl.ProgressBar[int]", batches: "Iterable[Told]") -> "Iterable[Told]":
    for told in batches:
        bar.update(told.lines)
        yield told


def _sum(batches: "Iterable[Told]") -> "Told":
    from service.vorgang.publish import Told  # noqa: PLC0415 - only where used

    lines = documents = recipients = waiting = 0
    refused: list[Bad] = []
    for told in batches:
        lines, documents = lines + told.lines, documents + told.documents
        recipients, waiting = recipients + told.recipients, waiting + told.waiting
        refused += told.refused
    return Told(lines, documents, recipients, tuple(refused), waiting)


def _say_refused(listed: Path, refused: "Iterable[Bad]") -> None:
    for one in refused:
        click.echo(f"{listed}, line {one.line}: {one.code}: {one.reason}", err=True)


def _count_refused(mandant: str, refused: "Iterable[Bad]", now: datetime) -> None:
    """Let the operator read in `sync status` that lines were refused, too: whoever publishes may be a script."""
    from service.store import alarms  # noqa: PLC0415 - only where used
    from service.store.records import Alarm  # noqa: PLC0415

    for code, count in Counter(one.code for one in refused).items():
        alarms.count(Alarm(mandant, "document_refused", code, count, now, now, None))
