"""`mieterportal`: every command of the operator.

Exit codes: 0 done, 1 refused or something is wrong, 2 wrong usage, 75 could not be done now (try again).
"""

import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from service.settings import CONFIG_VARIABLE, Settings, SettingsError, load_settings

TEMPORARY = 75
P = ParamSpec("P")
R = TypeVar("R")
_CONF = Path(__file__).parent.parent / "gunicorn.conf.py"


def _settings() -> Settings:
    try:
        return load_settings()
    except SettingsError as refused:
        for problem in refused.problems:
            click.echo(f"settings: {problem}", err=True)
        sys.exit(1)


def with_store(command: Callable[P, R]) -> Callable[P, R]:
    """Open the store for a command; a database that does not answer ends it with 75."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        from service.store.database import StoreUnavailable, connected, open_database  # noqa: PLC0415 - only where used

        open_database(_settings().service.database)
        try:
            with connected():
                return command(*args, **kwargs)
        except StoreUnavailable as fault:
            click.echo(f"database: does not answer or lacks its tables ({fault}); run: mieterportal migrate", err=True)
            sys.exit(TEMPORARY)

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="The settings file (TOML).")
@click.version_option(package_name="mieterportal")
def main(config: Path | None) -> None:
    """Run the tenant portal: serve it, forward Vorgänge to immotion, look after both.

    Example: mieterportal --config portal.toml serve
    """
    if config is not None:
        os.environ[CONFIG_VARIABLE] = str(config)


@main.command()
@click.option("--bind", metavar="HOST:PORT", help="Where to listen; default: service.bind of the settings.")
def serve(bind: str | None) -> None:
    """Serve the portal with gunicorn.

    Example: mieterportal serve --bind 127.0.0.1:8000
    """
    _settings()
    command = [sys.executable, "-m", "gunicorn", "--config", str(_CONF), *(["--bind", bind] if bind else [])]
    os.execv(sys.executable, command)  # noqa: S606 - our own interpreter with fixed arguments


@main.command()
def migrate() -> None:
    """Bring the database to this version; safe to run again, and on several hosts at once.

    Example: mieterportal migrate
    """
    from service.store.database import StoreUnavailable, open_database  # noqa: PLC0415 - only where used
    from service.store.migrate import MigrationBusy  # noqa: PLC0415
    from service.store.migrate import migrate as apply  # noqa: PLC0415

    open_database(_settings().service.database)
    try:
        applied = apply()
    except (StoreUnavailable, MigrationBusy) as fault:
        click.echo(f"database: {fault}", err=True)
        sys.exit(TEMPORARY)
    click.echo("\n".join(f"applied {name}" for name in applied) or "nothing to do")


@main.group()
def sync() -> None:
    """Forward Vorgänge to immotion and take in what comes back."""


@sync.command("run")
@click.option("--once", is_flag=True, help="Deliver what is due, read the feed once, then end.")
def sync_run(once: bool) -> None:  # noqa: FBT001 - a flag of the command line
    """Run the sync worker until SIGTERM. With --once, ends with 75 when something could not be delivered.

    Example: mieterportal sync run --once
    """
    from service.log import configure_logging  # noqa: PLC0415 - only where used
    from service.sync.worker import run  # noqa: PLC0415

    configure_logging()
    sys.exit(run(_settings(), once=once))


@sync.command("status")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for scripts.")
@with_store
def sync_status(as_json: bool) -> None:  # noqa: FBT001 - a flag of the command line
    """Show per Mandant what waits for immotion, since when, and what is parked.

    Example: mieterportal sync status --json
    """
    from service.sync.worker import status  # noqa: PLC0415 - only where used

    rows = status(_settings())
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, default=str))
        return
    click.echo(f"{'Mandant':<20}{'waiting':>9}{'parked':>8}{'sent':>9}  oldest waiting")
    for row in rows:
        oldest = row["oldest_waiting"] or "-"
        click.echo(f"{row['mandant']:<20}{row['waiting']:>9}{row['parked']:>8}{row['sent']:>9}  {oldest}")


@main.command()
@click.option("--port", type=click.IntRange(1, 65535), required=True, help="Port on 127.0.0.1.")
@click.option(
    "--ledger", type=click.Path(dir_okay=False, path_type=Path), default=Path("var/standin.db"), show_default=True
)
@click.option("--token", help="The bearer token that the portal must show; without it, none is asked for.")
@click.option(
    "--filedrop",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Be the other side of a file drop, too: the folder with in, out, quittung, fehler, archiv.",
)
@click.option("--mandant", help="Whose folder --filedrop is.")
def standin(port: int, ledger: Path, token: str | None, filedrop: Path | None, mandant: str | None) -> None:
    """Run the stand-in immotion: for tests, demonstrations and agencies without an ERP.

    Example: mieterportal standin --port 8090 --ledger var/standin.db
    """
    from service.standin.server import run  # noqa: PLC0415 - only where used

    if (filedrop is None) != (mandant is None):
        raise click.UsageError("--filedrop and --mandant belong together")
    ledger.parent.mkdir(parents=True, exist_ok=True)
    run(port, ledger, token=token, folder=(filedrop.resolve(), mandant) if filedrop and mandant else None)


@main.group()
def token() -> None:
    """Issue and inspect session tokens, to try a connection without its CMS."""


@token.command("issue")
@click.argument("mandant")
@click.argument("connection")
@click.option("--type", "typ", type=click.Choice(["fragment", "login", "logout", "admin"]), default="fragment")
@click.option("--sub", required=True, help="The CMS's stable user id.")
@click.option("--sid", default="cli", show_default=True, help="The id of the CMS session.")
@click.option("--person", help="immotion Personennummer; honoured only with trust_person = true.")
@click.option("--name")
@click.option("--nonce", help="For a login by iframe.")
def token_issue(mandant: str, connection: str, typ: str, sub: str, sid: str, **optional: str | None) -> None:
    """Print a token, valid for 60 seconds, signed with the connection's newest key.

    Example: mieterportal token issue musterbau website --sub fe_users:1001 --person 0004711
    """
    from cms_adapters import tokens  # noqa: PLC0415 - only where used

    settings = _settings()
    found = _connection(settings, mandant, connection)
    now = int(datetime.now(UTC).timestamp())
    given = {name: value for name, value in optional.items() if value is not None}
    aud = f"{settings.service.public_url}/{mandant}"
    claims = tokens.new_claims(typ=typ, iss=connection, aud=aud, sub=sub, sid=sid, now=now) | given
    click.echo(tokens.issue(claims, found.keys[-1], issued=now))


@token.command("inspect")
@click.argument("text", metavar="TOKEN")
@click.option("--mandant", help="With --connection: verify too, and say why it would be refused.")
@click.option("--connection")
def token_inspect(text: str, mandant: str | None, connection: str | None) -> None:
    """Print what a token says; with --mandant and --connection, also whether it would be accepted (else exit 1).

    Example: mieterportal token inspect eyJ2… --mandant musterbau --connection website
    """
    from cms_adapters import tokens  # noqa: PLC0415 - only where used

    try:
        claims = tokens.inspect(text)
        click.echo(json.dumps(claims, ensure_ascii=False, indent=2))
        if mandant and connection:
            _verify(text, str(claims.get("typ", "")), mandant, connection)
            click.echo("accepted")
    except tokens.TokenRefused as refused:
        click.echo(f"refused: {refused.reason}", err=True)
        sys.exit(1)


def _verify(text: str, typ: str, mandant: str, connection: str) -> None:
    from cms_adapters import tokens  # noqa: PLC0415 - only where used

    settings = _settings()
    keys = _connection(settings, mandant, connection).keys
    aud = f"{settings.service.public_url}/{mandant}"
    now = datetime.now(UTC).timestamp()
    tokens.verify(text, connection=connection, keys=keys, aud=aud, typ=typ, now=now)


def _connection(settings: Settings, mandant: str, connection: str) -> Any:  # noqa: ANN401 - ConnectionSettings
    try:
        return settings.mandanten[mandant].connections[connection]
    except KeyError:
        known = [f"{m} {c}" for m, house in settings.mandanten.items() for c in house.connections]
        raise click.UsageError(f"no such connection; there are: {', '.join(known)}") from None


@main.group()
def catalog() -> None:
    """Check and import the catalog of places, kinds and rules."""


@catalog.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def catalog_check(file: Path) -> None:
    """Check a catalog file; prints every problem with its place, and ends with 1 if there is one.

    Example: mieterportal catalog check katalog.json
    """
    checked = _load_catalog(file)
    click.echo(
        f"{file}: version {checked.version}, {len(checked.schadensarten)} Schadensarten, digest {checked.digest[:12]}"
    )


@catalog.command("import")
@click.argument("mandant")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_store
def catalog_import(mandant: str, file: Path) -> None:
    """Put a catalog in force for a Mandant; running workers take it over within ten seconds.

    Example: mieterportal catalog import musterbau katalog.json
    """
    from service.house import routing_rules  # noqa: PLC0415 - only where used
    from service.store import catalogs  # noqa: PLC0415
    from service.vorgang.routing import check_rules  # noqa: PLC0415

    settings = _settings()
    if mandant not in settings.mandanten:
        raise click.UsageError(f"no such Mandant; there are: {', '.join(settings.mandanten)}")
    checked = _load_catalog(file)
    for problem in check_rules(routing_rules(settings.mandanten[mandant].routing), checked):
        click.echo(f"warning: routing: {problem}", err=True)
    catalogs.import_catalog(
        mandant, version=checked.version, digest=checked.digest, body=checked.source, now=datetime.now(UTC)
    )
    click.echo(f"{mandant}: catalog {checked.version} ({checked.digest[:12]}) is in force")


def _load_catalog(file: Path) -> Any:  # noqa: ANN401 - service.vorgang.catalog.Catalog, imported only where used
    from service.vorgang.catalog import CatalogError, load_catalog  # noqa: PLC0415

    try:
        return load_catalog(json.loads(file.read_text(encoding="utf-8")))
    except CatalogError as refused:
        for problem in refused.problems:
            click.echo(f"{file}: {problem}", err=True)
    except (ValueError, RecursionError) as broken:
        click.echo(f"{file}: is not JSON ({type(broken).__name__})", err=True)
    return sys.exit(1)


@main.command()
@click.argument("vorgang_id", type=click.UUID)
@with_store
def why(vorgang_id: Any) -> None:  # noqa: ANN401 - click hands over a UUID
    """Say why a Vorgang was suggested to its Sachbearbeiter: the rule that matched, and what it decided.

    Example: mieterportal why 019a2b3c-…
    """
    from service.store import vorgaenge  # noqa: PLC0415 - only where used

    found = [vorgaenge.by_id(mandant, vorgang_id) for mandant in _settings().mandanten]
    for vorgang in found:
        if vorgang is not None:
            click.echo(json.dumps(dict(vorgang.routing), ensure_ascii=False, indent=2))
            return
    click.echo("no such Vorgang", err=True)
    sys.exit(1)


@main.command()
@click.argument("connection", required=False)
def doctor(connection: str | None) -> None:
    """Check settings, database, files, catalog, routing, immotion and, if named, one connection (MANDANT/CONNECTION).

    Ends with 1 if something is wrong; each line says what to do.

    Example: mieterportal doctor musterbau/website
    """
    from service.doctor import examine  # noqa: PLC0415 - only where used

    findings = examine(_settings(), connection)
    for finding in findings:
        click.echo(f"{'ok  ' if finding.good else 'FAIL'}  {finding.subject}: {finding.text}")
    sys.exit(0 if all(finding.good for finding in findings) else 1)


@main.command()
@click.option("--reset", is_flag=True, help="Throw the demo's data away first.")
def demo(reset: bool) -> None:  # noqa: FBT001 - a flag of the command line
    """Run the whole product with example data in the foreground; DEMO_PORT_BASE moves its ports.

    Example: DEMO_PORT_BASE=18000 mieterportal demo
    """
    from service.demo.runner import run  # noqa: PLC0415 - only where used

    base = os.environ.get("DEMO_PORT_BASE", "")
    if base and not base.isdecimal():
        raise click.UsageError("DEMO_PORT_BASE must be a number, e.g. 18000")
    sys.exit(run(int(base) if base else None, Path("var/demo"), reset=reset))


if __name__ == "__main__":
    main()
