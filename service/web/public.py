"""Pages for everybody: emergency numbers, accessibility, style sheet and script; and what operators ask."""

from collections.abc import Iterator
from urllib.parse import quote

import falcon

from service.store.database import StoreUnavailable, ping
from service.store.migrate import missing
from service.vorgang.tenancy import current
from service.web.context import Reader, Room, reader_of
from service.web.errors import NotFoundHere
from service.web.notruf import calls_at, calls_elsewhere, calls_of_homes, tel_of
from service.web.pages import BarrierefreiheitPage, NotfallPage, Way
from service.web.render import write_page
from service.web.session import PUBLIC

_FOREVER = "public, max-age=31536000, immutable"


class Notfall:
    """`/{mandant}/notfall`: whom to call, by building, before any login; whoever is known, of their homes first."""

    access = PUBLIC

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Show the numbers and what to do first."""
        reader = reader_of(req)
        gebaeude, homes = reader.mandant.gebaeude, current(reader.vertraege, reader.today)
        page = NotfallPage(
            title=reader.words("Im Notfall"),
            calls=calls_of_homes(reader, homes) if homes else calls_elsewhere(reader),
            buildings=tuple(
                (settings.name or number, calls_at(reader, number))
                for number, settings in gebaeude.items()
                if settings.notfall.nummern
            ),
            rules=_rules(reader),
        )
        write_page(resp, self._room.renderer.html(page, reader.site()), page.title)


def _rules(reader: Reader) -> tuple[tuple[str, tuple[str, ...]], ...]:
    rules = reader.house.catalog.emergency_rules.values()
    urgent = [rule for rule in rules if rule.mode in {"HOTLINE_ONLY", "HOTLINE_FIRST"} and rule.steps_in(reader.lang)]
    return tuple((rule.title.text(reader.lang), tuple(rule.steps_in(reader.lang))) for rule in urgent)


class Barrierefreiheit:
    """`/{mandant}/barrierefreiheit`: the accessibility statement."""

    access = PUBLIC

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Show the statement and where to report a barrier."""
        reader = reader_of(req)
        page = BarrierefreiheitPage(title=reader.words("Barrierefreiheit"), contact=tuple(_contact(reader)))
        write_page(resp, self._room.renderer.html(page, reader.site()), page.title)


def _contact(reader: Reader) -> Iterator[Way]:
    """Yield how the company is reached: by the portal's own form for whoever is signed in, else by its site."""
    words, said = reader.words, reader.mandant.contact
    if reader.visitor is not None:
        yield Way(words("Kontakt aufnehmen"), reader.link("melden/kontakt"))
    if said.phone:
        yield Way(words("Anrufen: {number}", number=said.phone), f"tel:{tel_of(said.phone)}")
    if said.email is not None:
        yield Way(words("E-Mail an {address}", address=said.email), f"mailto:{quote(said.email, safe='@')}")
    if reader.visitor is None:
        site = next(iter(reader.mandant.connections.values())).origins[0]
        yield Way(words("Website von {name}", name=reader.mandant.name), site)


class Static:
    """`/{mandant}/static/{name}`: style sheet and scripts, named by their content and kept by browsers for good."""

    access = PUBLIC
    needs_store = False

    def __init__(self, room: Room) -> None:
        self._files = {
            (mandant, asset.path.removeprefix("static/")): asset
            for mandant, settings in room.settings.mandanten.items()
            for asset in (*room.renderer.assets(settings), room.renderer.passkey_script)
        }

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str, name: str) -> None:
        """Send the file; any site of the Mandant may use it."""
        asset = self._files.get((mandant, name))
        if asset is None:
            raise NotFoundHere
        resp.content_type = asset.content_type + "; charset=utf-8"
        packed = "gzip" in (req.get_header("Accept-Encoding") or "")
        resp.data = asset.packed if packed else asset.body
        if packed:
            resp.set_header("Content-Encoding", "gzip")
        resp.set_header("Vary", "Accept-Encoding")
        resp.set_header("Cache-Control", _FOREVER)
        resp.set_header("Access-Control-Allow-Origin", "*")
        resp.set_header("Cross-Origin-Resource-Policy", "cross-origin")


class Healthz:
    """`/healthz`: the process answers."""

    access = PUBLIC

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Say so."""
        resp.media = {"status": "ok"}


class Readyz:
    """`/readyz`: database reached, tables of this version, files writable."""

    access = PUBLIC

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer 200, or 503 with what is missing."""
        problems = self._problems()
        resp.status = falcon.HTTP_503 if problems else falcon.HTTP_200
        resp.media = {"status": "unavailable" if problems else "ok", "problems": problems}

    def _problems(self) -> list[str]:
        problems = []
        try:
            ping()
            problems += [f"migration missing: {name}" for name in missing()]
        except StoreUnavailable:
            problems.append("database does not answer")
        try:
            self._room.intake.storage.check()
        except OSError:
            problems.append("file storage is not writable")
        return problems
