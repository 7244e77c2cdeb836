"""The portal in this process, with a clock that stands until it is moved, and residents who come in three ways."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from uuid import UUID, uuid4

import falcon.testing
import pyotp
import requests

from cms_adapters import tokens
from service.app import create_app
from service.files.intake import take_in
from service.files.refusal import Limits
from service.files.storage import Folder
from service.settings import load_settings
from service.store.database import connected, database
from service.store.migrate import migrate
from service.store.models import AnhangRow
from tests.support.portal import KEY, MANDANT, Installation, forms

ORIGIN = "http://127.0.0.1:8080"
BASE = f"{ORIGIN}/mieterportal"
EMBEDDINGS = ("fragment", "cookie", "header")
Files = Mapping[str, tuple[str, bytes]]


@dataclass
class Portal:
    """One portal; `now` is the time it goes by, and the CMS too. `more` are further settings of its `Installation`."""

    directory: Path
    level2: str = 'actions = ["dokumente", "nachrichten", "kontaktdaten"]'
    rates: str = ""
    host: str = "127.0.0.1"
    more: Mapping[str, str] = field(default_factory=dict)
    extra: str = ""
    now: datetime = field(default_factory=lambda: datetime(2026, 11, 23, 12, 0, 1, tzinfo=UTC))

    def __post_init__(self) -> None:
        limits = {"rates": self.rates} if self.rates else {}
        self.installation = Installation(
            self.directory,
            host=self.host,
            level2=self.level2,
            **{"extra": self.extra, **limits, **self.more},
        )
        self.settings = load_settings(self.installation.config)
        self.client = falcon.testing.TestClient(create_app(self.settings, clock=lambda: self.now))
        migrate()

    def close(self) -> None:
        database.obj.close_all()

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)

    def visitor(self, embedding: str = "fragment", **whom: str | None) -> "Visitor":
        visitor = Visitor(self, **({"sub": f"fe_users:{uuid4()}"} | whom))
        if embedding == "cookie":
            visitor.sign_in_by_button()
        elif embedding == "header":
            visitor.sign_in_by_frame()
        return visitor

    def document(self, vorgang_id: str, content: bytes) -> str:
        """Let immotion have provided a document for a Vorgang; returns the path of its download."""
        storage = Folder(self.settings.service.files)
        stored = take_in(BytesIO(content), "Brief.pdf", storage=storage, limits=Limits(), taken_files=0, taken_bytes=0)
        with connected():
            AnhangRow.insert(
                id=stored.id,
                mandant=MANDANT,
                vorgang_id=UUID(vorgang_id),
                dokument_id="D1",
                dateiname="Brief.pdf",
                mime="application/pdf",
                bytes=stored.bytes,
                sha256=stored.sha256,
                position=0,
                created_at=self.now,
                stored_at=self.now,
            ).execute()
        return f"vorgaenge/{vorgang_id}/anhaenge/{stored.id}"


@dataclass
class Visitor:
    """Somebody whose CMS asks for fragments, until they have signed in with a browser."""

    portal: Portal
    sub: str
    sid: str = "session-1"
    mandant: str = MANDANT
    key: str = KEY
    session: dict[str, str] = field(default_factory=dict)
    secret: str = ""
    person: str | None = ""
    email: str = ""
    name: str = "Zoë Müller"

    def token(self, typ: str = "fragment", **changes: object) -> str:
        now = int(self.portal.now.timestamp())
        aud = f"{self.portal.installation.url}/{self.mandant}"
        claimed = {} if self.person is None else {"person": self.person or f"P-{self.sub}"}
        given = {"name": self.name} | ({"email": self.email} if self.email else {}) | claimed | changes
        return tokens.issue(
            tokens.new_claims(typ=typ, iss="website", aud=aud, sub=self.sub, sid=self.sid, now=now, **given),
            self.key,
            issued=now,
        )

    def sign_in_by_button(self) -> None:
        answer = self.send(
            "POST", "sso/website", {"token": self.token("login")}, headers={"Origin": ORIGIN}, signed=False
        )
        assert answer.status_code == 303, answer.text
        self.session = {"Cookie": f"__Host-portal={answer.cookies['__Host-portal'].value}"}

    def sign_in_by_frame(self) -> None:
        entry = self.send("GET", "sso/website", signed=False).text
        nonce = re.search(r'data-nonce="([^"]+)"', entry).group(1)
        proof = re.search(r'data-proof="([^"]+)"', entry).group(1)
        form = {"token": self.token("login", nonce=nonce), "nonce": nonce, "nonce_proof": proof}
        answer = self.send("POST", "sso/website", form, headers={"Accept": "application/json"}, signed=False)
        self.session = {"Authorization": f"Portal-Session {answer.json['session']}"}

    def get(self, path: str = "") -> falcon.testing.Result:
        return self.send("GET", path)

    def post(self, path: str, form: Mapping[str, str], files: Files | None = None) -> falcon.testing.Result:
        return self.send("POST", path, form, files)

    def form(self, path: str, number: int = 0) -> dict[str, str]:
        """Return the hidden fields of a form on a page."""
        page = self.get(path)
        assert page.status_code == 200, (page.status_code, page.headers.get("location"), page.text[:500])
        return forms(page.text)[number]

    def send(
        self,
        method: str,
        path: str,
        form: Mapping[str, str] | None = None,
        files: Files | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        signed: bool = True,
        json: object = None,
    ) -> falcon.testing.Result:
        path, _, query = path.partition("?")
        asked = requests.Request(method, "http://x/", data=form, files=files, json=json)
        sent = asked.prepare() if form is not None or json is not None else None
        kind = {"Content-Type": sent.headers.get("Content-Type", "application/x-www-form-urlencoded")} if sent else {}
        return self.portal.client.simulate_request(
            method,
            f"/{self.mandant}/{path}".rstrip("/"),
            query_string=query,
            headers=kind | (self._signed() if signed else {}) | dict(headers or {}),
            body=sent.body if sent else None,
        )

    def _signed(self) -> dict[str, str]:
        if self.session:
            return self.session
        return {"Authorization": f"Portal website:{self.token()}", "Portal-Base-Url": BASE}

    def where(self, answer: falcon.testing.Result) -> str:
        """Return the path, below the Mandant, that a 303 leads this visitor to."""
        assert answer.status_code == 303, (answer.status_code, answer.text[:2000])
        base = f"/{self.mandant}" if self.session else BASE
        location = answer.headers["location"]
        assert location.startswith(base), location
        return location.removeprefix(base).lstrip("/")

    def follow(self, answer: falcon.testing.Result) -> falcon.testing.Result:
        return self.get(self.where(answer))

    # What a second factor needs

    def code(self, steps: int = 0) -> str:
        """Return what the app shows, or will show so many steps later."""
        return pyotp.TOTP(self.secret).at(self.portal.now + timedelta(seconds=30 * steps))

    def begin(self, weiter: str = "") -> str:
        """Begin to set up an app and return its secret."""
        form = self.form("konto/sicherheit/app" + (f"?weiter={weiter}" if weiter else ""))
        page = self.follow(self.post("konto/sicherheit/app", form | {"aktion": "beginnen"}))
        return secret_in(page.text)

    def set_up(self) -> list[str]:
        """Set up an app, which raises this session; returns the recovery codes."""
        self.secret = self.begin()
        form = self.form("konto/sicherheit/app")
        page = self.post("konto/sicherheit/app", form | {"aktion": "bestaetigen", "code": self.code()})
        assert page.status_code == 200, page.text[:2000]
        self.portal.later(seconds=30)  # so that the app shows an unused code
        return codes_on(page)

    def step_up(self, code: str, weiter: str = "") -> falcon.testing.Result:
        path = "bestaetigen" + (f"?weiter={weiter}" if weiter else "")
        return self.post("bestaetigen", self.form(path) | {"code": code})

    def file_kontakt(self) -> str:
        """File a question and return the Vorgang's id."""
        form = self.form("melden/kontakt") | {"kontaktthema": "ALLGEMEIN", "beschreibung": "Frage"}
        return re.search(r"vorgaenge/([0-9a-f-]{36})", self.where(self.post("melden/kontakt", form))).group(1)


def secret_in(html: str) -> str:
    """Return the key that a page shows to be typed into an app."""
    return re.search(r'<p class="mp-key"><code[^>]*>([A-Z2-7 ]+)</code>', html).group(1).replace(" ", "")


def codes_in(html: str) -> list[str]:
    """Return the recovery codes on a page."""
    return re.findall(r"<li><code>([0-9]-[0-9A-Z]{4}-[0-9A-Z]{4})</code>", html)


def codes_on(page: falcon.testing.Result) -> list[str]:
    """Return the recovery codes of an answer."""
    return codes_in(page.text)


def errors_on(page: falcon.testing.Result) -> str:
    """Return what the page says is wrong."""
    return " ".join(re.findall(r'<p class="mp-error"[^>]*>.*?</span>(.*?)</p>', page.text))
