"""What is asked of each route: one entry, or several, for each template and method of the application (case.py)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import uuid4

from standardwebhooks import Webhook

from tests.invariants.case import Case, Fields, Reach, admin, by_token, form, mine, own, public
from tests.invariants.own_cases import OWN_CASES
from tests.invariants.people import NEIGHBOUR, Somebody, Who
from tests.invariants.world import (
    AUSHANG,
    BEGAN,
    BETREFF,
    BRIEF,
    DATEI,
    ENTWURF,
    ENTWURFDATEI,
    HOOKS,
    MAIL,
    METRICS_TOKEN,
    NACHRICHT,
    NAME,
    REST,
    SCHADEN,
    STRASSE,
    TEXT,
    ZWEITE,
    World,
)
from tests.support.inprocess import ORIGIN
from tests.support.portal import MANDANT


def _hook(_world: World, sender: Somebody) -> dict[str, str]:
    """Sign with the secret of whose Mandant it is; residents and nobody have none."""
    secrets = {Who.OWNER: HOOKS[MANDANT], Who.NEIGHBOUR: HOOKS[NEIGHBOUR], Who.STRAY: HOOKS[NEIGHBOUR]}
    kind = {"Content-Type": "application/json"}
    if sender.who not in secrets:
        return kind
    name, now = f"msg_{uuid4().hex}", datetime.now(UTC)
    return kind | {
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secrets[sender.who]).sign(name, now, ""),
    }


def _login(_world: World, sender: Somebody) -> Fields:
    return {"token": sender.token("login") if sender.who != Who.NOBODY else ""}


def _logout(_world: World, sender: Somebody) -> Fields:
    return {"token": sender.token("logout") if sender.who != Who.NOBODY else ""}


def _from_site(_world: World, _sender: Somebody) -> Mapping[str, str]:
    return {"Origin": ORIGIN}


def _bearer(_world: World, sender: Somebody) -> Mapping[str, str]:
    if sender.who == Who.OWNER:
        return {"Authorization": f"Bearer {METRICS_TOKEN}"}
    return {"Authorization": f"Bearer {sender.token('admin')}"}


def _fact(_world: World, sender: Somebody) -> str:
    """Return the fact beside the letter's code, which the owner knows, and whoever lives in another Mandant's house."""
    return BEGAN if sender.sub == "owner" else "2.2.2020"


def _with_owners_files(world: World, _sender: Somebody) -> Fields:
    return {"aktion": "speichern", "beschreibung": "Getippt", "gesichert_0": world.file_token()}


def _no_more_mails(world: World, _sender: Somebody) -> Fields:
    world.told_by_mail()
    return {"aktion": "ausschalten"}


def _told_by_mail(world: World, _sender: Somebody) -> Fields:
    world.confirmed_by_mail()
    return {}


def _nowhere(*who: Who) -> dict[Who, set[int]]:
    return {one: {401, 403, 404, 422} for one in who}


VORGANG, ANHAENGE = "/{mandant}/vorgaenge/{vorgang_id}", "/{mandant}/vorgaenge/{vorgang_id}/anhaenge/{anhang_id}"
KONTO = "/{mandant}/konto"
NEWS, ADMIN = f"{KONTO}/benachrichtigungen", "/{mandant}/api/v1/admin"
NOTICE = {"art": "STOERUNG", "titel": {"de": "Störung"}}
TYPED = {"beschreibung": "Getippt"}
ANYBODY_ELSE = (Who.CO_RESIDENT, Who.FOREIGN, Who.NEIGHBOUR)

_PAGES: dict[tuple[str, str], tuple[Case, ...]] = {
    ("GET", "/healthz"): (public("healthz", rooted=True),),
    ("GET", "/readyz"): (public("readyz", rooted=True),),
    ("GET", "/metrics"): (Case(Reach.SECRET, lambda _world: "metrics", headers=_bearer, rooted=True),),
    ("GET", "/{mandant}"): (own("", sees=STRASSE), own("", sees=BETREFF)),
    ("GET", "/{mandant}/notfall"): (public("notfall"),),
    ("GET", "/{mandant}/barrierefreiheit"): (public("barrierefreiheit"),),
    ("GET", "/{mandant}/static/{name}"): (public(lambda world: world.style),),
}
_AUSHANG: dict[tuple[str, str], tuple[Case, ...]] = {
    ("GET", "/{mandant}/aushang"): (Case(Reach.PUBLIC, lambda _world: "aushang", sees=AUSHANG),),
    ("GET", "/{mandant}/aushang/{aushang_id}/termin.ics"): (
        mine(lambda w: f"aushang/{w.works}/termin.ics", sees=AUSHANG, shared=True),
    ),
    ("POST", "/{mandant}/aushang/{aushang_id}/betroffen"): (
        mine(lambda w: f"aushang/{w.fault}/betroffen", {}, gets=303, shared=True),
    ),
}
_FORMS: dict[tuple[str, str], tuple[Case, ...]] = {
    ("GET", "/{mandant}/melden/kontakt"): (own(lambda w: w.draft_anew("kontakt"), sees=ENTWURF),),
    ("GET", "/{mandant}/melden/beschwerde"): (own(lambda w: w.draft_anew("beschwerde"), sees=ENTWURF),),
    ("GET", "/{mandant}/melden/schaden"): (own(lambda w: w.draft_anew("schaden"), sees=ENTWURF),),
    ("GET", "/{mandant}/melden/dokument"): (own(lambda w: w.draft_anew("dokument"), sees=ENTWURF),),
    ("POST", "/{mandant}/melden/kontakt"): (
        form("melden/kontakt", TYPED | {"kontaktthema": "ALLGEMEIN"}, shared=True),
        form("melden/kontakt", _with_owners_files, gets=200, sees=REST, made_on="melden/kontakt", shared=True),
        form(
            "melden/kontakt",
            lambda w, _: TYPED | {"aktion": f"entfernen:{w.one_more_file()}"},
            gets=200,
            made_on="melden/kontakt",
            shared=True,
        ),
    ),
    ("POST", "/{mandant}/melden/beschwerde"): (
        form("melden/beschwerde", TYPED | {"aktion": "speichern"}, gets=200, shared=True),
    ),
    ("POST", "/{mandant}/melden/schaden"): (form("melden/schaden", SCHADEN | TYPED, shared=True),),
    ("POST", "/{mandant}/melden/dokument"): (form("melden/dokument", TYPED | {"aktion": "verwerfen"}, shared=True),),
}
_VORGAENGE: dict[tuple[str, str], tuple[Case, ...]] = {
    ("GET", "/{mandant}/vorgaenge"): (own("vorgaenge", sees=BETREFF),),
    ("GET", VORGANG): (
        mine(lambda w: f"vorgaenge/{w.vorgang}", sees=TEXT, shared=True, level2=True),
        mine(lambda w: f"vorgaenge/{w.vorgang}", sees=NACHRICHT, shared=True, level2=True),
    ),
    ("POST", VORGANG): (
        mine(lambda w: f"vorgaenge/{w.vorgang}", {"nachricht": "Getippt"}, gets=303, shared=True, level2=True),
        mine(  # to rate it, it is too early
            lambda w: f"vorgaenge/{w.vorgang}",
            {"aktion": "bewertung", "bewertung": "5"},
            gets=422,
            shared=True,
            level2=True,
        ),
    ),
    ("GET", f"{VORGANG}/quittung"): (
        mine(lambda w: f"vorgaenge/{w.vorgang}/quittung", sees=TEXT, shared=True, level2=True),
        mine(lambda w: f"vorgaenge/{w.vorgang}/quittung", sees=DATEI, shared=True, level2=True),
    ),
    ("POST", f"{VORGANG}/quittung/mail"): (
        mine(lambda w: f"vorgaenge/{w.vorgang}/quittung/mail", _told_by_mail, gets=303, level2=True),
    ),
    ("GET", f"{VORGANG}/quittung.pdf"): (
        mine(lambda w: f"vorgaenge/{w.vorgang}/quittung.pdf", shared=True, level2=True),
    ),
    ("GET", ANHAENGE): (
        mine(lambda w: f"vorgaenge/{w.vorgang}/anhaenge/{w.upload}", sees=DATEI, shared=True, level2=True),
        mine(
            lambda w: f"vorgaenge/{w.vorgang}/anhaenge/{w.upload}",
            headers=lambda _w, _s: {"Range": "bytes=0-9"},
            gets=206,
            shared=True,
            level2=True,
        ),
        mine(lambda w: f"vorgaenge/{w.vorgang}/anhaenge/{w.document}", shared=True, level2=True),
        mine(
            lambda w: f"vorgaenge/{w.vorgang}/anhaenge/{w.document}",
            headers=lambda _w, _s: {"Range": "bytes=5-"},
            gets=206,
            shared=True,
            level2=True,
        ),
    ),
    ("GET", f"{ANHAENGE}/bild"): (
        mine(lambda w: f"vorgaenge/{w.vorgang}/anhaenge/{w.upload}/bild", shared=True, level2=True),
    ),
}
DOKUMENT = "/{mandant}/dokumente/{dokument_id}"
_DOKUMENTE: dict[tuple[str, str], tuple[Case, ...]] = {
    ("GET", "/{mandant}/dokumente"): (own("dokumente", sees=BRIEF),),
    ("GET", DOKUMENT): (mine(lambda w: f"dokumente/{w.brief}", sees=BRIEF, shared=True, level2=True),),
    ("GET", f"{DOKUMENT}/datei"): (
        mine(lambda w: f"dokumente/{w.brief}/datei", shared=True, level2=True),
        mine(
            lambda w: f"dokumente/{w.brief}/datei",
            headers=lambda _w, _s: {"Range": "bytes=0-9"},
            gets=206,
            shared=True,
            level2=True,
        ),
    ),
    ("GET", f"{DOKUMENT}/seiten/{{nummer:int}}"): (
        mine(lambda w: f"dokumente/{w.brief}/seiten/1", shared=True, level2=True),
    ),
}
_KONTO: dict[tuple[str, str], tuple[Case, ...]] = {
    ("GET", "/{mandant}/bestaetigen"): (
        own(lambda w: f"bestaetigen?weiter={w.weiter()}", sees=ENTWURFDATEI, fresh=True),
    ),
    ("POST", "/{mandant}/bestaetigen"): (
        form(
            "bestaetigen",
            lambda w, _: {"code": w.code(), "weiter": w.weiter()},
            fresh=True,
            others={one: {422} for one in ANYBODY_ELSE},
        ),
    ),
    ("GET", KONTO): (own("konto", sees=NAME),),
    ("GET", f"{KONTO}/aktivieren"): (own("konto/aktivieren", sees=""),),
    ("POST", f"{KONTO}/aktivieren"): (
        form(
            "konto/aktivieren",
            lambda w, sender: {"code": w.letter(), "angabe": _fact(w, sender)},
            fresh=True,
            others={one: {422} for one in ANYBODY_ELSE},
        ),
    ),
    ("GET", f"{KONTO}/personen"): (own("konto/personen", sees=ZWEITE),),
    ("POST", f"{KONTO}/personen"): (
        form("konto/personen", {"aktion": "wechseln:4712"}, fresh=True, others=_nowhere(*ANYBODY_ELSE)),
        form("konto/personen", {"aktion": "loesen:4712"}, gets=200, level2=True, others=_nowhere(*ANYBODY_ELSE)),
        form(
            "konto/personen",
            lambda w, _: {"aktion": f"wirklich:{w.also_linked_to('4713')}"},
            level2=True,
            others=_nowhere(*ANYBODY_ELSE),
        ),
    ),
    ("GET", f"{KONTO}/sicherheit"): (own("konto/sicherheit", sees=""),),
    ("GET", f"{KONTO}/sicherheit/app"): (own("konto/sicherheit/app", sees="", level2=True),),
    ("POST", f"{KONTO}/sicherheit/app"): (form("konto/sicherheit/app", {"aktion": "beginnen"}, level2=True),),
    ("GET", f"{KONTO}/sicherheit/codes"): (own("konto/sicherheit/codes", sees="", level2=True),),
    ("POST", f"{KONTO}/sicherheit/codes"): (form("konto/sicherheit/codes", {}, gets=200, level2=True),),
    ("GET", f"{KONTO}/daten"): (own("konto/daten", sees=""),),
    ("GET", f"{KONTO}/daten/auskunft.zip"): (own("konto/daten/auskunft.zip", sees=DATEI, level2=True),),
    ("GET", f"{KONTO}/aenderung"): (own("konto/aenderung", sees="", level2=True),),
    ("POST", f"{KONTO}/aenderung"): (
        form("konto/aenderung", {"neu_ort": "99871 Auenfurt", "ab": "2026-12-01"}, level2=True, shared=True),
    ),
    ("GET", NEWS): (own("konto/benachrichtigungen", sees=MAIL),),
    ("POST", NEWS): (form("konto/benachrichtigungen", _no_more_mails),),
    ("GET", f"{NEWS}/bestaetigen"): (
        by_token(
            lambda w: f"konto/benachrichtigungen/bestaetigen?schluessel={w.mail_link()}",
            None,
            gets=200,
            bearer=True,
            others={Who.NEIGHBOUR: {404}},
        ),
    ),
    ("POST", f"{NEWS}/bestaetigen"): (
        by_token(
            lambda w: f"konto/benachrichtigungen/bestaetigen?schluessel={w.mail_link()}",
            {},
            gets=200,
            bearer=True,
            others={Who.NEIGHBOUR: {404}},
        ),
    ),
    ("GET", f"{NEWS}/abbestellen"): (
        by_token(
            lambda w: f"konto/benachrichtigungen/abbestellen?schluessel={w.mail_key()}", None, gets=200, bearer=True
        ),
    ),
    ("POST", f"{NEWS}/abbestellen"): (
        by_token(
            lambda w: f"konto/benachrichtigungen/abbestellen?schluessel={w.mail_key()}", {}, gets=200, bearer=True
        ),
    ),
}
_SESSIONS: dict[tuple[str, str], tuple[Case, ...]] = {
    ("GET", "/{mandant}/sso/{connection}"): (public("sso/website"),),
    ("POST", "/{mandant}/sso/{connection}"): (
        by_token(
            "sso/website",
            _login,
            headers=_from_site,
            gets=303,
            others={Who.STRAY: {401}, Who.NOBODY: {401}},
        ),
    ),
    ("POST", "/{mandant}/sso/{connection}/logout"): (
        by_token(
            "sso/website/logout",
            _logout,
            gets=204,
            fresh=True,
            others={Who.STRAY: {401}, Who.NOBODY: {401}},
        ),
    ),
    ("POST", "/{mandant}/abmelden"): (form("abmelden", {}, fresh=True, keyless=True),),
    ("POST", "/hooks/immotion/{mandant}"): (
        Case(
            Reach.SECRET,
            lambda _world: f"hooks/immotion/{MANDANT}",
            lambda _world, _sender: {},
            headers=_hook,
            gets=204,
            rooted=True,
        ),
    ),
}
_ADMIN: dict[tuple[str, str], tuple[Case, ...]] = {
    ("GET", f"{ADMIN}/version"): (admin("version"),),
    ("GET", f"{ADMIN}/catalog"): (admin("catalog"),),
    ("GET", f"{ADMIN}/status"): (admin("status"),),
    ("GET", f"{ADMIN}/alarms"): (admin("alarms"),),
    ("GET", f"{ADMIN}/vorgaenge"): (admin("vorgaenge?state=waiting"),),
    ("GET", f"{ADMIN}/vorgaenge/{{vorgang_id}}"): (
        admin(lambda w: f"vorgaenge/{w.vorgang}", others={Who.NEIGHBOUR: {404}}),
    ),
    ("POST", f"{ADMIN}/vorgaenge/{{vorgang_id}}/retry"): (
        admin(lambda w: f"vorgaenge/{w.vorgang}/retry", {}, others={Who.NEIGHBOUR: {404}}),
    ),
    ("POST", f"{ADMIN}/vorgaenge/{{vorgang_id}}/park"): (
        admin(lambda w: f"vorgaenge/{w.vorgang}/park", {}, others={Who.NEIGHBOUR: {404}}),
    ),
    ("POST", f"{ADMIN}/retry"): (admin("retry", {}),),
    ("GET", f"{ADMIN}/routing"): (admin("routing?typ=KONTAKT&kontaktthema=ALLGEMEIN"),),
    ("GET", f"{ADMIN}/gebaeude"): (admin("gebaeude", sees=STRASSE),),
    ("GET", f"{ADMIN}/aushaenge"): (admin("aushaenge", sees=AUSHANG),),
    ("POST", f"{ADMIN}/aushaenge"): (admin("aushaenge", NOTICE, gets=201, json=True),),
    ("GET", f"{ADMIN}/aushaenge/{{aushang_id}}"): (
        admin(lambda w: f"aushaenge/{w.fault}", sees=AUSHANG, others={Who.NEIGHBOUR: {404}}),
    ),
    ("PUT", f"{ADMIN}/aushaenge/{{aushang_id}}"): (
        admin(
            lambda w: f"aushaenge/{w.fault}",
            NOTICE | {"titel": {"de": AUSHANG}, "gebaeude": ["G4711"]},
            json=True,
            others={Who.NEIGHBOUR: {404}},
        ),
    ),
    ("POST", f"{ADMIN}/aushaenge/{{aushang_id}}/end"): (
        admin(lambda w: f"aushaenge/{w.one_more_notice()}/end", {}, others={Who.NEIGHBOUR: {404}}),
    ),
}

CASES = _PAGES | _AUSHANG | _FORMS | _VORGAENGE | _DOKUMENTE | _KONTO | _SESSIONS | _ADMIN | OWN_CASES
