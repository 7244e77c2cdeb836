"""The pages of the company's site, rendered; and the headers that each of them carries."""

from dataclasses import dataclass
from pathlib import Path

import falcon
from jinja2 import Environment, FileSystemLoader, StrictUndefined

import cms_adapters
from service.demo.people import COMPANY, DEMO_PASSWORD, HOTLINE, OFFICE, PERSONEN, Person, home_of

HERE = Path(__file__).parent
SNIPPETS = Path(cms_adapters.__file__).parent / "snippets"
NAVIGATION = (
    ("/", "Start"),
    ("/mieterportal", "Mieterportal"),
    ("/genossenschaft", "Genossenschaft"),
    ("/kontakt", "Kontakt"),
)
WAYS = (
    ("/mieterportal", "In dieser Seite"),
    ("/mieterportal-iframe", "Im Rahmen"),
    ("/mieterportal-knopf", "In eigenem Fenster"),
    ("/mieterportal-ohne-konto", "Ohne Benutzerkonto"),
)


@dataclass(frozen=True, slots=True)
class Phone:
    text: str

    @property
    def url(self) -> str:
        """The number as a link."""
        return "tel:" + self.text.replace(" ", "")


class SitePages:
    """Renders the site; `portal` is the origin whose style, script and pictures a fragment needs."""

    def __init__(self, portal: str) -> None:
        self._portal = portal
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals |= {
            "company": COMPANY,
            "navigation": NAVIGATION,
            "ways": WAYS,
            "hotline": Phone(HOTLINE),
            "office": Phone(OFFICE),
            "people": [(person, home_of(person)) for person in PERSONEN],
            "password": DEMO_PASSWORD,
        }

    def show(
        self, resp: falcon.Response, name: str, *, title: str, reader: Person | None, here: str = "", **values: object
    ) -> None:
        """Put a page into an answer; pages of somebody signed in stay out of caches."""
        template = self._environment.get_template(f"{name}.html")
        resp.content_type = "text/html; charset=utf-8"
        resp.text = template.render(title=title, reader=reader, here=here, **values)
        resp.set_header("Content-Security-Policy", self._policy())
        if reader is not None or here.startswith("/mieterportal"):
            resp.set_header("Cache-Control", "no-store")

    def _policy(self) -> str:
        portal = self._portal
        return (
            f"default-src 'none'; style-src 'self' {portal}; script-src 'self' {portal}; "
            f"img-src 'self' data: blob: {portal}; connect-src 'self'; frame-src {portal}; "
            f"form-action 'self' {portal}; base-uri 'none'; frame-ancestors 'none'"
        )


class Files:
    """`/dateien/{name}`: style sheet, drawing and scripts of the site."""

    def __init__(self) -> None:
        self._files = {
            "site.css": ("text/css", HERE / "static" / "site.css"),
            "haeuser.svg": ("image/svg+xml", HERE / "static" / "haeuser.svg"),
            "zeichen.svg": ("image/svg+xml", HERE / "static" / "zeichen.svg"),
            "start.js": ("text/javascript", HERE / "static" / "start.js"),
            "mieter-portal.js": ("text/javascript", SNIPPETS / "iframe.js"),
        }

    def on_get(self, _req: falcon.Request, resp: falcon.Response, name: str) -> None:
        """Send the file."""
        if name not in self._files:
            raise falcon.HTTPNotFound
        mime, path = self._files[name]
        resp.content_type = f"{mime}; charset=utf-8"
        resp.data = path.read_bytes()
        resp.set_header("Cache-Control", "no-cache")
