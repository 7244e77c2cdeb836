"""`mieterportal demo`: the whole product with example data, in the foreground until Ctrl-C."""

import shutil
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from service.demo.children import Child, Plan, first_dead, stop_all, wait_until_ready
from service.demo.config import Place, Ports, write_settings
from service.demo.letter import DemoLetter, write_letter
from service.demo.people import DEMO_PASSWORD, MANDANT, PERSONEN, home_of
from service.demo.unplugged import STANDIN, Unplugged, how_to
from service.settings import CONFIG_VARIABLE, ImmotionSettings, Settings, load_settings

DONE, FAILED = 0, 1
_READY_S = 60.0
_LOOK_S = 0.3
_HIGHEST_BASE = 65535 - 90


class Stopped(Exception):
    """Ctrl-C, SIGTERM or SIGHUP came while something was being started."""


class PartFailed(Exception):
    """A part of the demo ended by itself, never answered, or cannot begin; the message says which."""


def _failure(child: Child) -> PartFailed:
    ended = "did not answer" if child.code is None else f"ended with {child.code}"
    return PartFailed(f"{child.plan.name} {ended}; the demo stops. Its last lines:\n{child.last_words()}")


def run(
    port_base: int | None,
    directory: Path,
    reset: bool,  # noqa: FBT001 - as the command line has it
    pause_s: float,
) -> int:
    """Run the demo until SIGINT, SIGTERM or SIGHUP; its things are under `directory`, ports count from `port_base`.

    With `reset` everything there is thrown away first. A stand-in immotion that ends is started again after `pause_s`
    seconds. Returns 0 after a stop that was asked for, 1 when a port is
    taken or a part of the demo fails.
    """
    if port_base is not None and not 0 < port_base <= _HIGHEST_BASE:
        _complain(f"DEMO_PORT_BASE must be between 1 and {_HIGHEST_BASE}")
        return FAILED
    ports, place = Ports.of(port_base), Place(directory)
    if taken := [f"{port} ({name})" for name, port in ports.named.items() if not _free(port)]:
        _complain(f"port {', '.join(taken)} is taken. Choose others with DEMO_PORT_BASE, e.g. DEMO_PORT_BASE=18000")
        return FAILED
    if reset and directory.exists():
        shutil.rmtree(directory)
    write_settings(place, ports)
    return Demo(place, ports, pause_s).run()


class Demo:
    def __init__(self, place: Place, ports: Ports, pause_s: float) -> None:
        self._place = place
        self._ports = ports
        self._settings = load_settings(place.config)
        self._environment = {CONFIG_VARIABLE: str(place.config), "PYTHONUNBUFFERED": "1"}
        self._stop = threading.Event()
        self._children: list[Child] = []
        self._unplugged = Unplugged(self._child, _say, pause_s)

    def run(self) -> int:
        """Prepare, start, wait, stop; returns the exit code."""
        before = {name: signal.signal(name, lambda *_: self._stop.set()) for name in _asking_to_stop()}
        try:
            self._prepare()
            self._start()
            _say(table(self._ports, self._place, self._letter(), how_to(self._standin())))
            self._watch()
        except Stopped:
            pass
        except PartFailed as failed:
            _complain(str(failed))
            return FAILED
        finally:
            stop_all(self._children)
            for name, handler in before.items():
                signal.signal(name, handler)
        _say("The demo has stopped; its data is kept.")
        return DONE

    def _prepare(self) -> None:
        """Make the example data, if this is the first start."""
        if self._place.filled.exists():
            return
        self._clear()
        self._migrate()
        _say("First start: making a year of example data, about half a minute …")
        fill = Plan("fill", [sys.executable, "-m", "service.demo.fill", "--ledger", str(self._place.ledger)])
        self._finish(fill)
        self._place.filled.touch()

    def _migrate(self) -> None:
        """Bring the database to this version; in this process, since a further one costs most of a second."""
        from service.store.database import StoreUnavailable, open_database  # noqa: PLC0415 - only when it is time
        from service.store.migrate import migrate  # noqa: PLC0415

        database = open_database(self._settings.service.database)
        try:
            migrate()
        except StoreUnavailable as fault:
            raise PartFailed(f"the database under {self._place.root} does not answer: {fault}") from fault
        finally:
            database.close()

    def _letter(self) -> DemoLetter:
        """Write a letter with a fresh code."""
        from service.store.database import StoreUnavailable, connected, open_database  # noqa: PLC0415 - as above

        database = open_database(self._settings.service.database)
        try:
            with connected():
                return write_letter(self._place, self._settings)
        except StoreUnavailable as fault:
            raise PartFailed(f"the database under {self._place.root} does not answer: {fault}") from fault
        finally:
            database.close()

    def _clear(self) -> None:
        """Remove what an interrupted first start has left; secrets and logs stay."""
        for name in ("portal.db", "standin.db"):
            for suffix in ("", "-wal", "-shm"):
                (self._place.root / f"{name}{suffix}").unlink(missing_ok=True)
        for name in ("files", "standin.db.files"):
            shutil.rmtree(self._place.root / name, ignore_errors=True)

    def _finish(self, plan: Plan) -> None:
        """Run a program to its end; raises PartFailed, or Stopped."""
        child = self._child(plan)
        while child.code is None:
            if self._stop.wait(0.05):
                child.stop()
                raise Stopped
        if child.code:
            raise _failure(child)

    def _start(self) -> None:
        without_database, with_database = plans(self._place, self._ports, self._settings)
        self._begin(without_database)
        self._migrate()
        self._begin(with_database)
        for child in self._children:
            if not wait_until_ready(child, _READY_S):
                raise Stopped if self._stop.is_set() else _failure(child)

    def _begin(self, begun: Sequence[Plan]) -> None:
        self._children += [self._child(plan) for plan in begun]

    def _child(self, plan: Plan) -> Child:
        return Child(plan, self._place.log, self._environment)

    def _standin(self) -> Child:
        return next(child for child in self._children if child.plan.name == STANDIN)

    def _watch(self) -> None:
        """Wait for the end; of all parts only the stand-in may end before."""
        while not self._stop.wait(_LOOK_S):
            dead = first_dead(self._children)
            if dead is not None:
                if dead.plan.name != STANDIN:
                    raise _failure(dead)
                self._children.remove(dead)
                self._unplugged.ended(dead)
            elif (back := self._unplugged.back()) is not None:
                self._children.insert(0, back)


def plans(place: Place, ports: Ports, settings: Settings) -> tuple[list[Plan], list[Plan]]:
    """Return what runs: first what needs no database of the portal's, then what does."""
    site = [sys.executable, "-m", "service.demo.site", "--secret-file", str(place.site_secret)]
    immotion = settings.mandanten[MANDANT].immotion
    over_http = immotion if isinstance(immotion, ImmotionSettings) else None
    token = ["--token", over_http.token] if over_http else []
    hook = f"http://127.0.0.1:{ports.portal}/hooks/immotion/{MANDANT}"
    webhook = (
        ["--webhook", hook, "--webhook-secret", immotion.webhook_secrets[0]]
        if isinstance(immotion, ImmotionSettings)
        else []
    )
    mailbox = [sys.executable, "-m", "service.demo.mailbox", "--port", str(ports.mail), "--folder", str(place.mail)]
    standin = ["standin", "--port", str(ports.standin), "--ledger", str(place.ledger), *token, *webhook]
    return [
        Plan(STANDIN, _cli(*standin), f"http://127.0.0.1:{ports.standin}/gesundheit"),
        Plan("site", site, f"http://127.0.0.1:{ports.site}/gesundheit"),
        Plan("mail", mailbox),
    ], [
        Plan("portal", _cli("serve"), f"http://127.0.0.1:{ports.portal}/readyz"),
        Plan("sync", _cli("sync", "run")),
    ]


def table(ports: Ports, place: Place, letter: DemoLetter, plug: str) -> str:
    """Return addresses and logins, as the demo prints them; `plug` says how to end the stand-in."""
    addresses = (
        ("Company site (begin here)", ports.site, ""),
        ("Stand-in immotion, for clerks", ports.standin, ""),
        ("Portal by itself", ports.portal, "/musterbau/notfall"),
    )
    width = max(len(person.login) for person in PERSONEN) + 2
    names = max(len(person.name) for person in PERSONEN) + 2
    lines = [f"  {label:<31} http://127.0.0.1:{port}{path}" for label, port, path in addresses]
    lines.append(f"  {'Mails to residents, as files in':<31} {place.mail}")
    people = [f"  {p.login:<{width}} {p.name:<{names}} {home_of(p)}" for p in PERSONEN]
    head = f"  {'login':<{width}} {'name':<{names}} home"
    rule = "  " + "-" * 76
    end = f"Password of all at the site: {DEMO_PASSWORD}. Stop with Ctrl-C."
    said = (*_letter_said(place, letter), "", *_own_login_said(ports, letter))
    return "\n".join(["", "The demo is running.", "", *lines, "", head, rule, *people, rule, *said, "", plug, end])


def _letter_said(place: Place, letter: DemoLetter) -> Sequence[str]:
    return (
        f"A letter with a code, for {letter.helped.name}, is in {place.letter}. To act for her too, sign in as",
        f"{letter.helper.login} and enter under “Mein Konto”:  {letter.code}  and  {letter.began}",
    )


def _own_login_said(ports: Ports, letter: DemoLetter) -> Sequence[str]:
    who, code, began = letter.newcomer, letter.newcomers_code, letter.newcomers_began
    return (
        f"Without a user account at the site: http://127.0.0.1:{ports.site}/mieterportal-ohne-konto. Register there as",
        f"{who.name} with  {code}  and  {began}  and a password of your own. From then on,",
        f"Kundennummer {who.nr} signs in, or the e-mail address once the link in the mail was opened.",
    )


def _cli(*arguments: str) -> Sequence[str]:
    return [sys.executable, "-m", "service.cli", *arguments]


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _asking_to_stop() -> Sequence[signal.Signals]:
    """Return what asks to stop; a terminal that closes (SIGHUP) does, unless nohup has it ignored."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return (signal.SIGINT, signal.SIGTERM, *(() if ignored else (signal.SIGHUP,)))


def _say(text: str) -> None:
    with suppress(OSError):  # the terminal has closed
        click.echo(text)


def _complain(text: str) -> None:
    with suppress(OSError):
        click.echo(f"demo: {text}", err=True)
