"""`mieterportal`: every command of the operator.

Exit codes: 0 done, 1 refused or something is wrong, 2 wrong usage, 75 could not be done now (try again).
"""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from service.cli.audit import audit, operator
from service.cli.common import TEMPORARY, mandant_of, read_settings, with_store
from service.cli.document import document
from service.cli.factor import factor, keys
from service.cli.files import files
from service.cli.mail import mail
from service.cli.notice import notice
from service.cli.person import person
from service.cli.privacy import erase, hold, retention
from service.cli.quarantine import quarantine
from service.cli.sync import sync
from service.settings import CONFIG_VARIABLE, Settings, SettingsError, load_settings

_CONF = Path(__file__).parent.parent.parent / "gunicorn.conf.py"


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
    read_settings()
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

    open_database(read_settings().service.database, patient=True)
    try:
        applied = apply()
    except (StoreUnavailable, MigrationBusy) as fault:
        click.echo(f"database: {fault}", err=True)
        sys.exit(TEMPORARY)
    click.echo("\n".join(f"applied {name}" for name in applied) or "nothing to do")


main.add_command(sync)
main.add_command(audit)
main.add_command(document)
main.add_command(factor)
main.add_command(files)
main.add_command(keys)
main.add_command(mail)
main.add_command(notice)
main.add_command(person)
main.add_command(quarantine)
main.add_command(erase)
main.add_command(hold)
main.add_command(retention)


@main.command()
@click.option("--port", type=click.IntRange(1, 65535), required=True, help="Port on 127.0.0.1.")
@click.option(
    "--ledger", type=click.Path(dir_okay=False, path_type=Path), default=Path("var/standin.db"), show_default=True
)
@click.option("--token", help="The bearer token that the portal must show; without it, none is asked for.")
@click.option("--webhook", help="Where to say that the feed has something new, with --webhook-secret.")
@click.option("--webhook-secret", help="What signs it: whsec_…, one of the portal's webhook_secrets.")
@click.option(
    "--filedrop",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Be the other side of a file drop, too: the folder with in, out, quittung, fehler, archiv.",
)
@click.option("--mandant", help="Whose folder --filedrop is.")
def standin(  # noqa: PLR0913, PLR0917 - options of the command line
    port: int,
    ledger: Path,
    token: str | None,
    webhook: str | None,
    webhook_secret: str | None,
    filedrop: Path | None,
    mandant: str | None,
) -> None:
    """Run the stand-in immotion: for tests, demonstrations and agencies without an ERP.

    Example: mieterportal standin --port 8090 --ledger var/standin.db
    """
    from service.standin.server import run  # noqa: PLC0415 - only where used
    from service.standin.webhook import Hook  # noqa: PLC0415

    if bool(webhook) != bool(webhook_secret):
        raise click.UsageError("--webhook and --webhook-secret belong together")
    if (filedrop is None) != (mandant is None):
        raise click.UsageError("--filedrop and --mandant belong together")
    ledger.parent.mkdir(parents=True, exist_ok=True)
    hook = Hook(webhook, webhook_secret) if webhook and webhook_secret else None
    folder = (filedrop.resolve(), mandant) if filedrop and mandant else None
    run(port, ledger, token=token, hook=hook, folder=folder)


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

    settings = read_settings()
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

    settings = read_settings()
    keys = _connection(settings, mandant, connection).keys
    aud = f"{settings.service.public_url}/{mandant}"
    now = datetime.now(UTC).timestamp()
    tokens.verify(text, connection=connection, keys=keys, aud=aud, typ=typ, now=now)


def _connection(settings: Settings, mandant: str, connection: str) -> Any:  # noqa: ANN401 - ConnectionSettings
    try:
        found = settings.mandanten[mandant].connections[connection]
    except KeyError:
        known = [f"{m} {c}" for m, house in settings.mandanten.items() for c in house.connections]
        raise click.UsageError(f"no such connection; there are: {', '.join(known)}") from None
    if not found.keys:
        raise click.UsageError(f'{connection} is the own login (kind = "own"), which takes no tokens')
    return found


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
    from service.access.audit import Event, note  # noqa: PLC0415 - only where used
    from service.house import routing_rules  # noqa: PLC0415
    from service.store import catalogs  # noqa: PLC0415
    from service.store.database import transaction  # noqa: PLC0415
    from service.vorgang.routing import check_rules  # noqa: PLC0415

    settings = read_settings()
    routing = mandant_of(settings, mandant).routing
    checked = _load_catalog(file)
    for problem in check_rules(routing_rules(routing), checked):
        click.echo(f"warning: routing: {problem}", err=True)
    now = datetime.now(UTC)
    with transaction():
        catalogs.import_catalog(mandant, version=checked.version, digest=checked.digest, body=checked.source, now=now)
        note(Event.CATALOG_IMPORTED, operator(mandant, now), subject=checked.digest)
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
@click.argument("vorgang")
@with_store
def why(vorgang: str) -> None:
    """Say why a Vorgang (id or Meldenummer) was suggested to its Sachbearbeiter: the rule, and what it decided.

    Example: mieterportal why 2026-000123
    """
    from service.vorgang import delivery  # noqa: PLC0415 - only where used

    found = delivery.find(list(read_settings().mandanten), vorgang)
    if not found:
        click.echo(f"{vorgang}: no such Vorgang", err=True)
        sys.exit(1)
    if len(found) > 1:
        raise click.UsageError(f"{vorgang} exists in {', '.join(one.mandant for one in found)}; name it by its id")
    click.echo(json.dumps(dict(found[0].routing), ensure_ascii=False, indent=2))


@main.command()
@click.argument("connection", required=False)
def doctor(connection: str | None) -> None:
    """Check settings, database, files, catalog, routing, immotion and, if named, one connection (MANDANT/CONNECTION).

    Ends with 1 if something is wrong; each line says what to do.

    Example: mieterportal doctor musterbau/website
    """
    from service.doctor import examine, refused_settings  # noqa: PLC0415 - only where used

    try:
        findings = examine(load_settings(), connection)
    except SettingsError as refused:
        findings = refused_settings(refused)
    for finding in findings:
        click.echo(f"{'ok  ' if finding.good else 'FAIL'}  {finding.subject}: {finding.text}")
    sys.exit(0 if all(finding.good for finding in findings) else 1)


@main.command()
@click.option("--reset", is_flag=True, help="Throw the demo's data away first.")
@click.option(
    "--standin-pause",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    help="Seconds after which a stand-in immotion that ends is started again.",
)
def demo(reset: bool, standin_pause: float) -> None:  # noqa: FBT001 - a flag of the command line
    """Run the whole product with example data in the foreground; DEMO_PORT_BASE moves its ports.

    Example: DEMO_PORT_BASE=18000 mieterportal demo
    """
    from service.demo.runner import run  # noqa: PLC0415 - only where used

    base = os.environ.get("DEMO_PORT_BASE", "")
    if base and not base.isdecimal():
        raise click.UsageError("DEMO_PORT_BASE must be a number, e.g. 18000")
    sys.exit(run(int(base) if base else None, Path("var/demo"), reset, standin_pause))
