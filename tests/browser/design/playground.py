"""A portal without a service behind it: answers the script as the service would, and remembers what it was asked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qs, urlsplit

from service.web.headers import policy_for
from service.web.pages import FileView, Page, Site, SsoPage, Way
from tests.browser.design.preview import TEMPLATES, environment
from tests.browser.design.samples import (
    AKTIVIEREN,
    CALLS_OF_HOMES,
    FINDER,
    FORM,
    FRAMED,
    HITS,
    KONTAKT,
    KUENDIGUNG,
    MELDEN,
    OVERVIEW,
    QUITTUNG,
    SITE,
    WASSER,
)

NONCE = "kAtTOp4wVYqFmkPtbYwEGg"
POLICY = policy_for("http://localhost:*", NONCE)
HOST_PAGE = """<!doctype html><title>Host</title>
<iframe src="{portal}/sso"></iframe><script src="/host.js"></script>"""
HOST_SCRIPT = """
const frame = document.querySelector("iframe");
addEventListener("message", ({ data, origin, source }) => {
    if (data.type === "portal:nonce") source.postMessage({ type: "portal:token", token: "T-" + data.nonce }, origin);
    if (data.type === "portal:height") document.title = "height " + data.height;
});
"""


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    session: str
    fields: dict[str, str]
    files: list[str]


@dataclass
class Playground:
    """What the portal has, and what it was asked."""

    address: str = ""
    asked: list[Asked] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    may_answer: Event = field(default_factory=Event)

    def actions(self) -> list[str]:
        """Return the `aktion` of each form that arrived."""
        return [one.fields.get("aktion", "") for one in self.asked if one.method == "POST"]


def _form_page(play: Playground, fields: dict[str, str], refused: list[str]) -> Page:
    form = replace(
        FORM,
        action="/melden",
        saved_at="3. März 2026, 10:15 Uhr" if fields else "",
        files=tuple(FileView(name, name, "1 kB") for name in play.files),
        file_error=f"„{refused[0]}“ ist leer." if refused else "",
    )
    if "kontaktthema" in fields:
        return replace(KONTAKT, form=form, information=KUENDIGUNG if fields["kontaktthema"] == "B" else None)
    chosen = CALLS_OF_HOMES[1:2] if fields.get("vertrag") == "2" else CALLS_OF_HOMES[:1]
    notice = replace(WASSER, calls=chosen) if fields.get("antwort_menge") == "stark" else None
    return replace(MELDEN, form=form, notice=notice)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    play: Playground

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self._remember("GET", {}, [])
        site = FRAMED if "Portal-Session" in self.headers.get("Authorization", "") else SITE
        site = replace(
            site,
            home="/",
            origins=(self._host(),),
            navigation=(Way("Übersicht", "/"),),
            css_url="/css",
            js_url="/js",
            csp_nonce=NONCE,
        )
        suche = parse_qs(parts.query).get("suche", [""])[0]
        pages: dict[str, Page] = {
            "/": replace(OVERVIEW, search_action="/schaden", ways=(Way("Schaden melden", "/melden"),)),
            "/schaden": replace(FINDER, action="/schaden?lang=de", search=suche, hits=HITS if suche else None),
            "/melden": _form_page(self.play, {}, []),
            "/kontakt": replace(KONTAKT, form=replace(KONTAKT.form, action="/melden")),
            "/aktivieren": AKTIVIEREN,
            "/quittung": replace(QUITTUNG, pdf_url="/quittung.pdf", home_url="/"),
            "/sso": SsoPage("Anmeldung", "N", "proof", (self._host(),), "/sso", "/oben"),
        }
        if parts.path in {"/css", "/js"}:
            name, kind = {"/css": ("portal.css", "text/css"), "/js": ("portal.js", "text/javascript")}[parts.path]
            self._send((TEMPLATES / "static" / name).read_bytes(), kind)
        elif parts.path == "/host":
            html = HOST_PAGE.format(portal=self.play.address)
            self._send(html.encode(), "text/html", policy="")
        elif parts.path == "/host.js":
            self._send(HOST_SCRIPT.encode(), "text/javascript")
        elif parts.path == "/quittung.pdf":
            self._send(
                b"%PDF-", "application/pdf", {"Content-Disposition": "attachment; filename*=UTF-8''Quittung%20M.pdf"}
            )
        else:
            self._page(pages.get(parts.path, pages["/"]), site)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        head = b"Content-Type: " + self.headers["Content-Type"].encode() + b"\r\n\r\n"
        fields: dict[str, str] = {}
        files: list[tuple[str, bytes]] = []
        if self.headers["Content-Type"].startswith("multipart/"):
            for part in BytesParser().parsebytes(head + body).get_payload():
                content = part.get_payload(decode=True)
                name = part.get_param("name", header="content-disposition")
                if part.get_filename():
                    files.append((part.get_filename(), content))
                elif name != "anhaenge":
                    fields[name] = content.decode()
        else:
            fields = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self._remember("POST", fields, [name for name, _ in files])
        self.play.may_answer.wait(10)
        self._answer(fields, files)

    def _answer(self, fields: dict[str, str], files: list[tuple[str, bytes]]) -> None:
        aktion = fields.get("aktion", "")
        if self.path == "/sso":
            self._send(json.dumps({"next": "/", "session": "S-" + fields["token"]}).encode(), "application/json")
        elif aktion == "absenden":
            self._send(b"", "text/html", {"Location": "/quittung"}, status=303)
        else:
            self.play.files += [name for name, content in files if content]
            if aktion.startswith("entfernen:"):
                self.play.files.remove(aktion.partition(":")[2])
            refused = [name for name, content in files if not content]
            site = replace(SITE, css_url="/css", js_url="/js", home="/", csp_nonce=NONCE)
            self._page(_form_page(self.play, fields, refused), site)

    def _remember(self, method: str, fields: dict[str, str], files: list[str]) -> None:
        session = self.headers.get("Authorization", "").removeprefix("Portal-Session ")
        self.play.asked.append(Asked(method, self.path, session, fields, files))

    def _host(self) -> str:
        return self.play.address.replace("127.0.0.1", "localhost")

    def _page(self, page: Page, site: Site) -> None:
        template = environment("de").get_template(page.template)
        self._send(
            template.render(site=site, page=page, layout="layouts/page.html").encode(), "text/html; charset=utf-8"
        )

    def _send(
        self, body: bytes, kind: str, headers: dict[str, str] | None = None, status: int = 200, policy: str = POLICY
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        if policy:
            self.send_header("Content-Security-Policy", policy)
        self.end_headers()
        with suppress(ConnectionError):  # an upload that was cancelled waits for no answer
            self.wfile.write(body)


@contextmanager
def running() -> Iterator[Playground]:
    """Serve the playground on a free port of loopback."""
    play = Playground()
    play.may_answer.set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"play": play}))
    play.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield play
    play.may_answer.set()
    server.shutdown()
    thread.join()
    server.server_close()
