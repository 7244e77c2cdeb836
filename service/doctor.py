"""What `mieterportal doctor` looks at; each finding says what to do."""

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from service.access.rates import MEMORY, answers
from service.doctor_files import Finding, examine_files
from service.exposed import exposed
from service.house import house_of, routing_rules
from service.keys import files_of
from service.settings import FileDropSettings, ImmotionSettings, Settings, SettingsError
from service.store import catalogs, cms_sessions, mirrors
from service.store.database import StoreUnavailable, connected, open_database, ping
from service.store.migrate import missing
from service.transport import unencrypted
from service.vorgang.catalog import default_catalog, load_catalog
from service.vorgang.routing import check_rules

_CODES_MAX = 20
_MAIL_HELP = "check host, port, tls, ca, user, password and sender in service.mail"


def examine(settings: Settings, connection: str | None = None) -> list[Finding]:
    """Return the findings; nothing is changed but for a file written and removed again."""
    findings = [Finding("settings", good=True, text="read and valid"), *_key_files(settings)]
    findings += [_database(settings), *examine_files(settings), _limits(settings), _mail(settings)]
    findings += [_transport(settings), _secrets(settings)]
    for mandant_id in settings.mandanten:
        findings += _mandant(settings, mandant_id)
    if connection is not None:
        findings.append(_connection(settings, connection))
        if findings[-1].good:
            findings += _session_ids(connection)
    return findings


def refused_settings(refused: SettingsError) -> list[Finding]:
    """Return the findings where nothing can be looked at, because settings or a file they name cannot be used."""
    runs = "what runs goes on with the secrets it has, but cannot be started anew"
    return [Finding("settings", good=False, text=f"{problem}; {runs}") for problem in refused.problems]


def _database(settings: Settings) -> Finding:
    open_database(settings.service.database)
    try:
        ping()
        lacking = missing()
    except StoreUnavailable as fault:
        return Finding("database", good=False, text=f"does not answer ({fault}); check service.database and the server")
    if lacking:
        return Finding("database", good=False, text=f"lacks {', '.join(lacking)}; run: mieterportal migrate")
    return Finding("database", good=True, text="answers, tables are of this version")


def _key_files(settings: Settings) -> Iterator[Finding]:
    """Say which files with secrets there are; that they can be used is what reading the settings has shown."""
    names = [name for name, _ in files_of(settings)]
    if names:
        text = f"{', '.join(names)}: read and usable; what runs takes a change over within five seconds"
        yield Finding("key files", good=True, text=text)


def _limits(settings: Settings) -> Finding:
    storage = settings.service.rates.storage
    if not answers(storage):
        return Finding("limits", good=False, text="Redis does not answer; check service.rates.storage and the server")
    where = _in_memory(settings.service.workers) if storage == MEMORY else "in Redis, which answers"
    proxies = settings.service.trusted_proxies
    return Finding("limits", good=True, text=f"counted {where}; trusted proxies: {proxies}")


def _in_memory(workers: int) -> str:
    if workers == 1:
        return "in the memory of the one process"
    return f"in the memory of each of {workers} processes, so that up to {workers} times as much is let through"


def _mail(settings: Settings) -> Finding:
    """Ask the mail server whether it takes mails of ours, without sending one."""
    from service.notify.smtp import Server, ServerAway  # noqa: PLC0415 - only where it is used

    mail = settings.service.mail
    if mail is None:
        return Finding("mail", good=True, text="none; residents are told nothing by mail (service.mail)")
    where, server = f"{mail.host}:{mail.port}", Server(mail)
    try:
        server.check()
    except ServerAway as away:
        return Finding("mail", good=False, text=f"{where} does not take our mails ({away}); {_MAIL_HELP}")
    finally:
        server.close()
    return Finding("mail", good=True, text=f"{where} takes mails of {mail.sender}, tls {mail.tls}")


def _transport(settings: Settings) -> Finding:
    """Tell what of this installation would cross a network unencrypted."""
    open_ways = unencrypted(settings)
    wrong = f"unencrypted across a network: {'; '.join(open_ways)} (docs/security.md, Encryption on the way)"
    good = "nothing leaves this host unencrypted"
    return Finding("transport", good=not open_ways, text=wrong if open_ways else good)


def _secrets(settings: Settings) -> Finding:
    """Tell which files with secrets everybody on this host may read."""
    found = exposed(settings)
    text = f"everybody may read {', '.join(found)}; chmod o-rwx" if found else "nobody else may read their files"
    return Finding("secrets", good=not found, text=text)


def _mandant(settings: Settings, mandant_id: str) -> Iterator[Finding]:
    mandant = settings.mandanten[mandant_id]
    try:
        with connected():
            stored = catalogs.current(mandant_id)
    except StoreUnavailable:
        stored = None
    catalog = default_catalog() if stored is None else load_catalog(stored)
    yield Finding(
        f"{mandant_id} catalog", good=True, text=f"version {catalog.version}" + ("" if stored else " (shipped)")
    )
    problems = check_rules(routing_rules(mandant.routing), catalog)
    yield Finding(
        f"{mandant_id} routing", good=not problems, text="; ".join(problems) or f"{len(mandant.routing)} rules fit"
    )
    numbers = house_of(mandant_id, mandant, ZoneInfo(settings.service.timezone), catalog).notfall.notrufnummern
    hotline = "set" if numbers else "no numbers; set mandanten." + mandant_id + ".notfall.nummern.HAVARIE_HOTLINE"
    yield Finding(f"{mandant_id} emergency numbers", good=bool(numbers), text=hotline)
    if mandant.own_login is not None:
        yield _own_login(settings, mandant_id)
    yield from _immotion(settings, mandant_id)
    yield from _drift(mandant_id)


def _own_login(settings: Settings, mandant_id: str) -> Finding:
    lacking = (
        "without service.mail nobody can have a new password by mail, nor sign in by an e-mail address, and nobody is "
        "told of changes; set it"
    )
    good = "registration by letter, sign-in, reset by mail"
    mailed = settings.service.mail is not None
    return Finding(f"{mandant_id} own login", good=mailed, text=good if mailed else lacking)


def _immotion(settings: Settings, mandant_id: str) -> Iterator[Finding]:
    immotion = settings.mandanten[mandant_id].immotion
    if immotion is None:
        yield Finding(
            f"{mandant_id} immotion",
            good=False,
            text=f"no channel; Vorgänge are stored and wait; set mandanten.{mandant_id}.immotion",
        )
    elif isinstance(immotion, FileDropSettings):
        yield _folders(immotion, mandant_id)
    else:
        yield from _over_http(immotion, mandant_id)


def _folders(immotion: FileDropSettings, mandant_id: str) -> Finding:
    from service.sync.immotion.filedrop.folders import Folders  # noqa: PLC0415 - only where it is used

    wrong = "; ".join(Folders(immotion.directory).problems())
    help_text = f"{wrong}; make in, out, quittung, fehler and archiv below it, for the account of the sync worker"
    good = f"{immotion.directory} can be written"
    return Finding(f"{mandant_id} immotion", good=not wrong, text=help_text if wrong else good)


def _over_http(immotion: ImmotionSettings, mandant_id: str) -> Iterator[Finding]:
    from service.sync.immotion import checkup  # noqa: PLC0415 - urllib3 is loaded only where it is used
    from service.sync.immotion.http import health  # noqa: PLC0415 - as above

    if immotion.client_cert is not None:
        problem, text = checkup.certificate(immotion.client_cert, datetime.now(UTC))
        yield Finding(f"{mandant_id} client certificate", good=not problem, text=text)
    unwell = health(immotion)
    yield Finding(f"{mandant_id} immotion", good=unwell is None, text=unwell or f"{immotion.url} answers")
    if immotion.oauth is not None or unwell is None:
        refused = checkup.access(immotion)
        good = "immotion accepts what we show: " + checkup.shown(immotion)
        yield Finding(f"{mandant_id} immotion's access", good=refused is None, text=refused or good)


def _drift(mandant_id: str) -> Iterator[Finding]:
    """Say how immotion's catalogs, as last read, differ from ours; nothing before they were read."""
    try:
        with connected():
            mirrored = mirrors.of(mandant_id)
    except StoreUnavailable:
        return
    if mirrored is not None:
        codes = [code for sides in mirrored.drift.values() for found in sides.values() for code in found]
        differing = (
            f"differs in {', '.join(mirrored.drift)}: {', '.join(codes[:_CODES_MAX])}; change one side's catalog"
        )
        text = differing if codes else f"immotion's version {mirrored.version} has the same codes"
        yield Finding(f"{mandant_id} immotion's catalogs", good=not codes, text=text)


def _connection(settings: Settings, name: str) -> Finding:
    mandant_id, _, connection_id = name.partition("/")
    mandant = settings.mandanten.get(mandant_id)
    connection = mandant.connections.get(connection_id) if mandant else None
    if connection is None:
        known = [f"{m}/{c}" for m, house in settings.mandanten.items() for c in house.connections]
        return Finding(name, good=False, text=f"no such connection; there are: {', '.join(known)}")
    aud = f"{settings.service.public_url}/{mandant_id}"
    text = f"kind {connection.kind}, aud {aud}, origins {', '.join(connection.origins)}, {len(connection.keys)} key(s)"
    return Finding(name, good=True, text=text)


def _session_ids(name: str) -> Iterator[Finding]:
    """Tell whether the CMS gives each of its sessions an id of its own; nothing without a database."""
    mandant_id, _, connection_id = name.partition("/")
    try:
        with connected():
            accounts = cms_sessions.shared(mandant_id, connection_id)
    except StoreUnavailable:
        return
    wrong = f"{accounts} users share one sid; the CMS must give each of its sessions its own (docs/integrators.md)"
    good = "no two users share one"
    yield Finding(f"{name} sid", good=accounts <= 1, text=wrong if accounts > 1 else good)
