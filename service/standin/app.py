"""The stand-in on one screen: every route, every middleware, every error handler."""

from pathlib import Path

import falcon

from service.standin import api_access, api_feed, api_vorgaenge, clerk, testside
from service.standin.faults import FaultSwitch
from service.standin.guard import Bearer, CountCalls, Inquiries, RequestId, SameOrigin, Spoil
from service.standin.ledger import Ledger
from service.standin.pages import FehlerPage, Renderer
from service.standin.problems import internal_error, serialize

App = falcon.App[falcon.Request, falcon.Response]


def create_app(ledger: Path, *, token: str | None = None) -> App:
    """Open or create the ledger and return the stand-in; with `token`, callers of the interface must show it."""
    return app_for(Ledger(ledger), token)


def app_for(ledger: Ledger, token: str | None, switch: FaultSwitch | None = None) -> App:
    """Return the stand-in over an open ledger; `switch` is what /_standin/faults sets."""
    switch = switch or FaultSwitch()
    inquiries = Inquiries(ledger)
    app: App = falcon.App(
        middleware=[
            RequestId(ledger),
            SameOrigin(),
            CountCalls(ledger),
            inquiries,
            Spoil(ledger, switch),
            Bearer(ledger, token),
        ]
    )
    _add_interface(app, ledger, switch, token)
    _add_testside(app, ledger, switch)
    app.add_route("/_standin/zaehler", testside.Counts(switch, inquiries))
    desk = clerk.Desk(ledger, Renderer())
    _add_clerk_pages(app, desk)
    app.add_error_handler(Exception, internal_error)
    return app


def _add_interface(app: App, ledger: Ledger, switch: FaultSwitch, token: str | None) -> None:
    app.add_route("/anhaenge/{anhang_id}", api_vorgaenge.Anhang(ledger))
    app.add_route("/vorgaenge/{vorgang}", api_vorgaenge.VorgangResource(ledger, switch))
    app.add_route("/vorgaenge/{vorgang}/aktivitaeten/{aktivitaet_id}", api_vorgaenge.Aktivitaet(ledger))
    app.add_route("/ereignisse", api_feed.Ereignisse(ledger))
    app.add_route("/stammdaten/aenderungen", api_feed.Stammdaten(ledger))
    app.add_route("/kataloge", api_feed.Kataloge(ledger))
    app.add_route("/dokumente/{dokument_id}/inhalt", api_feed.DokumentInhalt(ledger))
    app.add_route("/dokumente/{dokument_id}/quittung", api_feed.DokumentQuittung(ledger))
    app.add_route("/gesundheit", api_access.Gesundheit(ledger))
    app.add_route("/oauth2/token", api_access.OAuthToken(ledger, token, switch))


def _add_testside(app: App, ledger: Ledger, switch: FaultSwitch) -> None:
    app.add_route("/_standin/ledger", testside.LedgerView(ledger))
    app.add_route("/_standin/faults", testside.FaultsSetting(switch))
    app.add_route("/_standin/ereignisse", testside.EreignisseByHand(ledger))
    app.add_route("/_standin/stammdaten", testside.StammdatenByHand(ledger))
    app.add_route("/_standin/kataloge", testside.KatalogeByHand(ledger))
    app.add_route("/_standin/dokumente/{dokument_id}", testside.DokumentByHand(ledger))
    app.add_route("/_standin/batch", testside.Batch(ledger))
    app.add_route("/_standin/reset", testside.Reset(ledger, switch))


def _add_clerk_pages(app: App, desk: clerk.Desk) -> None:
    app.add_route("/", clerk.Liste(desk))
    app.add_route("/neu", clerk.Neu(desk))
    app.add_route("/vorgang/{key}", clerk.VorgangSeite(desk))
    app.add_route("/vorgang/{key}/{handlung}", clerk.Handlung(desk))
    app.add_route("/vorgang/{key}/anhang/{anhang_id}", clerk.AnhangInhalt(desk))
    app.add_route("/dokument/{dokument_id}", clerk.DokumentDatei(desk))
    app.add_route("/standin.css", clerk.Stylesheet())

    def answer_error(req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError) -> None:
        if "text/html" in req.accept:
            desk.show(resp, FehlerPage(error.title or "Fehler", error.description or ""), str(error.status))
        else:
            serialize(req, resp, error)

    app.set_error_serializer(answer_error)
