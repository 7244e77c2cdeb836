"""The portal in three ways: inside a page of the site, in a frame, behind a button."""

from urllib.parse import quote, unquote, urlencode, urlsplit

import falcon

from service.demo.passthrough import Answer, PortalUnreachable, Question, ask, drain, forwarded
from service.demo.people import CONNECTION
from service.demo.site_desk import SAFE, Desk, read_form
from service.demo.site_login import Login

_NONCE_MAX = 200


class Fragment:
    """`/mieterportal/…`: a page of the portal inside a page of the site, asked for server to server."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def on_get(self, req: falcon.Request, resp: falcon.Response, rest: str = "") -> None:
        """Show a page of the portal, or hand a file through."""
        self._pass(req, resp)

    def on_head(self, req: falcon.Request, resp: falcon.Response, rest: str = "") -> None:
        """Say what a GET would."""
        self._pass(req, resp)

    def on_post(self, req: falcon.Request, resp: falcon.Response, rest: str = "") -> None:
        """Hand a form with its files on."""
        self._pass(req, resp)

    def _pass(self, req: falcon.Request, resp: falcon.Response) -> None:
        login = self._desk.reader(req)
        if login is None and req.method in SAFE:
            raise self._desk.to_login(req)
        question = self._question(req, login)
        try:
            answer = ask(self._desk.settings.aud, question)
            if login is None:
                self._say_what_was_kept(req, resp, answer)
            elif answer.is_refusal:
                answer.close()
                self._apologise(resp, login)
            elif req.method == "HEAD":
                _hand_head_through(resp, answer)
            elif answer.is_fragment:
                self._embed(resp, answer, login)
            else:
                _hand_through(resp, answer)
        except PortalUnreachable:
            if question.body is not None:
                drain(question.body)
            self._apologise(resp, login)

    def _question(self, req: falcon.Request, login: Login | None) -> Question:
        """Return what the portal is asked: without a token when a form comes from somebody signed in no more."""
        below = req.path.removeprefix("/mieterportal").rstrip("/")
        target = urlsplit(self._desk.settings.aud).path + quote(below, safe="/~") + _query(req)
        headers = forwarded(req.headers) | {"Portal-Base-Url": f"{self._desk.settings.url}/mieterportal"}
        if login is not None:
            headers["Authorization"] = f"Portal {CONNECTION}:{self._desk.token(login, 'fragment')}"
        if req.method in SAFE:
            return Question(req.method, target, headers)
        chunked = req.content_length is None and req.get_header("Transfer-Encoding") is not None
        length = None if chunked else req.content_length or 0
        return Question(req.method, target, headers, req.stream if chunked else req.bounded_stream, length)

    def _embed(self, resp: falcon.Response, answer: Answer, login: Login) -> None:
        html = answer.fragment()
        resp.status = answer.status
        title = unquote(answer.title) or "Mieterportal"
        self._desk.pages.show(resp, "fragment", title=title, reader=login.person, here="/mieterportal", fragment=html)

    def _say_what_was_kept(self, req: falcon.Request, resp: falcon.Response, answer: Answer) -> None:
        """Say whether the portal has put a form aside, and lead back to it by way of the login."""
        answer.close()
        if answer.is_fault:
            self._apologise(resp, None)
            return
        back = req.path if answer.kept_input else "/mieterportal"
        resp.status = falcon.HTTP_401
        self._desk.pages.show(
            resp,
            "gesichert",
            title="Sie sind nicht mehr angemeldet",
            reader=None,
            here="/mieterportal",
            kept=answer.kept_input,
            weiter=urlencode({"weiter": back}),
        )

    def _apologise(self, resp: falcon.Response, login: Login | None) -> None:
        resp.status = falcon.HTTP_502
        title = "Das Mieterportal antwortet gerade nicht"
        reader = login.person if login else None
        self._desk.pages.show(resp, "stoerung", title=title, reader=reader, here="/mieterportal")


class Rahmen:
    """`/mieterportal-iframe`: the portal in a frame, by the custom element that integrators paste."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Show the page with the frame."""
        login = self._desk.reader(req)
        if login is None:
            raise self._desk.to_login(req)
        sso = f"{self._desk.settings.aud}/sso/{CONNECTION}"
        self._desk.pages.show(
            resp, "rahmen", title="Mieterportal", reader=login.person, here="/mieterportal-iframe", sso=sso
        )


class PortalToken:
    """`/portal-token`: signs who is logged in, for the frame that asks with its nonce."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer {"token": …}; 401 when nobody is signed in, 400 without a nonce."""
        login = self._desk.reader(req)
        if login is None:
            raise falcon.HTTPUnauthorized(title="Bitte melden Sie sich an")
        nonce = read_form(req).get("nonce", "")
        if not nonce or len(nonce) > _NONCE_MAX:
            raise falcon.HTTPBadRequest(title="nonce fehlt")
        resp.set_header("Cache-Control", "no-store")
        resp.media = {"token": self._desk.token(login, "login", nonce)}


class Knopf:
    """`/mieterportal-knopf`: a button that opens the portal at top level."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Show the button."""
        login = self._desk.reader(req)
        if login is None:
            raise self._desk.to_login(req)
        self._desk.pages.show(resp, "knopf", title="Mieterportal", reader=login.person, here="/mieterportal-knopf")


class OhneKonto:
    """`/mieterportal-ohne-konto`: the portal's own login in a frame, as on a site that has no user accounts."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Show the page to everybody."""
        login = self._desk.reader(req)
        self._desk.pages.show(
            resp,
            "ohne_konto",
            title="Mieterportal ohne Benutzerkonto",
            reader=login.person if login else None,
            here="/mieterportal-ohne-konto",
            login=f"{self._desk.settings.aud}/konto/anmelden",
        )


class PortalStart:
    """`/portal-start`: signs at the moment of the click, since a token lasts a minute, and posts on to the portal."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Show a form that sends itself, or by its button where scripts are off."""
        login = self._desk.reader(req)
        if login is None:
            raise self._desk.to_login(req)
        self._desk.pages.show(
            resp,
            "weiter",
            title="Weiter zum Mieterportal",
            reader=login.person,
            here="/mieterportal-knopf",
            sso=f"{self._desk.settings.aud}/sso/{CONNECTION}",
            token=self._desk.token(login, "login"),
        )


def _hand_head_through(resp: falcon.Response, answer: Answer) -> None:
    resp.status = answer.status
    for name, value in answer.headers.items():
        resp.set_header(name, value)
    if answer.stated_length is not None and not answer.is_fragment:
        resp.set_header("Content-Length", answer.stated_length)
    answer.close()


def _hand_through(resp: falcon.Response, answer: Answer) -> None:
    resp.status = answer.status
    for name, value in answer.headers.items():
        resp.set_header(name, value)
    if answer.length is None:
        resp.stream = answer
    else:
        resp.set_stream(answer, answer.length)


def _query(req: falcon.Request) -> str:
    return f"?{req.query_string}" if req.query_string else ""
