"""Pages for clerks: list, one Vorgang with all that can be done, files, a Vorgang born here."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import falcon

from service.standin import facts, feed, filing, labels, vorgaenge
from service.standin.acts import ACTS, born_here
from service.standin.dokumente import keep_dokument
from service.standin.facts import Datei
from service.standin.forms import Form, FormRefused, read_form
from service.standin.ledger import Ledger
from service.standin.pages import HERE, Line, ListPage, NeuPage, Page, Renderer, VorgangPage
from service.standin.vorgaenge import NewVorgang, Vorgang
from service.standin.words import stamp

PER_PAGE = 50
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_SHOWN_INLINE = frozenset({"image/jpeg", "image/png", "image/webp", "application/pdf", "video/mp4", "video/quicktime"})


@dataclass(frozen=True, slots=True)
class Desk:
    """What every clerk page needs."""

    ledger: Ledger
    renderer: Renderer

    def show(self, resp: falcon.Response, page: Page, status: str = falcon.HTTP_200) -> None:
        """Answer with a page."""
        resp.status = status
        resp.content_type = falcon.MEDIA_HTML
        resp.set_header("Content-Security-Policy", PAGE_POLICY)
        resp.set_header("Referrer-Policy", "same-origin")
        resp.text = self.renderer.render(page)

    def find(self, connection: sqlite3.Connection, key: str) -> Vorgang:
        """Return a Vorgang or raise falcon's 404."""
        found = vorgaenge.find(connection, key)
        if found is None:
            raise falcon.HTTPNotFound(title="Diesen Vorgang gibt es hier nicht")
        return found


def _mandanten(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT DISTINCT mandant FROM vorgaenge ORDER BY mandant").fetchall()
    return [row["mandant"] for row in rows]


class Liste:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Show the newest Vorgänge, by status and Mandant if asked."""
        filing.import_batch(self._desk.ledger)
        status, mandant = req.get_param("status", default=""), req.get_param("mandant", default="")
        before = req.get_param("vor", default="")
        where = {"status": status, "mandant": mandant, "vor": int(before[:15]) if before.isdecimal() else 2**62}
        condition = "id < :vor AND (:status = '' OR status = :status) AND (:mandant = '' OR mandant = :mandant)"
        with self._desk.ledger.reading() as connection:
            rows = connection.execute(
                f"SELECT * FROM vorgaenge WHERE {condition} ORDER BY id DESC LIMIT {PER_PAGE + 1}",  # noqa: S608 - our own words
                where,
            ).fetchall()
            (count,) = connection.execute("SELECT count(*) FROM vorgaenge").fetchone()
            mandanten = _mandanten(connection)
        more = len(rows) > PER_PAGE
        found = [vorgaenge.from_row(row) for row in rows[:PER_PAGE]]
        onward = "?" + urlencode({"status": status, "mandant": mandant, "vor": found[-1].id}) if more else ""
        page = ListPage([_line(vorgang) for vorgang in found], mandanten, status, mandant, count, onward)
        self._desk.show(resp, page)


def _line(vorgang: Vorgang) -> Line:
    code = _status_code(vorgang)
    return Line(
        url=f"/vorgang/{vorgang.key}",
        nummer=vorgang.vorgangsnummer or "noch ohne Nummer",
        betreff=vorgang.koerper["betreff"],
        typ=labels.TYP[vorgang.koerper["typ"]],
        mandant=vorgang.mandant,
        status=labels.STATUS.get(code, code),
        status_code=code,
        bearbeiter=vorgang.stand.get("aufgabentraeger", {}).get("anzeigeName", ""),
        gemeldet=labels.moment(vorgang.koerper["meldezeit"]),
    )


def _status_code(vorgang: Vorgang) -> str:
    return str(vorgang.stand.get("status", {}).get("code", "wartet auf Batch"))


class VorgangSeite:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def on_get(self, _req: falcon.Request, resp: falcon.Response, key: str) -> None:
        """Show everything about a Vorgang, and the forms to work on it."""
        filing.import_batch(self._desk.ledger)
        self._desk.show(resp, vorgang_page(self._desk, key))


def vorgang_page(
    desk: Desk, key: str, *, handlung: str = "", fehler: Mapping[str, str] | None = None, form: Form | None = None
) -> VorgangPage:
    """Return the page of a Vorgang, with what was wrong about the form that was sent last."""
    with desk.ledger.reading() as connection:
        vorgang = desk.find(connection, key)
        history = facts.history(connection, vorgang)
        receipts = facts.receipts(connection, vorgang)
    body, code = vorgang.koerper, _status_code(vorgang)
    return VorgangPage(
        url=f"/vorgang/{vorgang.key}",
        nummer=vorgang.vorgangsnummer or "noch ohne Nummer",
        betreff=body["betreff"],
        beschreibung=body.get("beschreibung", ""),
        typ=labels.TYP[body["typ"]],
        status=labels.STATUS.get(code, code),
        status_code=code,
        stand=vorgang.stand,
        vorschlag=body.get("vorschlag", {}),
        abschnitte=facts.sections(body),
        anhaenge=facts.attachments(vorgang, body),
        verlauf=history,
        quittungen=receipts,
        handlung=handlung,
        fehler=fehler or {},
        werte=form.fields if form else {},
    )


class Handlung:
    """One form of a Vorgang's page: zuordnung, status, termin, nachricht, dokument."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def on_post(self, req: falcon.Request, resp: falcon.Response, key: str, handlung: str) -> None:
        """Carry it out and lead back to the page; a form with mistakes comes back with what was entered."""
        act = ACTS.get(handlung)
        if act is None:
            raise falcon.HTTPNotFound(title="Diese Seite gibt es hier nicht")
        ledger = self._desk.ledger
        form = read_form(req, ledger)
        try:
            with ledger.transaction() as connection:
                draft = act(self._desk.find(connection, key), form, stamp(ledger.now()))
                for new in form.files:
                    keep_dokument(connection, new)
                feed.append(ledger, connection, draft)
        except FormRefused as refused:
            page = vorgang_page(self._desk, key, handlung=handlung, fehler=refused.errors, form=form)
            self._desk.show(resp, page, falcon.HTTP_422)
        else:
            resp.status = falcon.HTTP_303
            resp.location = f"/vorgang/{key}#verlauf"


class Neu:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Show the empty form."""
        self._show(resp, falcon.HTTP_200, {}, {})

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """File a Vorgang born here; the portal learns of it by its event."""
        ledger = self._desk.ledger
        form = read_form(req, ledger)
        now = stamp(ledger.now())
        try:
            new = NewVorgang(None, f"im-{ledger.new_id()}", born_here(form, now))
        except FormRefused as refused:
            self._show(resp, falcon.HTTP_422, refused.errors, form.fields)
            return
        with ledger.transaction() as connection:
            vorgaenge.insert(connection, new, now)
            filing.enrol(ledger, connection, new.vorgang_id)
        resp.status = falcon.HTTP_303
        resp.location = f"/vorgang/{new.vorgang_id}"

    def _show(self, resp: falcon.Response, status: str, fehler: Mapping[str, str], werte: Mapping[str, str]) -> None:
        with self._desk.ledger.reading() as connection:
            mandanten = _mandanten(connection)
        self._desk.show(resp, NeuPage(mandanten, fehler, werte), status)


class AnhangInhalt:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def on_get(self, _req: falcon.Request, resp: falcon.Response, key: str, anhang_id: str) -> None:
        """Return a file that the portal sent with this Vorgang or with an activity of it."""
        with self._desk.ledger.reading() as connection:
            vorgang = self._desk.find(connection, key)
            datei = next(
                (d for d in _all_files(connection, vorgang) if d.url.lower().endswith(f"/{anhang_id.lower()}")), None
            )
            row = connection.execute("SELECT sha256 FROM anhaenge WHERE anhang_id = ?", (anhang_id.lower(),)).fetchone()
        if datei is None or row is None:
            raise falcon.HTTPNotFound(title="Diese Datei gibt es hier nicht")
        _send(self._desk.ledger, resp, datei, row["sha256"])


def _all_files(connection: sqlite3.Connection, vorgang: Vorgang) -> Iterator[Datei]:
    yield from facts.attachments(vorgang, vorgang.koerper)
    for row in connection.execute("SELECT koerper FROM aktivitaeten WHERE vorgang = ?", (vorgang.id,)).fetchall():
        yield from facts.attachments(vorgang, json.loads(row["koerper"]))


class DokumentDatei:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def on_get(self, _req: falcon.Request, resp: falcon.Response, dokument_id: str) -> None:
        """Return a document that a clerk provided."""
        with self._desk.ledger.reading() as connection:
            row = connection.execute("SELECT * FROM dokumente WHERE dokument_id = ?", (dokument_id,)).fetchone()
        if row is None:
            raise falcon.HTTPNotFound(title="Dieses Dokument gibt es hier nicht")
        datei = Datei("", row["dateiname"], row["mime"], row["bytes"])
        _send(self._desk.ledger, resp, datei, row["sha256"])


def _send(ledger: Ledger, resp: falcon.Response, datei: Datei, sha256: str) -> None:
    if datei.mime in _SHOWN_INLINE:
        resp.content_type = datei.mime
        resp.viewable_as = datei.name
    else:
        resp.content_type = "application/octet-stream"
        resp.downloadable_as = datei.name
    resp.set_header("Content-Security-Policy", "default-src 'none'")
    resp.set_stream(ledger.blobs.open(sha256), datei.bytes)


class Stylesheet:
    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Return the one style sheet."""
        resp.content_type = "text/css; charset=utf-8"
        resp.text = (HERE / "static" / "standin.css").read_text(encoding="utf-8")
