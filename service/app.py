"""The application on one screen: every route, middleware and error handler."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

import falcon

from cms_adapters import connector_for
from cms_adapters.connector import Connector
from service.access.filetoken import FileTokens
from service.access.formtoken import FormTokens
from service.access.hashing import Hasher
from service.access.rates import Rates
from service.access.vault import Vault
from service.access.weiter import WeiterTokens
from service.files.refusal import Limits
from service.files.storage import Folder
from service.house import house_of
from service.settings import ImmotionSettings, Settings
from service.store.database import open_database
from service.sync.webhook import ImmotionHook
from service.vorgang.house import Houses
from service.web.admin import (
    AdminAlarms,
    AdminPark,
    AdminRetry,
    AdminRetryAll,
    AdminRouting,
    AdminStatus,
    AdminVersion,
    AdminVorgaenge,
    AdminVorgang,
)
from service.web.admin_catalog import AdminCatalog
from service.web.aktivieren import Aktivieren
from service.web.benachrichtigungen import Benachrichtigungen, BenachrichtigungEnde, BenachrichtigungLink
from service.web.beschwerde import Beschwerde
from service.web.bestaetigen import Bestaetigen
from service.web.context import Room
from service.web.dokument import Dokument
from service.web.errors import ErrorPages
from service.web.headers import SecurityHeaders
from service.web.intake import Intake
from service.web.kontakt import Kontakt
from service.web.konto import Konto, Personen
from service.web.metrics import Metrics
from service.web.public import Barrierefreiheit, Healthz, Notfall, Readyz, Static
from service.web.render import Renderer
from service.web.schaden import Schaden
from service.web.session import FindCmsVisitor, FindMandant, FindVisitor, RequestId, StoreConnection
from service.web.sicherheit import Sicherheit, SicherheitApp, SicherheitCodes
from service.web.sso import BackChannelLogout, SignOut, Sso
from service.web.uebersicht import Uebersicht
from service.web.vorgang import Download, Quittung, Vorgaenge, VorgangSeite

App = falcon.App[falcon.Request, falcon.Response]


def utc_now() -> datetime:
    """Return the time, aware."""
    return datetime.now(UTC)


def create_app(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> App:
    """Open the store and put the rooms together; raises ValueError for an impossible database URL."""
    open_database(settings.service.database)
    room = make_room(settings, clock)
    app: App = falcon.App(
        middleware=[
            RequestId(room),
            SecurityHeaders(room),
            FindMandant(room),
            FindCmsVisitor(room),
            StoreConnection(),
            FindVisitor(room),
        ],
        independent_middleware=True,
    )
    app.req_options.strip_url_path_trailing_slash = True
    app.req_options.auto_parse_form_urlencoded = False
    app.add_route("/healthz", Healthz())
    app.add_route("/readyz", Readyz(room))
    app.add_route("/metrics", Metrics(room))
    app.add_route("/{mandant}", Uebersicht(room))
    app.add_route("/{mandant}/melden/kontakt", Kontakt(room))
    app.add_route("/{mandant}/melden/beschwerde", Beschwerde(room))
    app.add_route("/{mandant}/melden/schaden", Schaden(room))
    app.add_route("/{mandant}/melden/dokument", Dokument(room))
    app.add_route("/{mandant}/vorgaenge", Vorgaenge(room))
    app.add_route("/{mandant}/vorgaenge/{vorgang_id}", VorgangSeite(room))
    app.add_route("/{mandant}/vorgaenge/{vorgang_id}/quittung", Quittung(room))
    app.add_route("/{mandant}/vorgaenge/{vorgang_id}/quittung.pdf", Quittung(room), suffix="pdf")
    app.add_route("/{mandant}/vorgaenge/{vorgang_id}/anhaenge/{anhang_id}", Download(room))
    app.add_route("/{mandant}/bestaetigen", Bestaetigen(room))
    app.add_route("/{mandant}/konto", Konto(room))
    app.add_route("/{mandant}/konto/aktivieren", Aktivieren(room))
    app.add_route("/{mandant}/konto/personen", Personen(room))
    app.add_route("/{mandant}/konto/sicherheit", Sicherheit(room))
    app.add_route("/{mandant}/konto/sicherheit/app", SicherheitApp(room))
    app.add_route("/{mandant}/konto/sicherheit/codes", SicherheitCodes(room))
    app.add_route("/{mandant}/konto/benachrichtigungen", Benachrichtigungen(room))
    app.add_route("/{mandant}/konto/benachrichtigungen/bestaetigen", BenachrichtigungLink(room))
    app.add_route("/{mandant}/konto/benachrichtigungen/abbestellen", BenachrichtigungEnde(room))
    app.add_route("/{mandant}/sso/{connection}", Sso(room))
    app.add_route("/{mandant}/sso/{connection}/logout", BackChannelLogout(room))
    app.add_route("/{mandant}/abmelden", SignOut(room))
    app.add_route("/{mandant}/notfall", Notfall(room))
    app.add_route("/{mandant}/barrierefreiheit", Barrierefreiheit(room))
    app.add_route("/{mandant}/static/{name}", Static(room))
    app.add_route("/{mandant}/api/v1/admin/version", AdminVersion(room))
    app.add_route("/{mandant}/api/v1/admin/status", AdminStatus(room))
    app.add_route("/{mandant}/api/v1/admin/alarms", AdminAlarms(room))
    app.add_route("/{mandant}/api/v1/admin/vorgaenge", AdminVorgaenge(room))
    app.add_route("/{mandant}/api/v1/admin/vorgaenge/{vorgang_id}", AdminVorgang(room))
    app.add_route("/{mandant}/api/v1/admin/vorgaenge/{vorgang_id}/retry", AdminRetry(room))
    app.add_route("/{mandant}/api/v1/admin/vorgaenge/{vorgang_id}/park", AdminPark(room))
    app.add_route("/{mandant}/api/v1/admin/retry", AdminRetryAll(room))
    app.add_route("/{mandant}/api/v1/admin/routing", AdminRouting(room))
    app.add_route("/{mandant}/api/v1/admin/catalog", AdminCatalog(room))
    app.add_route("/hooks/immotion/{mandant}", ImmotionHook(_webhook_secrets(settings), clock))
    ErrorPages(room).install(app)
    return app


def make_room(settings: Settings, clock: Callable[[], datetime]) -> Room:
    """Return what the responders share."""
    service = settings.service
    limits = Limits(
        file_bytes=service.limits.file_bytes,
        total_bytes=service.limits.vorgang_bytes,
        files=service.limits.files,
        pixels=service.limits.pixels,
    )
    zone = ZoneInfo(service.timezone)
    houses = {name: partial(house_of, name, mandant, zone) for name, mandant in settings.mandanten.items()}
    return Room(
        settings=settings,
        renderer=Renderer(),
        houses=Houses(houses, time.monotonic),
        connectors=_connectors(settings),
        tokens=FormTokens(service.secret_keys),
        file_tokens=FileTokens(service.secret_keys),
        weiter=WeiterTokens(service.secret_keys),
        vault=Vault(service.encryption_keys),
        hasher=Hasher(),
        intake=Intake(Folder(service.files), limits, text_bytes=service.limits.text),
        clock=clock,
        rates=Rates(service.rates.storage, service.rates.model_dump(exclude={"storage"})),
    )


def _webhook_secrets(settings: Settings) -> dict[str, tuple[str, ...]]:
    channels = [(name, mandant.immotion) for name, mandant in settings.mandanten.items()]
    return {name: channel.webhook_secrets for name, channel in channels if isinstance(channel, ImmotionSettings)}


def _connectors(settings: Settings) -> dict[tuple[str, str], Connector]:
    return {
        (mandant_id, name): connector_for(connection.kind)(
            id=name,
            origins=connection.origins,
            keys=connection.keys,
            aud=f"{settings.service.public_url}/{mandant_id}",
            trust_person=connection.trust_person,
        )
        for mandant_id, mandant in settings.mandanten.items()
        for name, connection in mandant.connections.items()
    }
