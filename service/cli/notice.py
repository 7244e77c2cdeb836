"""`mieterportal notice`: notices (Aushänge) for residents: known faults, planned works, hints."""

import json
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import click

from service.cli.audit import operator
from service.cli.common import agree, mandant_of, read_settings, with_store

if TYPE_CHECKING:
    from service.settings import Settings
    from service.store.aushang_records import Aushang, Gezaehlt
    from service.vorgang.aushang import Entwurf, Haus

_TIME = click.DateTime(["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d"])
_IN_LANGUAGE = re.compile(r"^([a-z]{2})=(.*)$", re.DOTALL)
_SHOWN = 200


@click.group()
def notice() -> None:
    """Tell residents of known faults and planned works, for all or for some buildings."""


@notice.command("add")
@click.argument("mandant")
@click.option("--art", type=click.Choice(["STOERUNG", "ARBEITEN", "HINWEIS"]), required=True)
@click.option("--titel", "titel", multiple=True, required=True, metavar="[LANG=]TEXT", help="Once for each language.")
@click.option("--text", "text", multiple=True, metavar="[LANG=]TEXT", help="Plain text; once for each language.")
@click.option("--schwere", type=click.Choice(["INFO", "WICHTIG", "DRINGEND"]), default="INFO", show_default=True)
@click.option("--gebaeude", multiple=True, metavar="NR", help="For this building only; several times for several.")
@click.option("--schadensort", default="", metavar="CODE", help="Shown before a report of this place.")
@click.option("--schadenskategorie", default="", metavar="CODE", help="Shown before a report of this Kategorie.")
@click.option("--von", type=_TIME, help="Since when the fault is known, when works begin; default: now.")
@click.option("--bis", type=_TIME, help="Until when; without it, until `notice end`. Works need it.")
@click.option("--zeigen-ab", type=_TIME, help="Shown not before; default: works at once, all else from --von on.")
@click.option("--oeffentlich", is_flag=True, help="Visible without signing in; only for all buildings.")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
@with_store
def add(mandant: str, yes: bool, **given: Any) -> None:  # noqa: ANN401, FBT001 - options of the command line
    """Put a notice up. Times are as clocks show them in the zone of the settings.

    Residents say of a fault "betrifft mich auch" instead of reporting it again, works they take over into their
    calendar. Says first who will see what, and asks. Prints the id, which `notice end` takes.

    Example: mieterportal notice add musterbau --art STOERUNG --titel "Heizung ausgefallen" --titel "en=Heating is down"
    --gebaeude G-17 --schadenskategorie HEIZUNG --schwere DRINGEND --von "2026-11-26 08:10"
    """
    from service.access.audit import Event, note  # noqa: PLC0415 - only where used
    from service.vorgang import aushang as domain  # noqa: PLC0415

    settings, now = read_settings(), datetime.now(UTC)
    haus = _haus(settings, mandant)
    entwurf = _entwurf(given, haus)
    try:
        agree(_effect(domain.check(entwurf, haus, now=now), haus.house.zone, now), yes=yes)
        source = operator(mandant, now)
        made = domain.put_up(
            entwurf,
            haus,
            now=now,
            within=lambda one: note(Event.AUSHANG_CHANGED, source, subject=str(one), facts={"what": "added"}),
        )
    except domain.AushangRefused as refused:
        for problem in refused.problems:
            facts = ", ".join(f"{name} {value}" for name, value in problem.params.items())
            click.echo(f"{problem.field}: {problem.code}{f' ({facts})' if facts else ''}", err=True)
        sys.exit(1)
    click.echo(f"added: {made.id}")


@notice.command("list")
@click.argument("mandant")
@click.option("--over", is_flag=True, help="Those that are over, which are kept for 90 days.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for scripts.")
@with_store
def list_(mandant: str, over: bool, as_json: bool) -> None:  # noqa: FBT001 - flags of the command line
    """List notices that are shown, or will be, the newest first, with how many residents a fault concerns.

    Example: mieterportal notice list musterbau
    """
    from service.store import aushaenge  # noqa: PLC0415 - only where used
    from service.vorgang.aushang import aushang_facts  # noqa: PLC0415

    settings, now = read_settings(), datetime.now(UTC)
    mandant_of(settings, mandant)
    found = aushaenge.page(mandant, over=over, before=None, limit=_SHOWN + 1, now=now)
    for one in found[:_SHOWN]:
        click.echo(
            json.dumps(aushang_facts(one, now), ensure_ascii=False)
            if as_json
            else _line(one, ZoneInfo(settings.service.timezone))
        )
    if not found and not as_json:
        click.echo("no notices")
    if len(found) > _SHOWN:
        click.echo(f"more than {_SHOWN}", err=True)


@notice.command("end")
@click.argument("mandant")
@click.argument("aushang_id", metavar="ID", type=click.UUID)
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
@with_store
def end(mandant: str, aushang_id: UUID, yes: bool) -> None:  # noqa: FBT001 - a flag of the command line
    """End a notice: nobody sees it any longer. Says first which one, and asks.

    Example: mieterportal notice end musterbau 019ab3c4-…
    """
    from service.access.audit import Event, note  # noqa: PLC0415 - only where used
    from service.store import aushaenge  # noqa: PLC0415
    from service.vorgang import aushang as domain  # noqa: PLC0415

    settings, now = read_settings(), datetime.now(UTC)
    mandant_of(settings, mandant)
    found = aushaenge.by_id(mandant, aushang_id)
    if found is None:
        click.echo("no such notice", err=True)
        sys.exit(1)
    if found.aushang.is_over(now):
        click.echo("it is over already")
        return
    agree(f"{_line(found, ZoneInfo(settings.service.timezone))}\nnobody will see it any longer", yes=yes)
    source = operator(mandant, now)
    domain.end(
        mandant,
        aushang_id,
        now=now,
        within=lambda one: note(Event.AUSHANG_CHANGED, source, subject=str(one), facts={"what": "ended"}),
    )
    click.echo("ended")


def _haus(settings: "Settings", mandant: str) -> "Haus":
    from service.house import houses_of  # noqa: PLC0415 - only where used
    from service.vorgang.aushang import Haus  # noqa: PLC0415

    own = mandant_of(settings, mandant)
    return Haus(houses_of(settings).of(mandant), own.languages, frozenset(own.gebaeude))


def _entwurf(given: dict[str, Any], haus: "Haus") -> "Entwurf":
    from service.vorgang.aushang import Entwurf  # noqa: PLC0415 - only where used

    first, zone = haus.languages[0], haus.house.zone
    texts = {name: _by_language(given.pop(name), first) for name in ("titel", "text")}
    times = {name: given[name] and given.pop(name).replace(tzinfo=zone) for name in ("von", "bis", "zeigen_ab")}
    return Entwurf(**given | texts | times)


def _by_language(texts: tuple[str, ...], first: str) -> dict[str, str]:
    """Return texts by language; one without a language before it is in the Mandant's first one."""
    found = [(match[1], match[2]) if (match := _IN_LANGUAGE.match(text)) else (first, text) for text in texts]
    by_language = dict(found)
    if len(by_language) < len(found):
        raise click.UsageError("two texts are in the same language; write LANG= before those that are not in the first")
    return by_language


def _effect(aushang: "Aushang", zone: ZoneInfo, now: datetime) -> str:
    whom = f"residents of {', '.join(aushang.gebaeude)}" if aushang.gebaeude else "all residents"
    whom += ", and everybody without signing in," if aushang.oeffentlich else ""
    when = "at once" if aushang.zeigen_ab <= now else f"from {_time(aushang.zeigen_ab, zone)} on"
    until = f"until {_time(aushang.bis, zone)}" if aushang.bis else "until it is ended"
    titles = " / ".join(aushang.titel.values())
    return f"{whom} will see {when}, {until}: {aushang.art} {aushang.schwere} „{titles}“"


def _line(counted: "Gezaehlt", zone: ZoneInfo) -> str:
    aushang = counted.aushang
    until = f" to {_time(aushang.bis, zone)}" if aushang.bis else ""
    whom = ", ".join(aushang.gebaeude) or "all"
    titles = " / ".join(aushang.titel.values())
    told = f", {counted.betroffene} concerned" if aushang.art == "STOERUNG" else ""
    return f"{aushang.id} {aushang.art} {aushang.schwere} {whom}: {titles}; {_time(aushang.von, zone)}{until}{told}"


def _time(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
