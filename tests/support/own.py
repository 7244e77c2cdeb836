"""A Mandant with the portal's own login, and a browser that keeps cookies as it is told to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import falcon.testing
import pytest
import requests

from service.access.activation import Invited, Purpose, Terms, invite
from service.access.audit import Actor, Source
from service.access.facts import Fact
from service.access.hashing import Hasher
from service.store import stammdaten
from service.store.database import connected
from service.store.stammdaten import Aenderung
from tests.support.inprocess import Portal
from tests.support.portal import forms

EIGEN = "eigen"
SITE = "http://localhost:8080"
PASSWORD = "Nebel über dem Bahndamm"
BEGAN = "1.4.2019"
OWN = f"""
[mandanten.{EIGEN}]
name = "Eigenbau eG"
[mandanten.{EIGEN}.connections.portal]
kind = "own"
origins = ["{SITE}"]
[mandanten.{EIGEN}.invitation]
url = "http://localhost:8080/registrieren"
[mandanten.{EIGEN}.level2]
actions = ["dokumente"]
"""
MAIL = """
[service.mail]
host = "127.0.0.1"
port = {port}
tls = "none"
sender = "portal@eigenbau.example"
"""


def own_portal(directory: Path, *, rates: str, mail: int | None = 1, host: str = "127.0.0.1") -> Portal:
    """Return a portal behind one proxy; `mail` is the port of its mail server, None for none."""
    extra = OWN if mail is None else OWN + MAIL.format(port=mail)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MIETERPORTAL_SERVICE__TRUSTED_PROXIES", "1")
        return Portal(directory, rates=rates, extra=extra, host=host)


def known(person: str, name: str = "Zoë Müller") -> None:
    """Let immotion have told of a person with a contract."""
    vertrag = {"vertragNr": f"V-{person}", "personNr": person, "einheitNr": "", "beginn": "2019-04-01"}
    changes = [
        Aenderung("PERSON", person, {"personNr": person, "name": name}),
        Aenderung("VERTRAG", f"V-{person}", vertrag),
    ]
    stammdaten.apply_changes(EIGEN, changes, full_since=None)


def letter(portal: Portal, person: str, purpose: Purpose = Purpose.PERSON) -> str:
    """Return the code of a fresh letter for a person whom immotion has told of."""
    terms = Terms(EIGEN, purpose, Fact.VERTRAGSBEGINN, 60)
    with connected():
        known(person)
        made = invite([Invited(person)], terms, Hasher(), Source(EIGEN, Actor.OPERATOR, portal.now))
    return made[0].code.printed


@dataclass
class Browser:
    """A browser at the portal. `cookies` are those it keeps; `blocked`: none, as some do in a frame."""

    portal: Portal
    address: str = "203.0.113.7"
    in_frame: bool = False
    blocked: bool = False
    cookies: dict[str, str] = field(default_factory=dict)
    session: str = ""

    def get(self, path: str = "", **headers: str) -> falcon.testing.Result:
        return self.send("GET", path, headers=headers)

    def post(self, path: str, form: Mapping[str, str], **headers: str) -> falcon.testing.Result:
        return self.send("POST", path, form, headers=headers)

    def form(self, path: str, number: int = 0) -> dict[str, str]:
        page = self.get(path)
        assert page.status_code == 200, (page.status_code, page.headers.get("location"), page.text[:500])
        return forms(page.text)[number]

    def fill(self, path: str, **typed: str) -> falcon.testing.Result:
        """Open a page and send its first form as filled in."""
        return self.post(path.partition("?")[0], self.form(path) | typed)

    def register(self, code: str, password: str = PASSWORD, /, **typed: str) -> falcon.testing.Result:
        given = {"code": code, "angabe": BEGAN, "email": "zoe@example.org", "kennwort": password} | typed
        return self.fill("konto/registrieren", **given)

    def sign_in(self, name: str, password: str = PASSWORD) -> falcon.testing.Result:
        return self.fill("konto/anmelden", name=name, kennwort=password)

    def sign_in_again(self, name: str, password: str = PASSWORD) -> falcon.testing.Result:
        """Sign in by a form that was opened before signing in."""
        kept = dict(self.cookies)
        self.cookies = {name: value for name, value in kept.items() if name != "__Host-portal"}
        form = self.form("konto/anmelden")
        self.cookies = kept | self.cookies
        return self.post("konto/anmelden", form | {"name": name, "kennwort": password})

    def form_of_sign_out(self) -> dict[str, str]:
        """Return the field of the button that signs out."""
        page = self.get("vorgaenge").text
        return {
            "csrf_token": re.search(r'data-abmelden>\s*<input type="hidden" name="csrf_token" value="([^"]+)"', page)[1]
        }

    def send(
        self, method: str, path: str, form: Mapping[str, str] | None = None, *, headers: Mapping[str, str] | None = None
    ) -> falcon.testing.Result:
        path, _, query = path.partition("?")
        sent = requests.Request(method, "http://x/", data=form).prepare() if form is not None else None
        shown = {"X-Forwarded-For": self.address, "Sec-Fetch-Site": "same-origin"}
        shown |= {"Sec-Fetch-Dest": "iframe" if self.in_frame else "document"}
        if self.cookies:
            shown["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if self.session:
            shown["Authorization"] = f"Portal-Session {self.session}"
        if sent is not None:
            shown["Content-Type"] = sent.headers.get("Content-Type", "application/x-www-form-urlencoded")
        answer = self.portal.client.simulate_request(
            method,
            f"/{EIGEN}/{path}".rstrip("/"),
            query_string=query,
            headers=shown | dict(headers or {}),
            body=sent.body if sent else None,
        )
        if not self.blocked:
            self._keep(answer)
        return answer

    def _keep(self, answer: falcon.testing.Result) -> None:
        for name, cookie in answer.cookies.items():
            if cookie.max_age == 0:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = cookie.value


def where(answer: falcon.testing.Result) -> str:
    """Return the path, below the Mandant, that a 303 leads to."""
    assert answer.status_code == 303, (answer.status_code, errors(answer), answer.text[:1500])
    return answer.headers["location"].removeprefix(f"/{EIGEN}").lstrip("/")


def errors(page: falcon.testing.Result) -> list[str]:
    """Return the lines of the error summary."""
    return re.findall(r'<li><a href="#(?:eingabe|feld-\w+)">(.*?)</a></li>', page.text)
