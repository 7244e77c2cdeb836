"""The first page: what is open, what is new, four ways in."""

import falcon

from service.store import vorgaenge
from service.store.overview import glance
from service.vorgang.tenancy import current
from service.web.aushang_views import OVERVIEW_SHOWN, buildings_of, gezeigt, more_way, views
from service.web.context import Reader, Room, reader_of
from service.web.dokumente import reader_leser
from service.web.entwuerfe import draft_views
from service.web.notruf import calls_of_homes
from service.web.pages import OverviewPage, Way
from service.web.render import write_page
from service.web.session import RESIDENT
from service.web.views import line_view
from service.web.wohnungen import home_words

_SHOWN = 8


class Uebersicht:
    """`/{mandant}/`: four queries, each by index; one more where there are notices, drafts, linked persons."""

    access = RESIDENT

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Show the reader's open Vorgänge and the ways in."""
        reader = reader_of(req)
        visitor = reader.signed_in
        lines = vorgaenge.page(mandant, visitor.owners, offen=True, limit=_SHOWN + 1)
        vertraege = current(reader.vertraege, reader.today)
        homes = tuple(v.wohnung for v in vertraege if v.wohnung)
        there = glance(visitor.account, visitor.owners, reader_leser(reader), buildings_of(reader), self._room.clock())
        words, aushaenge = reader.words, gezeigt(reader) if there.notices else []
        page = OverviewPage(
            title=words("Guten Tag, {name}", name=visitor.name) if visitor.name else words("Mieterportal"),
            homes=homes,
            homes_label=home_words(reader, vertraege).yours,
            vorgaenge=tuple(line_view(line, reader) for line in lines[:_SHOWN]),
            more=Way(words("Alle Vorgänge zeigen"), reader.link("vorgaenge")),
            search_action=reader.link("melden/schaden"),
            ways=_ways(reader),
            calls=calls_of_homes(reader, vertraege),
            activate=_activate(reader),
            letters=_letters(reader, there.unread),
            aushaenge=views(aushaenge[:OVERVIEW_SHOWN], reader),
            more_aushaenge=more_way(aushaenge, reader),
            drafts=draft_views(reader) if there.drafts else (),
        )
        write_page(resp, self._room.renderer.html(page, reader.site()), page.title)


def _letters(reader: Reader, count: int) -> Way | None:
    """Point to documents that the reader has not opened yet."""
    if not count:
        return None
    words = reader.words
    said = words("Ein neues Dokument") if count == 1 else words("{n} neue Dokumente", n=count)
    return Way(said, reader.link("dokumente", neu="1"))


def _activate(reader: Reader) -> Way | None:
    """Point somebody whom no contract is known for to their letter."""
    if reader.signed_in.person is not None or reader.mandant.invitation is None:
        return None
    words = reader.words
    hint = words("Damit verbinden Sie Ihre Anmeldung mit Ihrem Vertrag.")
    return Way(words("Haben Sie einen Brief mit einem Code?"), reader.link("konto/aktivieren"), hint=hint)


def _ways(reader: Reader) -> tuple[Way, ...]:
    words = reader.words
    return (
        Way(
            words("Schaden melden"),
            reader.link("melden/schaden"),
            hint=words("Heizung, Wasser, Strom, Türen, Fenster …"),
        ),
        Way(words("Beschwerde"), reader.link("melden/beschwerde"), hint=words("Lärm, Müll, Reinigung, Nachbarschaft")),
        Way(
            words("Dokument anfordern"),
            reader.link("melden/dokument"),
            hint=words("Bescheinigungen, Verträge, Abrechnungen"),
        ),
        Way(words("Kontakt"), reader.link("melden/kontakt"), hint=words("Fragen zu Vertrag, Zahlung, Umzug und mehr")),
    )
