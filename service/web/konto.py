"""`konto` and `konto/personen`: what the account is, and for whom it acts."""

import falcon
import structlog

from service.access import accounts
from service.access.accounts import NotYours
from service.store import stammdaten
from service.store.records import Vertrag
from service.vorgang.tenancy import current
from service.web.client import source_of
from service.web.context import Reader, Room, reader_of
from service.web.errors import NotFoundHere
from service.web.geraete import devices_way
from service.web.konto_pages import KontoPage, LoesenPage, PersonenPage, PersonView
from service.web.level2 import form_key, read_form, small_form
from service.web.own_account import is_own, kundennummer, require_to_change_account
from service.web.pages import Page, Way
from service.web.render import write_page
from service.web.session import RESIDENT

log = structlog.get_logger()

PATH, PERSONEN = "konto", "konto/personen"
_SWITCH, _ASK, _UNLINK = "wechseln", "loesen", "wirklich"


class Konto:
    """`/{mandant}/konto`: an overview."""

    access = RESIDENT

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Show who is signed in, for whom they act, and where that is changed."""
        reader = reader_of(req)
        visitor, words = reader.signed_in, reader.words
        names = person_names(reader)
        facts = [(words("Angemeldet als"), visitor.name or words("Ohne Namen"))]
        if visitor.person is not None:
            facts.append((words("Sie handeln für"), names[visitor.person]))
        if number := kundennummer(reader):
            facts.append((words("Kundennummer"), number))
        others = ", ".join(name for person, name in names.items() if person != visitor.person)
        if others:
            facts.append((words("Auch möglich"), others))
        page = KontoPage(title=words("Mein Konto"), facts=tuple(facts), ways=_ways(reader))
        _write(resp, reader, page)


class Personen:
    """`/{mandant}/konto/personen`: several persons under one account, switched and unlinked."""

    access = RESIDENT

    def __init__(self, room: Room) -> None:
        self._room = room

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Show all whom the account may act for."""
        reader = reader_of(req)
        self._show(resp, reader, fresh=req.get_param("neu", default="") == "1")

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Switch to one of them, or give a link up after asking; 303 when it is done."""
        reader = reader_of(req)
        form = read_form(req, self._room)
        if form_key(reader, form) is None:
            resp.status = falcon.HTTP_403
            self._show(resp, reader, expired=True)
            return
        aktion, _, person = form.get("aktion").partition(":")
        try:
            self._do(req, resp, reader, aktion, person)
        except NotYours as foreign:
            raise NotFoundHere from foreign

    def _do(self, req: falcon.Request, resp: falcon.Response, reader: Reader, aktion: str, person: str) -> None:
        if aktion == _SWITCH:
            accounts.switch(reader.signed_in, person, source_of(req))
            log.info("person_switched", request_id=req.context.request_id)
            _see(resp, reader.link(""))
            return
        if aktion not in {_ASK, _UNLINK}:
            raise NotFoundHere
        require_to_change_account(reader, PERSONEN)
        if aktion == _ASK:
            self._ask(resp, reader, person)
            return
        accounts.unlink(reader.signed_in, person, source_of(req))
        log.info("person_unlinked", request_id=req.context.request_id)
        _see(resp, reader.link(PERSONEN))

    def _ask(self, resp: falcon.Response, reader: Reader, person: str) -> None:
        if person not in accounts.linked_to(reader.signed_in):
            raise NotYours
        words, name = reader.words, person_names(reader)[person]
        page = LoesenPage(
            title=words("Verbindung zu {name} lösen?", name=name),
            text=words(
                "Sie sehen dann nichts mehr, was zu {name} gehört. Gemeldetes geht nicht verloren. "
                "Für eine neue Verbindung brauchen Sie einen neuen Brief.",
                name=name,
            ),
            form=small_form(reader, PERSONEN, "", words("Verbindung lösen")),
            confirm=f"{_UNLINK}:{person}",
            back=Way(words("Abbrechen"), reader.link(PERSONEN)),
        )
        _write(resp, reader, page)

    def _show(self, resp: falcon.Response, reader: Reader, *, fresh: bool = False, expired: bool = False) -> None:
        words, visitor = reader.words, reader.signed_in
        names, linked = person_names(reader), accounts.linked_to(visitor)
        persons = tuple(_view(reader, person, name, linked=person in linked) for person, name in names.items())
        done = words("Sie handeln jetzt für {name}.", name=names[visitor.person]) if fresh and visitor.person else ""
        page = PersonenPage(
            title=words("Für wen Sie handeln"),
            text=_text(reader, len(persons)),
            persons=persons,
            form=small_form(reader, PERSONEN, "", "", expired=expired),
            ways=_activate(reader),
            done=done,
        )
        _write(resp, reader, page)


def person_names(reader: Reader) -> dict[str, str]:
    """Return the names of all whom the reader may act for; a person whom immotion has not told of has a number."""
    persons = reader.signed_in.persons
    known = stammdaten.namen(reader.mandant_id, persons) if persons else {}
    return {person: known.get(person) or reader.words("Person {number}", number=person) for person in persons}


def _view(reader: Reader, person: str, name: str, *, linked: bool) -> PersonView:
    words, visitor = reader.words, reader.signed_in
    is_current = person == visitor.person
    return PersonView(
        name=name,
        homes=_homes(current(stammdaten.vertraege(reader.mandant_id, person), reader.today)),
        note="" if linked else words("Diese Verbindung kommt von der Internetseite Ihrer Verwaltung."),
        current=is_current,
        switch="" if is_current else f"{_SWITCH}:{person}",
        unlink=f"{_ASK}:{person}" if linked else "",
    )


def _homes(vertraege: tuple[Vertrag, ...]) -> tuple[str, ...]:
    return tuple(vertrag.wohnung for vertrag in vertraege if vertrag.wohnung)


def _text(reader: Reader, count: int) -> str:
    words = reader.words
    if not count:
        return words("Ihre Anmeldung ist noch mit keinem Vertrag verbunden.")
    if count == 1:
        return words("Was Sie melden und sehen, gehört zu dieser Person.")
    return words("Was Sie melden und sehen, gehört zu der Person, für die Sie gerade handeln. Sie können wechseln.")


def _ways(reader: Reader) -> tuple[Way, ...]:
    words = reader.words
    persons = Way(words("Für wen Sie handeln"), reader.link(PERSONEN), hint=words("Wechseln, Verbindungen lösen"))
    security = Way(words("Sicherheit"), reader.link("konto/sicherheit"), hint=words("Zweiter Faktor"))
    data = Way(words("Meine Daten"), reader.link("konto/daten"), hint=words("Ändern, herunterladen, löschen lassen"))
    hint = words("E-Mail, wenn es etwas Neues gibt")
    news = Way(words("Benachrichtigungen"), reader.link("konto/benachrichtigungen"), hint=hint)
    secured, mailed = reader.mandant.level2 is not None, reader.room.settings.service.mail is not None
    return (
        persons,
        data,
        *_activate(reader),
        *((security,) if secured else ()),
        *((news,) if mailed else ()),
        *(_own_ways(reader, mailed=mailed) if is_own(reader) else ()),
        devices_way(reader),
    )


def _own_ways(reader: Reader, *, mailed: bool) -> tuple[Way, ...]:
    words = reader.words
    password = Way(words("Kennwort ändern"), reader.link("konto/kennwort"))
    email = Way(words("E-Mail-Adresse ändern"), reader.link("konto/email"))
    return (password, *((email,) if mailed else ()))


def _activate(reader: Reader) -> tuple[Way, ...]:
    if reader.mandant.invitation is None:
        return ()
    hint = reader.words("Verbindet Ihre Anmeldung mit einem Vertrag")
    return (Way(reader.words("Code aus einem Brief einlösen"), reader.link("konto/aktivieren"), hint=hint),)


def _see(resp: falcon.Response, url: str) -> None:
    resp.status = falcon.HTTP_303
    resp.location = url


def _write(resp: falcon.Response, reader: Reader, page: Page) -> None:
    write_page(resp, reader.room.renderer.html(page, reader.site()), page.title)
