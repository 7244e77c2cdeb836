"""Signing in and out at the company's site."""

import sys
from urllib.parse import urlencode, urlsplit

import falcon

from service.demo.passthrough import PortalUnreachable, Question, ask
from service.demo.people import CONNECTION, authenticate
from service.demo.site_desk import Desk, ShortBody, read_form
from service.demo.site_login import COOKIE, LIFETIME_S, Login


class Anmelden:
    """`/anmelden`: the site's own login."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Show the form."""
        self._show(resp, weiter=_local(req.get_param("weiter", default="")), login="", refused=False)

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Check name and password, set the cookie, go on to where somebody wanted to go."""
        form = read_form(req)
        weiter = _local(form.get("weiter", ""))
        person = authenticate(form.get("benutzer", ""), form.get("kennwort", ""))
        if person is None:
            resp.status = falcon.HTTP_422
            self._show(resp, weiter=weiter, login=form.get("benutzer", ""), refused=True)
            return
        cookie = self._desk.logins.start(person)
        resp.set_cookie(
            COOKIE, cookie, path="/", secure=False, http_only=True, same_site="Lax", max_age=LIFETIME_S
        )  # without Secure: the site is on loopback, by http
        raise falcon.HTTPSeeOther(weiter)

    def _show(self, resp: falcon.Response, *, weiter: str, login: str, refused: bool) -> None:
        title = "Anmelden"
        self._desk.pages.show(resp, "anmelden", title=title, reader=None, weiter=weiter, login=login, refused=refused)
        resp.set_header("Cache-Control", "no-store")


class Abmelden:
    """`/abmelden`: ends the session here, and by the back channel in the portal too."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Forget the cookie; a portal that is down does not keep anybody signed in here."""
        login = self._desk.reader(req)
        if login is not None:
            self._tell_portal(login)
        resp.unset_cookie(COOKIE, path="/", same_site="Lax")
        raise falcon.HTTPSeeOther("/")

    def _tell_portal(self, login: Login) -> None:
        aud = urlsplit(self._desk.settings.aud)
        body = urlencode({"token": self._desk.token(login, "logout")}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        question = Question("POST", f"{aud.path}/sso/{CONNECTION}/logout", headers, ShortBody(body), len(body))
        try:
            ask(self._desk.settings.aud, question).close()
        except PortalUnreachable:
            sys.stderr.write("abmelden: the portal could not be told\n")


def _local(target: str) -> str:
    """Return a path of this site; nobody is led to another one."""
    parts = urlsplit(target)
    local = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return target if local else "/mieterportal"
