"""The company's web site of the demo, which plays the CMS: its own login, and the portal in three ways."""

import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import click
import falcon
from gunicorn.app.base import BaseApplication

from service.demo.people import CONNECTION, MANDANT
from service.demo.site_account import Abmelden, Anmelden
from service.demo.site_desk import SAFE, Desk
from service.demo.site_login import Logins, SiteSettings
from service.demo.site_pages import Files, SitePages
from service.demo.site_portal import Fragment, Knopf, OhneKonto, PortalStart, PortalToken, Rahmen
from service.settings import load_settings

App = falcon.App[falcon.Request, falcon.Response]


def create_site(settings: SiteSettings, *, clock: Callable[[], float] = time.time) -> App:
    """Put the site together."""
    portal = urlsplit(settings.aud)
    pages = SitePages(f"{portal.scheme}://{portal.netloc}")
    desk = Desk(settings, Logins(settings), pages, clock)
    app: App = falcon.App(middleware=[SameOrigin(settings.url), Headers()])
    app.req_options.auto_parse_form_urlencoded = False
    app.add_route("/", Plain(desk, "start", "Gut wohnen in Auenfurt"))
    app.add_route("/genossenschaft", Plain(desk, "genossenschaft", "Unsere Genossenschaft"))
    app.add_route("/kontakt", Plain(desk, "kontakt", "Kontakt und Notdienst"))
    app.add_route("/anmelden", Anmelden(desk))
    app.add_route("/abmelden", Abmelden(desk))
    app.add_route("/mieterportal", Fragment(desk))
    app.add_route("/mieterportal/{rest:path}", Fragment(desk))
    app.add_route("/mieterportal-iframe", Rahmen(desk))
    app.add_route("/portal-token", PortalToken(desk))
    app.add_route("/mieterportal-knopf", Knopf(desk))
    app.add_route("/mieterportal-ohne-konto", OhneKonto(desk))
    app.add_route("/portal-start", PortalStart(desk))
    app.add_route("/dateien/{name}", Files())
    app.add_route("/gesundheit", Gesundheit())

    def not_found(req: falcon.Request, resp: falcon.Response, _error: falcon.HTTPNotFound, _params: object) -> None:
        login = desk.reader(req)
        resp.status = falcon.HTTP_404
        pages.show(resp, "nicht_gefunden", title="Seite nicht gefunden", reader=login.person if login else None)

    app.add_error_handler(falcon.HTTPNotFound, not_found)
    return app


class SameOrigin:
    """Keeps browsers at the site's one address, and refuses every change that another web site's page asks for."""

    def __init__(self, url: str) -> None:
        self._origin = url

    def process_request(self, req: falcon.Request, _resp: falcon.Response) -> None:
        """Look at where a request goes, and at what browsers say of where it comes from."""
        if req.method in SAFE:
            if req.prefix != self._origin:  # localhost: its cookies would be others than those of 127.0.0.1
                raise falcon.HTTPTemporaryRedirect(self._origin + req.relative_uri)
            return
        site = req.get_header("Sec-Fetch-Site")
        origin = req.get_header("Origin")
        if site not in {None, "same-origin", "none"} or origin not in {None, self._origin}:
            raise falcon.HTTPForbidden(title="Diese Anfrage kam von einer anderen Website")


class Headers:
    """What every answer carries."""

    def process_response(
        self,
        _req: falcon.Request,
        resp: falcon.Response,
        _resource: object,
        _succeeded: bool,  # noqa: FBT001 - falcon's signature
    ) -> None:
        """Add the headers, and a policy where a page has not set its own."""
        resp.set_header("X-Content-Type-Options", "nosniff")
        # "same-origin" would make browsers say "Origin: null" to the portal, and the button's login would be refused.
        resp.set_header("Referrer-Policy", "strict-origin")
        if resp.get_header("Content-Security-Policy") is None:
            resp.set_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")


class Plain:
    """A page for everybody."""

    def __init__(self, desk: Desk, name: str, title: str) -> None:
        self._desk = desk
        self._name = name
        self._title = title

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Show it."""
        login = self._desk.reader(req)
        reader = login.person if login else None
        self._desk.pages.show(resp, self._name, title=self._title, reader=reader, here=req.path)


class Gesundheit:
    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Say that the site answers."""
        resp.media = {"status": "ok"}


class Server(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    """gunicorn without command line and settings files."""

    def __init__(self, address: str, app: App) -> None:
        self._address = address
        self._app = app
        super().__init__()

    def load_config(self) -> None:
        """Use threads: the site waits for the portal most of the time."""
        settings = {
            "bind": self._address,
            "worker_class": "gthread",
            "threads": 32,
            "timeout": 120,
            "graceful_timeout": 5,
            "loglevel": "warning",
            "control_socket_disable": True,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> App:
        """Return the site."""
        return self._app


@click.command()
@click.option("--secret-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
def main(secret_file: Path) -> None:
    """Serve the site at the first origin of the demo's connection, until SIGTERM."""
    settings = load_settings()
    connection = settings.mandanten[MANDANT].connections[CONNECTION]
    site = SiteSettings(
        url=connection.origins[0],
        aud=f"{settings.service.public_url}/{MANDANT}",
        key=connection.keys[-1],
        cookie_secret=secret_file.read_text(encoding="utf-8").strip(),
    )
    Server(urlsplit(site.url).netloc, create_site(site)).run()


if __name__ == "__main__":
    main()
