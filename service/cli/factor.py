"""`mieterportal factor` and `keys`: second factors of residents, and the keys that their secrets are under."""

import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from service.cli.audit import operator
from service.cli.common import agree, counted, mandant_of, read_settings, with_store

if TYPE_CHECKING:
    from service.store.records import AccountKey


@click.group()
def factor() -> None:
    """Look after residents' second factors."""


@factor.command("reset")
@click.argument("mandant")
@click.option("--person", help="The Personennummer: every account that stood for this person when it was set up.")
@click.option("--connection", help="With --sub: the connection that the account belongs to.")
@click.option("--sub", help="With --connection: the CMS's stable user id.")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
@with_store
def reset(mandant: str, person: str | None, connection: str | None, sub: str | None, yes: bool) -> None:  # noqa: FBT001 - a flag of the command line
    """Remove somebody's app and recovery codes, when both are lost; they can then set up another one.

    Make sure first who asks: until another app is set up, the CMS's password alone opens their documents. Says first
    what will be removed, and asks.

    Example: mieterportal factor reset musterbau --person 0004711
    """
    from service.access import factors  # noqa: PLC0415 - only where used

    found = _accounts(mandant, person, connection, sub)
    if not found:
        click.echo("no second factor there")
        return
    agree("\n".join(_effect(who) for who in found), yes=yes)
    for who in found:
        factors.reset(who, source=replace(operator(mandant, datetime.now(UTC)), account=who.account, person=person))
    click.echo(f"removed: {len(found)}")


def _accounts(mandant: str, person: str | None, connection: str | None, sub: str | None) -> "list[AccountKey]":
    from service.access.visitor import digest  # noqa: PLC0415 - only where used
    from service.store import factors  # noqa: PLC0415
    from service.store.records import AccountKey  # noqa: PLC0415

    connections = mandant_of(read_settings(), mandant).connections
    if person is not None and connection is None and sub is None:
        return factors.of_person(mandant, person)
    if person is not None or connection is None or sub is None:
        raise click.UsageError("say --person, or --connection and --sub")
    if connection not in connections:
        raise click.UsageError(f"no such connection; there are: {', '.join(connections)}")
    who = AccountKey(mandant, digest(connection, sub))
    return [who] if factors.find(who) else []


def _effect(who: "AccountKey") -> str:
    from service.store import factors  # noqa: PLC0415 - only where used
    from service.store.passkeys import of_account  # noqa: PLC0415

    found, left, passkeys = factors.find(who), factors.codes_left(who), len(of_account(who))
    at = found.confirmed_at.isoformat(timespec="seconds") if found and found.confirmed_at else "never confirmed"
    return (
        f"account {who.account[:12]}…: the app set up at {at} and {left} unused recovery codes will be removed, with "
        f"{passkeys} passkeys, "
        "and its sessions must be confirmed anew"
    )


@click.group()
def keys() -> None:
    """Look after the keys that secrets are stored under."""


@keys.command("renew")
@click.option("--mandant", help="Only this Mandant.")
@with_store
def renew(mandant: str | None) -> None:
    """Put every stored secret, and the key of every file, under the newest of `service.encryption_keys`.

    Afterwards the older keys can go. Safe to run again, and while the portal runs. Ends with 1 if a secret cannot be
    opened by any of the keys.

    Example: mieterportal keys renew
    """
    from service.access.renewal import renew_file_keys, renew_secrets  # noqa: PLC0415 - only where used
    from service.access.vault import Vault  # noqa: PLC0415

    settings = read_settings()
    if mandant is not None:
        mandant_of(settings, mandant)
    if not settings.service.encryption_keys:
        click.echo("service.encryption_keys is not set: there are no secrets")
        return
    vault = Vault(settings.service.encryption_keys)
    unreadable = 0
    for name in settings.mandanten if mandant is None else [mandant]:
        for what, renewal in ((name, renew_secrets(name, vault)), (f"{name} files", renew_file_keys(name, vault))):
            unreadable += renewal.unreadable
            done = f"renewed {renewal.renewed}, already under the newest key {renewal.current}"
            click.echo(f"{what}: {done}")
    if unreadable:
        found = f"{counted(unreadable, 'secret')} under none of the keys"
        click.echo(f"{found}; give back the key, or reset what is under it", err=True)
        sys.exit(1)
