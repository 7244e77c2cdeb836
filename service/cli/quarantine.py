"""`mieterportal quarantine`: files that the virus scan keeps from everybody, and their ways out."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import click

from service.cli.audit import operator
from service.cli.common import TEMPORARY, agree, counted, mandant_of, read_settings, with_store

if TYPE_CHECKING:
    from service.access.audit import Event
    from service.files.storage import Storage
    from service.store.quarantine import Quarantined
    from service.vorgang.quarantine import Freigabe

_PAGE = 500
_CHUNK = 2**20


@click.group()
def quarantine() -> None:
    """See the files that the virus scan keeps from everybody; scan them again, release or discard them."""


_yes = click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for scripts.")
_files = click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.UUID)


@quarantine.command("list")
@click.option("--mandant", help="Only this Mandant.")
@_json
@with_store
def list_(mandant: str | None, as_json: bool) -> None:  # noqa: FBT001 - a flag of the command line
    """Show each file in quarantine: since when, what the scanner said, and what it belongs to.

    Uploads that the scan refused while somebody sent them were never kept, and are not among them.

    Example: mieterportal quarantine list --mandant musterbau
    """
    shown = 0
    for item in _all(_mandanten(mandant)):
        click.echo(json.dumps(_facts(item), ensure_ascii=False) if as_json else "\n  ".join(_words(item)))
        shown += 1
    if not shown and not as_json:
        click.echo("nothing is in quarantine")


@quarantine.command("scan")
@click.argument("files", metavar="[FILE]…", nargs=-1, type=click.UUID)
@click.option("--all", "everything", is_flag=True, help="All that is in quarantine, of --mandant or of every Mandant.")
@click.option("--mandant", help="Only this Mandant.")
@_yes
@_json
@with_store
def scan(files: tuple[UUID, ...], everything: bool, mandant: str | None, yes: bool, as_json: bool) -> None:  # noqa: FBT001 - flags of the command line
    """Have files scanned again, after signatures or limits of clamd have changed; what is clean is released.

    Ends with 1 if one is still bad, with 75 if the scanner or the storage does not answer; what is done is done.

    Example: mieterportal quarantine scan --all
    """
    if bool(files) == everything:
        raise click.UsageError("name files by their ids, or say --all")
    if read_settings().service.scan is None:
        raise click.UsageError("service.scan is not set: there is nothing to scan files with")
    found = list(_all(_mandanten(mandant))) if everything else _named(files, mandant)
    effect = f"{counted(len(found), 'file')} will be scanned again; a clean one is released:"
    _agree(effect, map(_effect, found), yes=yes, as_json=as_json)
    _do(_scan_one, found, done="clean", as_json=as_json)


@quarantine.command("release")
@_files
@click.option("--mandant", help="Only files of this Mandant.")
@_yes
@_json
@with_store
def release(files: tuple[UUID, ...], mandant: str | None, yes: bool, as_json: bool) -> None:  # noqa: FBT001 - flags of the command line
    """Let files go that were wrongly called bad, to whomever they belong: residents, their lists, and immotion.

    Says first for each what the scanner said and who gets it, and asks. Ends with 1 if a file is damaged or gone.

    Example: mieterportal quarantine release 019a2b3c-…
    """
    found = _named(files, mandant)
    effect = "These files will be handed out although the virus scan said otherwise:"
    _agree(effect, map(_effect, found), yes=yes, as_json=as_json)
    _do(_release_one, found, done="released", as_json=as_json)


@quarantine.command("discard")
@_files
@click.option("--mandant", help="Only files of this Mandant.")
@_yes
@_json
@with_store
def discard(files: tuple[UUID, ...], mandant: str | None, yes: bool, as_json: bool) -> None:  # noqa: FBT001 - flags of the command line
    """Delete the bytes of files for good, before their 30 days are over; that something was found stays known.

    Ends with 1 if a legal hold keeps one.

    Example: mieterportal quarantine discard 019a2b3c-…
    """
    found = _named(files, mandant)
    effect = "The bytes of these files will be deleted for good; residents still read that the scan has locked them:"
    _agree(effect, (_line(item, _facts(item)) for item in found), yes=yes, as_json=as_json)
    _do(_discard_one, found, done="discarded", as_json=as_json)


def _agree(effect: str, lines: Iterable[str], *, yes: bool, as_json: bool) -> None:
    agree("\n".join([effect, *lines]), yes=yes, err=as_json)


def _do(act: "Callable[[Quarantined], str]", found: "Sequence[Quarantined]", *, done: str, as_json: bool) -> NoReturn:
    """Do it to every file, and end with 0 if all have become what they should be, else with 1."""
    states = [_each(item, act, as_json=as_json) for item in found]
    sys.exit(0 if all(state == done for state in states) else 1)


def _each(item: "Quarantined", act: "Callable[[Quarantined], str]", *, as_json: bool) -> str:
    """Do it to one file and say what has come of it; a storage or scanner that fails ends the command with 75."""
    try:
        state = act(item)
    except OSError as fault:
        click.echo(f"{item.datei.id}: could not be done now ({fault}); what is done is done", err=True)
        sys.exit(TEMPORARY)
    facts = {"id": str(item.datei.id), "mandant": item.datei.mandant, "state": state}
    click.echo(json.dumps(facts) if as_json else f"{item.datei.id} {state}")
    return state


def _scan_one(item: "Quarantined") -> str:
    from service.access.audit import Event  # noqa: PLC0415 - only where used
    from service.files.scan import ScanState, Verdict  # noqa: PLC0415
    from service.files.sealing import Tampered  # noqa: PLC0415
    from service.vorgang.quarantine import settle  # noqa: PLC0415

    try:
        verdict = _storage().look(item.datei)
    except FileNotFoundError:
        verdict = Verdict(ScanState.UNSCANNABLE, "GONE")
    except Tampered:
        verdict = Verdict(ScanState.UNSCANNABLE, "DAMAGED")
    event = Event.FILE_RELEASED if verdict.state is ScanState.CLEAN else Event.FILE_SCANNED
    settle(item, verdict, _by(item, event, scan=str(verdict.state)), now=_now())
    return str(verdict.state)


def _release_one(item: "Quarantined") -> str:
    from service.access.audit import Event  # noqa: PLC0415 - only where used
    from service.vorgang.quarantine import release as let_go  # noqa: PLC0415

    if broken := _broken(item, _storage()):
        return broken
    how = _by(item, Event.FILE_RELEASED, scan=item.datei.scan or "", found=item.datei.found)
    return "released" if let_go(item, how, now=_now()) else "not in quarantine any more"


def _broken(item: "Quarantined", storage: "Storage") -> str:
    """Return why a file could be handed out to nobody; "" for a whole one. Raises OSError."""
    from service.files.sealing import Tampered  # noqa: PLC0415 - only where used

    try:
        with storage.raw(item.datei) as content:
            while content.read(_CHUNK):
                pass
    except FileNotFoundError:
        return "gone"
    except Tampered:
        return "damaged"
    return ""


def _discard_one(item: "Quarantined") -> str:
    from service.access.audit import Event, note  # noqa: PLC0415 - only where used
    from service.store import holds  # noqa: PLC0415
    from service.vorgang.quarantine import UnderHold  # noqa: PLC0415
    from service.vorgang.quarantine import discard as give_up  # noqa: PLC0415

    mandant, now = item.datei.mandant, _now()
    within = partial(note, Event.FILE_DISCARDED, operator(mandant, now), subject=str(item.datei.id))
    try:
        done = give_up(item, partial(holds.held, mandant), within, now=now)
    except UnderHold:
        return "under a legal hold"
    if not done:
        return "not in quarantine any more"
    _storage().delete(item.datei.id)
    return "discarded"


def _by(item: "Quarantined", event: "Event", **facts: str) -> "Freigabe":
    from service.access.audit import note  # noqa: PLC0415 - only where used
    from service.vorgang.notices import Sammelzeit  # noqa: PLC0415
    from service.vorgang.quarantine import Freigabe  # noqa: PLC0415

    source = operator(item.datei.mandant, _now())
    within = partial(note, event, source, subject=str(item.datei.id), facts=facts)
    return Freigabe(Sammelzeit(ZoneInfo(read_settings().service.timezone)), str(uuid4()), within)


def _storage() -> "Storage":
    from service.access.vault import Vault  # noqa: PLC0415 - only where used
    from service.storage import storage_of  # noqa: PLC0415

    service = read_settings().service
    return storage_of(service, Vault(service.encryption_keys))


def _mandanten(mandant: str | None) -> list[str]:
    settings = read_settings()
    if mandant is not None:
        mandant_of(settings, mandant)
    return list(settings.mandanten) if mandant is None else [mandant]


def _all(mandanten: Iterable[str]) -> "Iterator[Quarantined]":
    from service.store import quarantine as store  # noqa: PLC0415 - only where used

    for mandant in mandanten:
        after = None
        while found := store.page(mandant, after=after, limit=_PAGE):
            yield from found
            after = found[-1].datei.id


def _named(files: Sequence[UUID], mandant: str | None) -> "list[Quarantined]":
    from service.store import quarantine as store  # noqa: PLC0415 - only where used

    mandanten = _mandanten(mandant)
    found = {file_id: store.by_id(mandanten, file_id) for file_id in dict.fromkeys(files)}
    missing = [str(file_id) for file_id, item in found.items() if item is None]
    if missing:
        click.echo(f"not in quarantine: {', '.join(missing)}; see mieterportal quarantine list", err=True)
        sys.exit(1)
    return [item for item in found.values() if item is not None]


def _facts(item: "Quarantined") -> Any:  # noqa: ANN401 - a JSON object
    from service.vorgang.quarantine import facts  # noqa: PLC0415 - only where used

    return facts(item)


def _words(item: "Quarantined") -> Iterator[str]:
    told = _facts(item)
    yield _line(item, told)
    yield f"{told['bytes']} bytes, sha256 {told['sha256']}"


def _line(item: "Quarantined", told: Any) -> str:  # noqa: ANN401 - a JSON object
    said = f"{told['state']} {told['found']}".strip()
    name = json.dumps(told["dateiname"], ensure_ascii=False)
    since = f"since {item.datei.created_at:%Y-%m-%d %H:%M} UTC"
    return f"{told['id']} {told['mandant']} {said}, {since}: {name}, {_of(told)}"


def _of(told: Any) -> str:  # noqa: ANN401 - a JSON object
    """Say what a file belongs to."""
    if told["from"] == "resident":
        return "of a draft" if told["draft"] else f"of a resident, in Vorgang {told['meldenummer']}"
    parts = [f"in Vorgang {told['meldenummer']}"] if told["meldenummer"] else []
    if told["documents"]:
        more = f" and {told['documents'] - 1} more" if told["documents"] > 1 else ""
        parts.append(f"document {told['dokument_id']}{more} for {told['recipients']} recipients")
    return " and ".join(parts) or "of nothing any more"


def _effect(item: "Quarantined") -> str:
    """Say who gets a file once it is released."""
    told = _facts(item)
    ways = {
        "along": "immotion gets it with its delivery, which is still owed",
        "after": "immotion gets it by an addition of its own, since its delivery has gone",
    }
    who = ["its residents see it"] if told["documents"] or told["meldenummer"] else []
    who += [ways[told["on_release"]]] if told["on_release"] in ways else []
    return f"{_line(item, told)}; {', '.join(who) or 'whoever writes the draft sees it'}"


def _now() -> datetime:
    return datetime.now(UTC)
