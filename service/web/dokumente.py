"""A reader's documents: the list with its filters, one document with its pages, the file in parts or whole."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import falcon

from service.access import audit
from service.access.audit import Event
from service.access.weiter import Weiter
from service.files.papers import PAGES_SHOWN
from service.files.preview import SIZE_MAX, draw_page
from service.settings import ImmotionSettings
from service.store import clean, dokumente, stammdaten
from service.store.dokument_records import FEED, Dokument, DokumentFilter, Leser
from service.vorgang.dokumente import leser_of, note_opened, searched
from service.web.bereich import send_range
from service.web.client import source_of
from service.web.context import Reader, Room, reader_of
from service.web.dokument_pages import Bild, DokumentePage, DokumentPage, DokumentView
from service.web.drawn import write_drawn
from service.web.errors import NotFoundHere, OtherPerson
from service.web.fields import options
from service.web.headers import FILE_POLICY
from service.web.level2 import require, require_always
from service.web.pages import Field, Option, Way
from service.web.render import write_page
from service.web.session import RESIDENT
from service.web.wohnungen import home_words, homes_of

PAGE_SIZE = 20
_WORDS_MAX = 6
_SEARCH_MAX = 100
_LEVEL_2 = 2


class Dokumente:
    """`/{mandant}/dokumente`: newest first, by year, kind, home and words; four queries, however many there are."""

    access = RESIDENT

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Show one keyset page; `vor` names the last one seen."""
        reader, asked = reader_of(req), _asked(req)
        home = asked["wohnung"] if asked["wohnung"] in {v.nr for v in reader.vertraege} else ""
        leser = reader_leser(reader, home)
        found = dokumente.page(leser, _filter(asked, _place(req)), limit=PAGE_SIZE + 1)
        shown, more = found[:PAGE_SIZE], len(found) > PAGE_SIZE
        homes = homes_of(shown, leser, reader)
        words, narrowing = reader.words, {name: value for name, value in asked.items() if value}
        older = reader.link("dokumente", **narrowing, vor=f"{shown[-1].datum}_{shown[-1].id}") if more else ""
        newest = reader.link("dokumente", **narrowing) if _place(req) else ""
        page = DokumentePage(
            title=words("Dokumente"),
            action=reader.link("dokumente").partition("?")[0],
            hidden=(("lang", reader.lang),) if reader.lang_chosen else (),
            fields=_fields(reader, asked, dokumente.choices(reader_leser(reader))),
            narrowed=Way(words("Alle zeigen"), reader.link("dokumente")) if narrowing else None,
            dokumente=tuple(_view(one, reader, homes.get(one.id, "")) for one in shown),
            older=Way(words("Ältere zeigen"), older) if older else None,
            newest=Way(words("Zu den neuesten"), newest) if newest else None,
            request=Way(words("Dokument anfordern"), reader.link("melden/dokument")),
        )
        write_page(resp, self._room.renderer.html(page, reader.site()), page.title)


class DokumentSeite:
    """`/{mandant}/dokumente/{id}`: one document; showing it is what is noted as its opening."""

    access = RESIDENT

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str, dokument_id: str) -> None:
        """Show what it is and its pages."""
        reader = reader_of(req)
        dokument = opened(req, reader, dokument_id, Weiter(f"dokumente/{dokument_id}"))
        page = _page(dokument, reader, homes_of([dokument], reader_leser(reader), reader).get(dokument.id, ""))
        write_page(resp, self._room.renderer.html(page, reader.site()), page.title)


class DokumentDatei:
    """`/{mandant}/dokumente/{id}/datei`: the file as it came, whole or a part of it (RFC 9110, 14)."""

    access = RESIDENT

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str, dokument_id: str) -> None:
        """Stream it; never rendered by the browser, whatever it contains."""
        reader = reader_of(req)
        dokument = opened(req, reader, dokument_id, Weiter(reader.path, page=f"dokumente/{dokument_id}"))
        reader.room.rates.hit("file_account", mandant, reader.signed_in.account)
        file = self._room.intake.storage.open(dokument.file)  # first: a page that says why not is no download
        resp.content_type = dokument.mime
        resp.downloadable_as = dokument.dateiname
        resp.set_header("Content-Security-Policy", FILE_POLICY)
        if send_range(req, resp, file, size=dokument.bytes, etag=dokument.sha256) == 0:
            audit.note(Event.DOWNLOAD, source_of(req), subject=str(dokument.id))


class DokumentBild:
    """`/{mandant}/dokumente/{id}/seiten/{nummer}`: a page of it as a picture."""

    access = RESIDENT

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str, dokument_id: str, nummer: int) -> None:
        """Draw the page."""
        reader = reader_of(req)
        page = f"dokumente/{dokument_id}"
        dokument = opened(req, reader, dokument_id, Weiter(page))
        if not 1 <= nummer <= dokument.seiten or dokument.bytes > SIZE_MAX:
            raise NotFoundHere
        write_drawn(reader, resp, dokument.file, lambda content: draw_page(content, dokument.mime, nummer), "image/png")


def reader_leser(reader: Reader, home: str = "") -> Leser:
    """Return what this reader may read: as the person they act for, at one of their homes if named."""
    owners = reader.signed_in.owners
    return leser_of(reader.mandant_id, owners, reader.vertraege, reader.today, home=home)


def opened(req: falcon.Request, reader: Reader, dokument_id: str, weiter: Weiter) -> Dokument:
    """Return the reader's document, and note that they have opened it.

    Raises NotFoundHere alike for unknown and for somebody else's; OtherPerson if it belongs to another of the persons
    that the reader may act for; Level2Needed and FactorNeeded before anything is noted.
    """
    leser, key = reader_leser(reader), clean.uuid_of(dokument_id)
    dokument = dokumente.readable(leser, key) if key else None
    if key is None or dokument is None:
        _raise_for_other(reader, key)
        raise NotFoundHere
    _require(reader, dokument, weiter)
    note(req, reader, leser, dokument)
    return dokument


def note(req: falcon.Request, reader: Reader, leser: Leser, dokument: Dokument) -> None:
    """Note that the reader has opened a document, and tell immotion, where it can be told."""
    note_opened(
        dokument,
        leser,
        person=reader.signed_in.person,
        report=_is_told(dokument, reader),
        request_id=req.context.request_id,
        now=reader.room.clock(),
    )


def _is_told(dokument: Dokument, reader: Reader) -> bool:
    """Tell whether immotion hears of the opening: of what came by its feed, not of files of a folder."""
    return dokument.quelle == FEED and isinstance(reader.mandant.immotion, ImmotionSettings)


def note_by_name(req: falcon.Request, reader: Reader, dokument_id: str) -> None:
    """Note that the reader has opened a document in the Vorgang that it belongs to."""
    leser = reader_leser(reader)
    dokument = dokumente.readable_by_name(leser, dokument_id)
    if dokument is not None:
        note(req, reader, leser, dokument)


def _raise_for_other(reader: Reader, key: UUID | None) -> None:
    visitor, mandant = reader.signed_in, reader.mandant_id
    for person, owner in zip((p for p in visitor.persons if p != visitor.person), visitor.other_owners, strict=True):
        leser = leser_of(mandant, [owner], stammdaten.vertraege(mandant, person), reader.today)
        if key is not None and dokumente.readable(leser, key):
            raise OtherPerson


def _require(reader: Reader, dokument: Dokument, weiter: Weiter) -> None:
    if dokument.level is None:
        require(reader, "dokumente", weiter)
    elif dokument.level == _LEVEL_2:
        require_always(reader, weiter)


def _asked(req: falcon.Request) -> dict[str, str]:
    names = ("suche", "jahr", "art", "wohnung", "neu")
    return {name: clean.text(req.get_param(name, default="").strip(), _SEARCH_MAX) for name in names}


def _filter(asked: dict[str, str], after: tuple[str, UUID] | None) -> DokumentFilter:
    jahr = int(asked["jahr"]) if asked["jahr"].isdecimal() and len(asked["jahr"]) == len("2026") else 0
    words = tuple(searched(asked["suche"]).split()[:_WORDS_MAX])
    return DokumentFilter(jahr, asked["art"], words, unread=asked["neu"] == "1", after=after)


def _place(req: falcon.Request) -> tuple[str, UUID] | None:
    day, _, key = req.get_param("vor", default="").partition("_")
    found = clean.uuid_of(key)
    try:
        return (date.fromisoformat(day).isoformat(), found) if found else None
    except ValueError:
        return None


def _fields(reader: Reader, asked: dict[str, str], there: Sequence[tuple[int, str]]) -> tuple[Field, ...]:
    words = reader.words
    years = [(str(jahr), str(jahr)) for jahr in sorted({jahr for jahr, _ in there}, reverse=True)]
    kinds = sorted(((art, kind_label(art, reader)) for art in {art for _, art in there}), key=lambda pair: pair[1])
    homes = [(v.nr, v.wohnung or v.nr) for v in reader.vertraege]
    state = [("1", words("Nur ungelesene"))]
    fields = [
        Field("suche", "text", words("Suchen"), asked["suche"], maxlength=_SEARCH_MAX),
        _choice("jahr", words("Jahr"), years, asked, words("Alle")),
        _choice("art", words("Art"), kinds, asked, words("Alle")),
        _choice("neu", words("Gelesen"), state, asked, words("Alle")),
    ]
    if len(homes) > 1:
        said = home_words(reader, reader.vertraege)
        fields.insert(3, _choice("wohnung", said.one, homes, asked, words("Alle")))
    return tuple(fields)


def _choice(name: str, label: str, pairs: list[tuple[str, str]], asked: dict[str, str], every: str) -> Field:
    chosen = options(pairs, asked[name])
    anything = Option("", every, selected=not any(option.selected for option in chosen))
    return Field(name, "select", label, options=(anything, *chosen))


def kind_label(art: str, reader: Reader) -> str:
    """Return a kind of document in the reader's words."""
    known = reader.house.catalog.dokumentarten.get(art)
    return known.label.text(reader.lang) if known else reader.words("Dokument")


def _view(one: Dokument, reader: Reader, home: str) -> DokumentView:
    return DokumentView(
        url=reader.link(f"dokumente/{one.id}"),
        titel=one.titel or one.dateiname,
        kind=kind_label(one.art, reader),
        day=reader.words.calendar_day(date.fromisoformat(one.datum)),
        day_iso=one.datum,
        size=reader.words.size(one.bytes),
        opened=reader.words.minute(one.opened_at) if one.opened_at else "",
        picture=one.mime.startswith("image/"),
        home=home,
    )


def _page(one: Dokument, reader: Reader, home: str) -> DokumentPage:
    words, view = reader.words, _view(one, reader, home)
    base = f"dokumente/{one.id}"
    shown = one.seiten if one.bytes <= SIZE_MAX else 0
    moment = words.minute(one.opened_at or reader.room.clock())
    noted = words("Zum ersten Mal geöffnet: {time}.", time=moment)
    if _is_told(one, reader):
        told = words("Die Verwaltung erfährt, dass Sie es erhalten haben.")
        noted = f"{noted} {told}"
    return DokumentPage(
        title=view.titel,
        kind=view.kind,
        facts=(
            (words("Datum"), view.day),
            *(((home_words(reader, reader.vertraege).one, home),) if home else ()),
            (words("Datei"), f"{one.dateiname}, {view.size}"),
        ),
        noted=noted,
        download=Way(words("Herunterladen"), reader.link(f"{base}/datei")),
        bilder=tuple(
            Bild(reader.link(f"{base}/seiten/{number}"), words("Seite {n} als Bild", n=number))
            for number in range(1, shown + 1)
        ),
        more=words("Gezeigt werden die ersten {n} Seiten. Das Ganze steht in der Datei.", n=shown)
        if shown >= PAGES_SHOWN
        else "",
        back=Way(words("Alle Dokumente"), reader.link("dokumente")),
        vorgang=Way(words("Zum Vorgang"), reader.link(f"vorgaenge/{one.vorgang_id}")) if one.vorgang_id else None,
    )
