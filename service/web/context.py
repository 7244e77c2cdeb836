"""What every responder needs of the request: the house, the reader, their language and where links lead."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from urllib.parse import quote, urlencode, urlsplit
from zoneinfo import ZoneInfo

import falcon

from cms_adapters.connector import Connector
from service.access.filetoken import FileTokens
from service.access.formtoken import FormTokens
from service.access.hashing import Hasher
from service.access.passkeys import Challenges
from service.access.rates import Rates
from service.access.vault import Vault
from service.access.visitor import Visitor
from service.access.weiter import HOME, Weiter, WeiterTokens
from service.keys import Rings
from service.language import DEFAULT_LANGUAGE
from service.settings import OWN_LOGIN, MandantSettings, Settings
from service.store import stammdaten
from service.store.records import Vertrag
from service.vorgang.house import Houses
from service.vorgang.types import House
from service.web.intake import FILES, Intake
from service.web.pages import Site, Way
from service.web.render import Renderer
from service.web.text import Words

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Room:
    """What the responders share; made once, in `service.app`."""

    settings: Settings
    renderer: Renderer
    houses: Houses
    rings: Rings
    connectors: Mapping[tuple[str, str], Connector]
    tokens: FormTokens
    file_tokens: FileTokens
    weiter: WeiterTokens
    challenges: Challenges
    vault: Vault
    hasher: Hasher
    intake: Intake
    clock: Clock
    rates: Rates

    @cached_property
    def zone(self) -> ZoneInfo:
        """Return the time zone that residents read times in."""
        return ZoneInfo(self.settings.service.timezone)

    @cached_property
    def asset_paths(self) -> Mapping[str, tuple[str, str]]:
        """Return each Mandant's style sheet and script, below the Mandant."""
        pairs = {name: self.renderer.assets(mandant) for name, mandant in self.settings.mandanten.items()}
        return {name: (css.path, js.path) for name, (css, js) in pairs.items()}

    def bare_site(self, *, fragment: bool, csp_nonce: str) -> Site:
        """Return surroundings that tell nothing of who asks, or of which Mandanten there are."""
        mandant = next(iter(self.settings.mandanten))
        css, js = (f"{self.settings.service.public_url}/{mandant}/{path}" for path in self.asset_paths[mandant])
        return Site(
            mandant="",
            name="Mieterportal",
            lang=DEFAULT_LANGUAGE,
            fragment=fragment,
            signed_in=False,
            reader="",
            home="",
            css_url=css,
            js_url=js,
            languages=(),
            navigation=(),
            notfall_url="",
            barrierefreiheit_url="",
            logout_url=None,
            csrf_token="",
            csp_nonce=csp_nonce,
        )


@dataclass(frozen=True)
class Reader:
    """Who reads the answer to this request, in which language, and where their links lead.

    `query` is what stands in the address behind the path, but for the language.
    """

    room: Room
    mandant_id: str
    mandant: MandantSettings
    visitor: Visitor | None
    lang: str
    lang_chosen: bool
    path: str
    csp_nonce: str = ""
    query: tuple[tuple[str, str], ...] = ()

    @cached_property
    def words(self) -> Words:
        """Return the reader's language."""
        return Words(self.lang, self.room.zone)

    @property
    def house(self) -> House:
        """Return the Mandant as the domain sees it, with the catalog in force."""
        return self.room.houses.of(self.mandant_id)

    def seen_by(self, visitor: Visitor | None, lang: str = "") -> "Reader":
        """Return the reader as this visitor, in their language (or in `lang`) unless the address has chosen one."""
        wanted = visitor.lang if visitor is not None else lang
        own = wanted if wanted in self.mandant.languages else self.mandant.languages[0]
        return replace(self, visitor=visitor, lang=self.lang if self.lang_chosen else own)

    @cached_property
    def vertraege(self) -> list[Vertrag]:
        """Return the visitor's contracts; one query, on first use."""
        if self.visitor is None or self.visitor.person is None:
            return []
        return stammdaten.vertraege(self.mandant_id, self.visitor.person)

    @property
    def today(self) -> date:
        """Return the day it is where the residents are."""
        return self.room.clock().astimezone(self.room.zone).date()

    @property
    def signed_in(self) -> Visitor:
        """Return the visitor of a page that only residents reach."""
        if self.visitor is None:
            raise LookupError("this page has no access rule for residents")
        return self.visitor

    def link(self, path: str, /, **query: str) -> str:
        """Return where a page of this Mandant is found by this reader."""
        params = {key: value for key, value in query.items() if value}
        if self.lang_chosen:
            params.setdefault("lang", self.lang)
        tail = quote(path, safe="/") + (f"?{urlencode(params)}" if params else "")
        if self.visitor is not None and self.visitor.base_url is not None:
            connector = self.room.connectors[self.mandant_id, self.visitor.connection]
            return connector.link(self.visitor.base_url, tail)
        return f"/{self.mandant_id}/{tail}"

    @property
    def file_field(self) -> str:
        """Return the name of the field for files, of which several come, as this reader's CMS hands all of them on."""
        if self.visitor is None or self.visitor.base_url is None:
            return FILES
        return FILES + self.room.connectors[self.mandant_id, self.visitor.connection].several

    def login_ways(self, weiter: Weiter = HOME) -> tuple[Way, ...]:
        """Return where somebody who is not signed in can do so; the own login leads on to where they were."""
        connections = self.mandant.connections.values()
        sites = [*dict.fromkeys(one.login_url or one.origins[0] for one in connections if one.kind != OWN_LOGIN)]
        if self.mandant.own_login is None and len(sites) == 1:
            return (Way(self.words("Zur Anmeldung"), sites[0]),)
        ways = tuple(Way(self._sign_in_at(url, alone=len(sites) == 1), url) for url in sites)
        if self.mandant.own_login is None:
            return ways
        token = self.room.weiter.sign(self.mandant_id, weiter) if weiter.path else ""
        label = self.words("Mit Kundennummer oder E-Mail-Adresse anmelden") if sites else self.words("Zur Anmeldung")
        return (Way(label, self.link("konto/anmelden", weiter=token)), *ways)

    def _sign_in_at(self, url: str, *, alone: bool) -> str:
        """Name a way to sign in after where it leads."""
        if alone:
            return self.words("Auf der Website von {name} anmelden", name=self.mandant.name)
        return self.words("Auf {host} anmelden", host=urlsplit(url).netloc)

    def site(self) -> Site:
        """Return what surrounds this reader's page."""
        visitor = self.visitor
        base = "" if visitor is None or visitor.base_url is None else self.room.settings.service.public_url
        css, js = self.room.asset_paths[self.mandant_id]
        in_browser = visitor is not None and visitor.session_hash is not None
        return Site(
            mandant=self.mandant_id,
            name=self.mandant.name,
            lang=self.lang,
            fragment=visitor is not None and visitor.base_url is not None,
            signed_in=visitor is not None,
            reader=visitor.name if visitor else "",
            home=self.link(""),
            css_url=f"{base}/{self.mandant_id}/{css}",
            js_url=f"{base}/{self.mandant_id}/{js}",
            languages=self._languages(),
            navigation=self._navigation(),
            notfall_url=self.link("notfall"),
            barrierefreiheit_url=self.link("barrierefreiheit"),
            logout_url=self.link("abmelden") if in_browser else None,
            csrf_token=self.room.tokens.issue(visitor).csrf_token if in_browser and visitor else "",
            header_session=in_browser and visitor is not None and visitor.in_frame,
            origins=self._framing_origins(),
            csp_nonce=self.csp_nonce,
            ends_at=self.words.minute(visitor.ends_at) if visitor and visitor.ends_at else "",
            seconds_left=self._seconds_left(),
            acting=self._acting(),
        )

    def _seconds_left(self) -> int:
        """Return how long the session still lasts at most; 0 where there is none."""
        ends_at = self.visitor.ends_at if self.visitor else None
        return max(0, int((ends_at - self.room.clock()).total_seconds())) if ends_at else 0

    def _framing_origins(self) -> tuple[str, ...]:
        """Return who may frame this page and hears how high it is: of the own login's before signing in, too."""
        visitor = self.visitor
        if visitor is not None and visitor.session_hash is None:
            return ()
        name = visitor.connection if visitor is not None else self.mandant.own_login
        connection = self.mandant.connections.get(name or "")
        return connection.origins if connection else ()

    def _languages(self) -> tuple[Way, ...]:
        names = {"de": "Deutsch", "en": "English"}
        return tuple(
            Way(names[lang], self.link(self.path, **dict(self.query) | {"lang": lang}), current=lang == self.lang)
            for lang in self.mandant.languages
        )

    def _navigation(self) -> tuple[Way, ...]:
        if self.visitor is None:
            return ()
        words, in_konto = self.words, self.path.partition("/")[0] == "konto"
        return (
            Way(words("Übersicht"), self.link(""), current=not self.path),
            Way(words("Meine Vorgänge"), self.link("vorgaenge"), current=self.path == "vorgaenge"),
            Way(words("Dokumente"), self.link("dokumente"), current=self.path == "dokumente"),
            Way(words("Mein Konto"), self.link("konto"), current=in_konto),
        )

    def _acting(self) -> Way | None:
        """Name whom the reader acts for, among several; known without the store, as faults have a page, too."""
        if self.visitor is None or len(self.visitor.persons) < 2:  # noqa: PLR2004
            return None
        return Way(self.visitor.acting_for, self.link("konto/personen"))


def reader_of(req: falcon.Request) -> Reader:
    """Return the reader that the middleware has found."""
    reader: Reader = req.context.reader
    return reader
