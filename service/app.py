"""The application on one screen: every route, middleware and error handler."""

from collections.abc import Callable
from datetime import UTC, datetime

import falcon

from cms_adapters import connector_for
from cms_adapters.connector import Connector
from service.access.filetoken import FileTokens
from service.access.formtoken import FormTokens
from service.access.hashing import Hasher
from service.access.passkeys import Challenges
from service.access.rates import Rates
from service.access.vault import Vault
from service.access.weiter import WeiterTokens
from service.files.refusal import Limits
from service.house import houses_of
from service.keys import Rings, rings_of
from service.settings import Settings
from service.storage import storage_of
from service.store.database import open_database
from service.sync.webhook import ImmotionHook
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
from service.web.admin_aushang import AdminAushaenge, AdminAushang, AdminAushangEnd, AdminGebaeude
from service.web.admin_catalog import AdminCatalog
from service.web.aenderung import Aenderung
from service.web.aktivieren import Aktivieren
from service.web.anmelden import Anmelden, Registrieren
from service.web.aushang import Aushaenge, AushangBetroffen, AushangTermin
from service.web.benachrichtigungen import Benachrichtigungen, BenachrichtigungEnde, BenachrichtigungLink
from service.web.beschwerde import Beschwerde
from service.web.bestaetigen import Bestaetigen
from service.web.context import Room
from service.web.daten import Daten, DatenZip
from service.web.dokument import Dokument
from service.web.dokumente import DokumentBild, DokumentDatei, Dokumente, DokumentSeite
from service.web.errors import ErrorPages
from service.web.geraete import Geraete
from service.web.headers import SecurityHeaders
from service.web.intake import Intake
from service.web.kennwort import KennwortAendern, KennwortNeu, KennwortVergessen
from service.web.kontakt import Kontakt
from service.web.konto import Konto, Personen
from service.web.konto_email import EmailAendern, EmailBestaetigen
from service.web.metrics import Metrics
from service.web.passkeys import Passkeys
from service.web.public import Barrierefreiheit, Healthz, Notfall, Readyz, Static
from service.web.quittung_mail import QuittungMail
from service.web.render import Renderer
from service.web.schaden import Schaden
from service.web.session import FindCmsVisitor, FindMandant, FindVisitor, RequestId, StoreConnection
from service.web.sicherheit import Sicherheit, SicherheitApp, SicherheitCodes
from service.web.sso import BackChannelLogout, SignOut, Sso
from service.web.uebersicht import Uebersicht
from service.web.unrouted import reader_of_unrouted
from service.web.vorgang import Download, Quittung, Vorgaenge, VorgangSeite
from service.web.vorschau import AnhangBild

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
    app.add_route("/{mandant}/vorgaenge/{vorgang_id}/quittung/mail", QuittungMail(room))
    app.add_route("/{mandant}/vorgaenge/{vorgang_id}/quittung.pdf", Quittung(room), suffix="pdf")
    app.add_route("/{mandant}/vorgaenge/{vorgang_id}/anhaenge/{anhang_id}", Download(room))
    app.add_route("/{mandant}/vorgaenge/{vorgang_id}/anhaenge/{anhang_id}/bild", AnhangBild())
    app.add_route("/{mandant}/aushang", Aushaenge(room))
    app.add_route("/{mandant}/aushang/{aushang_id}/termin.ics", AushangTermin(room))
    app.add_route("/{mandant}/aushang/{aushang_id}/betroffen", AushangBetroffen(room))
    app.add_route("/{mandant}/dokumente", Dokumente(room))
    app.add_route("/{mandant}/dokumente/{dokument_id}", DokumentSeite(room))
    app.add_route("/{mandant}/dokumente/{dokument_id}/datei", DokumentDatei(room))
    app.add_route("/{mandant}/dokumente/{dokument_id}/seiten/{nummer:int}", DokumentBild())
    _add_account(app, room)
    _add_own_login(app, room)
    app.add_route("/{mandant}/sso/{connection}", Sso(room))
    app.add_route("/{mandant}/sso/{connection}/logout", BackChannelLogout(room))
    app.add_route("/{mandant}/abmelden", SignOut(room))
    app.add_route("/{mandant}/notfall", Notfall(room))
    app.add_route("/{mandant}/barrierefreiheit", Barrierefreiheit(room))
    app.add_route("/{mandant}/static/{name}", Static(room))
    _add_admin(app, room)
    app.add_route("/hooks/immotion/{mandant}", ImmotionHook(room.rings.webhooks, clock))
    ErrorPages(room, reader_of_unrouted).install(app)
    return app


def _add_account(app: App, room: Room) -> None:
    app.add_route("/{mandant}/bestaetigen", Bestaetigen(room))
    app.add_route("/{mandant}/bestaetigen/passkey", Bestaetigen(room), suffix="passkey")
    app.add_route("/{mandant}/konto", Konto(room))
    app.add_route("/{mandant}/konto/aktivieren", Aktivieren(room))
    app.add_route("/{mandant}/konto/personen", Personen(room))
    app.add_route("/{mandant}/konto/sicherheit", Sicherheit(room))
    app.add_route("/{mandant}/konto/sicherheit/app", SicherheitApp(room))
    app.add_route("/{mandant}/konto/sicherheit/codes", SicherheitCodes(room))
    app.add_route("/{mandant}/konto/passkeys", Passkeys(room))
    app.add_route("/{mandant}/konto/daten", Daten(room))
    app.add_route("/{mandant}/konto/daten/auskunft.zip", DatenZip(room))
    app.add_route("/{mandant}/konto/aenderung", Aenderung(room))
    app.add_route("/{mandant}/konto/benachrichtigungen", Benachrichtigungen(room))
    app.add_route("/{mandant}/konto/benachrichtigungen/bestaetigen", BenachrichtigungLink(room))
    app.add_route("/{mandant}/konto/benachrichtigungen/abbestellen", BenachrichtigungEnde(room))


def _add_own_login(app: App, room: Room) -> None:
    app.add_route("/{mandant}/konto/anmelden", Anmelden(room))
    app.add_route("/{mandant}/konto/anmelden/passkey", Anmelden(room), suffix="passkey")
    app.add_route("/{mandant}/konto/registrieren", Registrieren(room))
    app.add_route("/{mandant}/konto/kennwort-vergessen", KennwortVergessen(room))
    app.add_route("/{mandant}/konto/kennwort-neu", KennwortNeu(room))
    app.add_route("/{mandant}/konto/kennwort", KennwortAendern(room))
    app.add_route("/{mandant}/konto/email", EmailAendern(room))
    app.add_route("/{mandant}/konto/email-bestaetigen", EmailBestaetigen(room))
    app.add_route("/{mandant}/konto/geraete", Geraete(room))


def _add_admin(app: App, room: Room) -> None:
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
    app.add_route("/{mandant}/api/v1/admin/aushaenge", AdminAushaenge(room))
    app.add_route("/{mandant}/api/v1/admin/aushaenge/{aushang_id}", AdminAushang(room))
    app.add_route("/{mandant}/api/v1/admin/aushaenge/{aushang_id}/end", AdminAushangEnd(room))
    app.add_route("/{mandant}/api/v1/admin/gebaeude", AdminGebaeude(room))


def make_room(settings: Settings, clock: Callable[[], datetime]) -> Room:
    """Return what the responders share."""
    service, rings = settings.service, rings_of(settings)
    limits = Limits(
        file_bytes=service.limits.file_bytes,
        total_bytes=service.limits.vorgang_bytes,
        files=service.limits.files,
        pixels=service.limits.pixels,
    )
    vault = Vault(rings.encryption_keys)
    return Room(
        settings=settings,
        renderer=Renderer(),
        houses=houses_of(settings),
        rings=rings,
        connectors=_connectors(settings, rings),
        tokens=FormTokens(rings.secret_keys),
        file_tokens=FileTokens(rings.secret_keys),
        weiter=WeiterTokens(rings.secret_keys),
        challenges=Challenges(rings.secret_keys),
        vault=vault,
        hasher=Hasher(),
        intake=Intake(storage_of(service, vault), limits, text_bytes=service.limits.text),
        clock=clock,
        rates=Rates(service.rates.storage, service.rates.model_dump(exclude={"storage"})),
    )


def _connectors(settings: Settings, rings: Rings) -> dict[tuple[str, str], Connector]:
    return {
        (mandant_id, name): connector_for(connection.kind)(
            id=name,
            origins=connection.origins,
            keys=rings.connections[mandant_id, name],
            aud=f"{settings.service.public_url}/{mandant_id}",
            trust_person=connection.trust_person,
        )
        for mandant_id, mandant in settings.mandanten.items()
        for name, connection in mandant.connections.items()
    }
