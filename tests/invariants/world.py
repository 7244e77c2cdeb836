"""Two Mandanten with residents in them, and words that nobody but their owner may ever read.

Everybody has a second factor and is at level 2, so that what keeps somebody out is never the missing code; the one who
stands at level 1 is the owner, in another session of the CMS.
"""

import base64
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import ClassVar
from uuid import UUID, uuid4

from service.access.activation import Invited, Purpose, Terms, invite
from service.access.audit import Actor, Source
from service.access.factors import bound_to
from service.access.facts import Fact
from service.access.filetoken import FileTokens
from service.access.formtoken import FormOrigin, FormTokens
from service.access.hashing import Hasher
from service.access.mailtoken import MailTokens
from service.access.totp import grouped, new_secret
from service.access.vault import Vault
from service.access.visitor import account_of
from service.access.weiter import Weiter, WeiterTokens
from service.files.intake import StoredFile, take_in
from service.files.refusal import Limits
from service.files.storage import Folder
from service.store import accounts, benachrichtigungen, cms_sessions, drafts, factors, level2, stammdaten, vorgaenge
from service.store.database import connected, database
from service.store.dokument_records import Ziel
from service.store.models import MODELS, VorgangRow
from service.store.owner import owner_of_account, owner_of_person
from service.store.records import AccountKey, Benachrichtigung, Draft, Link
from service.store.stammdaten import Aenderung
from service.vorgang.filing import anhang_rows
from tests.invariants.own_world import SETTINGS as OWN_SETTINGS
from tests.invariants.own_world import UNLIMITED, OwnLogin
from tests.invariants.passkey_world import HeldPasskey
from tests.invariants.people import NEIGHBOUR, Somebody, Who
from tests.support.aushang import hang
from tests.support.dokumente import publish
from tests.support.inprocess import Portal
from tests.support.portal import ENCRYPTION_KEY, KEY, MANDANT

METRICS_TOKEN = "m" * 32
HOOKS = {name: "whsec_" + base64.b64encode(name.encode() * 4).decode() for name in (MANDANT, NEIGHBOUR)}
PDF = (Path(__file__).parent.parent / "files" / "page.pdf").read_bytes()
BEGAN = "1.4.2019"
PLAIN_FORM = "konto/aktivieren"  # a form that has a fresh key whenever it is shown
SCHADEN = {"schadensort": "W_KUECHE", "schadenskategorie": "SANITAER", "schadensart": "SANITAER.TROPFT"}

# Of the account alone, and of the person, whom another account may stand for too
MAIL, ENTWURF, ENTWURFDATEI, ZWEITE = "kanarienpost", "Kanarienentwurf", "Kanarienbild", "Kanarienmutter"
NAME, BETREFF, TEXT, NACHRICHT = "Kanarienvogel", "Kanarienbetreff", "Kanarientext", "Kanarienantwort"
DATEI, STRASSE, REST, PASSKEY = "Kanariendatei", "Kanariengasse", "Kanarienrest", "Kanarienring"
AUSHANG, BRIEF = "Kanarienaushang", "Kanarienbrief"
OF_ACCOUNT = (MAIL, ENTWURF, ENTWURFDATEI, ZWEITE, REST, PASSKEY)
OF_PERSON = (NAME, BETREFF, TEXT, NACHRICHT, DATEI, STRASSE, AUSHANG, BRIEF)

SETTINGS = {
    "service": f'metrics_token = "{METRICS_TOKEN}"',
    "immotion": f'webhook_secrets = ["{HOOKS[MANDANT]}"]',
    "extra": f"""
[service.mail]
host = "127.0.0.1"
port = 1
tls = "none"
sender = "portal@x.example"
[mandanten.{NEIGHBOUR}.immotion]
url = "http://127.0.0.1:1"
webhook_secrets = ["{HOOKS[NEIGHBOUR]}"]
[mandanten.{NEIGHBOUR}.invitation]
url = "http://127.0.0.1:8080/mieterportal/konto/aktivieren"
[mandanten.{NEIGHBOUR}.level2]
minutes = 60
{OWN_SETTINGS}
""",
    "rates": UNLIMITED,
}


@dataclass
class World:
    """A portal, who is in it, and what the owner has."""

    directory: Path
    made: dict[str, str] = field(default_factory=dict)

    SIGNED_IN: ClassVar = (Who.OWNER, Who.LEVEL_1, Who.CO_RESIDENT, Who.FOREIGN, Who.NEIGHBOUR)

    def __post_init__(self) -> None:
        level2 = "minutes = 60"
        self.portal = Portal(self.directory, level2=level2, host="localhost", more=SETTINGS)
        for person, name, street in (
            ("4711", NAME, STRASSE),
            ("4712", ZWEITE, f"{STRASSE}-2"),
            ("4713", "Jana Groß", "Weg 3"),
            ("4799", "Ida Fremd", "Weg 9"),
        ):
            self._known(person, name, street)
        at_home = Somebody(self.portal, sub="owner", sid="o1", person="4711", email=f"{MAIL}@x.example", name=NAME)
        there = {"mandant": NEIGHBOUR, "key": KEY[::-1], "email": "ida@x.example", "name": "Ida Neben"}
        made = {
            Who.OWNER: at_home,
            Who.CO_RESIDENT: Somebody(self.portal, sub="co", sid="c1", person=None),
            Who.FOREIGN: Somebody(self.portal, sub="foreign", sid="f1", person="4799"),
            Who.NEIGHBOUR: replace(at_home, **there),
        }
        self._link("owner", "4712")
        self._link("co", "4711")
        self.codes = made[Who.OWNER].set_up()
        for who in (Who.CO_RESIDENT, Who.FOREIGN, Who.NEIGHBOUR):
            self._raise(made[who])
        made[Who.LEVEL_1] = replace(made[Who.OWNER], sid="o2")
        made[Who.STRAY] = replace(made[Who.NEIGHBOUR], mandant=MANDANT)
        made[Who.NOBODY] = Somebody(self.portal, sub="nobody")
        self.fragments = {who: replace(visitor, who=who) for who, visitor in made.items()}
        self.browsers = {
            who: self._in_browser(visitor) for who, visitor in self.fragments.items() if who in self.SIGNED_IN
        }
        self.browsers[Who.STRAY] = replace(self.fragments[Who.STRAY], session=self.browsers[Who.NEIGHBOUR].session)
        self.browsers[Who.NOBODY] = self.fragments[Who.NOBODY]
        self._owns(self.fragments[Who.OWNER])
        self.own = OwnLogin(self.portal, f"{MAIL}@own.example", self._raise, self.lift)
        self.passkey = HeldPasskey(self.fragments[Who.OWNER], PASSKEY)
        self.own_passkey = HeldPasskey(self.own.people[Who.OWNER], PASSKEY)

    def _raise(self, visitor: Somebody) -> None:
        """Give somebody an app, without the codes that take time to hash, and put their session at level 2."""
        visitor.secret = new_secret()
        sealed = Vault([ENCRYPTION_KEY]).seal(visitor.secret, bound=bound_to(visitor.account))
        sid, now = visitor.of_cms_session.cms_session, self.portal.now
        with connected():
            factors.begin(visitor.account, person=visitor.person, sealed=sealed, session=sid, now=now)
            factors.confirm(visitor.account, sealed=sealed, step=0, now=now)
        self.lift(visitor)

    def lift(self, visitor: Somebody) -> None:
        """Put somebody's session at level 2."""
        now = self.portal.now
        with connected():
            cms_sessions.hold(visitor.of_cms_session, now=now)
            level2.lift(visitor.of_cms_session, visitor.account, until=now + timedelta(hours=1), by="app")

    def unblock(self) -> None:
        """Let the owner's wrong codes be forgotten, so that the next one is looked at."""
        who = AccountKey(MANDANT, self.account)
        with connected():
            level2.forgive(level2.app_counter(who))
            level2.forgive(level2.recovery_counter(who))

    def who(self, who: Who, *, browser: bool, fresh: bool = False) -> Somebody:
        """Return somebody, in a browser or by fragments; `fresh` in a session of the CMS that nobody used before."""
        if not fresh or who not in self.SIGNED_IN:
            return (self.browsers if browser else self.fragments)[who]
        anew = replace(self.fragments[who], sid=uuid4().hex)
        return self._in_browser(anew) if browser else anew

    def _in_browser(self, visitor: Somebody) -> Somebody:
        signed_in = replace(visitor, session={})
        signed_in.sign_in_by_button()
        return signed_in

    # What the owner has

    def _owns(self, owner: Somebody) -> None:
        form = owner.form("melden/kontakt") | {"kontaktthema": "ALLGEMEIN", "betreff": BETREFF, "beschreibung": TEXT}
        files = {"anhaenge": (f"{DATEI}.pdf", PDF)}
        self.vorgang = owner.where(owner.post("melden/kontakt", form, files)).split("/")[1]
        path = f"vorgaenge/{self.vorgang}"
        assert owner.post(path, owner.form(path) | {"nachricht": NACHRICHT}).status_code == 303
        with connected():
            (self.upload,) = (str(file.id) for file in vorgaenge.anhaenge(UUID(self.vorgang)))
            filed = {VorgangRow.meldezeit: self.portal.now - timedelta(days=1)}  # not just now
            VorgangRow.update(filed).where(VorgangRow.id == UUID(self.vorgang)).execute()
        self.document = self.portal.document(self.vorgang, PDF).rpartition("/")[2]
        for name in ("kontakt", "schaden", "beschwerde", "dokument"):
            form = owner.form(PLAIN_FORM) | SCHADEN | {"beschreibung": ENTWURF, "zweck": ENTWURF, "aktion": "speichern"}
            picture = {"anhaenge": (f"{ENTWURFDATEI}.pdf", PDF)}
            assert owner.post(f"melden/{name}", form, picture).status_code == 200
        with connected():
            self.draft = str(drafts.latest(MANDANT, self.account, "kontakt", self.owner_keys).id)
        whose = Ziel(owner_of_person(MANDANT, "4711"), "")
        storage = Folder(self.portal.settings.service.files)
        self.brief = str(publish(storage, MANDANT, PDF, whose, titel=BRIEF))
        assert owner.get(f"dokumente/{self.brief}").status_code == 200  # which is noted, the first time
        form = owner.form("konto/benachrichtigungen") | {"aktion": "einschalten"}
        assert owner.post("konto/benachrichtigungen", form).status_code == 303

        works = {"art": "ARBEITEN", "bis": self.portal.now + timedelta(days=300)}
        self.works = str(hang(self.portal, f"{AUSHANG}-2", gebaeude=("G4711",), **works).id)
        self.fault = str(hang(self.portal, AUSHANG, gebaeude=("G4711",)).id)

    @cached_property
    def account(self) -> str:
        return account_of("website", "owner")

    @cached_property
    def owner_keys(self) -> tuple[str, ...]:
        of_persons = tuple(owner_of_person(MANDANT, person) for person in ("4711", "4712"))
        return (owner_of_account(MANDANT, self.account), *of_persons)

    def told_by_mail(self) -> None:
        """Let the owner have switched it on, and not confirmed it yet."""
        self._once("mail", self.mail_key)
        self.fragments[Who.OWNER].get("konto/benachrichtigungen")  # notes for whom the account acts now

    def confirmed_by_mail(self) -> None:
        """Let the owner's address be confirmed."""
        chosen = self._chosen()
        with connected():
            benachrichtigungen.confirm(chosen, self.portal.now)

    def mail_key(self) -> str:
        """Return what the link carries that ends the owner's mails."""
        return str(self._chosen().key)

    def mail_link(self) -> str:
        """Return what the link in the owner's mail carries."""
        chosen = self._chosen()
        return MailTokens([KEY]).issue(MANDANT, str(chosen.key), chosen.asked_at.isoformat())

    def _chosen(self) -> Benachrichtigung:
        """Return what the owner has chosen; again, if it was ended meanwhile."""
        with connected():
            chosen = benachrichtigungen.of_account(MANDANT, self.account)
            assert chosen is not None
            again = replace(chosen, email=f"{MAIL}@x.example", asked_at=self.portal.now)
            benachrichtigungen.put(again)
        return again

    def hidden(self, maker: Somebody) -> dict[str, str]:
        """Return the hidden fields of a fresh form, as any page of this one's session has them; nobody has none."""
        if maker.who == Who.NOBODY:
            return {}
        there = NEIGHBOUR if maker.who == Who.STRAY else maker.mandant
        return asdict(FormTokens([KEY]).issue(replace(maker.reader, mandant=there)))

    def file_token(self) -> str:
        """Return the reference, for the owner's draft, to a file that an earlier attempt has left in storage."""
        return self._once("reference", self._refer)

    def _refer(self) -> str:
        origin = FormOrigin(self.account, "", UUID(self.draft), "de")
        return FileTokens([KEY]).issue(MANDANT, origin, self._kept(f"{REST}.pdf"))

    def draft_anew(self, form: str) -> str:
        """Let the owner's newest draft of a form be what it was; return the form's path."""
        return self._once(f"draft of {form}", lambda: self._write_draft(form))

    def _write_draft(self, form: str) -> str:
        self.portal.later(seconds=1)
        typed = SCHADEN | {"beschreibung": ENTWURF, "zweck": ENTWURF}
        key = UUID(self.draft) if form == "kontakt" else uuid4()
        with connected():
            drafts.save(Draft(key, MANDANT, self.account, form, typed, self.portal.now))
        return f"melden/{form}"

    def one_more_file(self) -> str:
        """Put one more file to the owner's draft, and return its id."""
        return self._once("file", self._put_file)

    def _put_file(self) -> str:
        kept = self._kept("noch-eins.pdf")
        with connected():
            vorgaenge.add_anhaenge(anhang_rows([kept], MANDANT, self.portal.now, draft_id=UUID(self.draft)))
        return str(kept.id)

    def one_more_notice(self) -> str:
        """Put one more notice up in the owner's building, and return its id."""
        return self._once("notice", lambda: str(hang(self.portal, AUSHANG, gebaeude=("G4711",)).id))

    def _kept(self, name: str) -> StoredFile:
        storage = Folder(self.portal.settings.service.files)
        return take_in(BytesIO(PDF), name, storage=storage, limits=Limits(), taken_files=0, taken_bytes=0)

    @cached_property
    def style(self) -> str:
        """Return the path of the style sheet."""
        page = self.portal.client.simulate_get(f"/{MANDANT}/notfall").text
        found = re.search(rf'"[^"]*/{MANDANT}/(static/[^"]+css)"', page)
        assert found, page
        return found.group(1)

    def weiter(self) -> str:
        return WeiterTokens([KEY]).sign(MANDANT, Weiter("konto", draft=self.draft))

    def code(self) -> str:
        """Return what the owner's app shows and nobody has used."""
        return self._once("code", self._next_code)

    def _next_code(self) -> str:
        self.portal.later(seconds=30)
        return self.fragments[Who.OWNER].code()

    def begin_anew(self) -> None:
        """Make codes, letters and files anew from now on."""
        self.made.clear()
        self.own.begin_anew()

    def _once(self, what: str, make: Callable[[], str]) -> str:
        if what not in self.made:
            self.made[what] = make()
        return self.made[what]

    def letter(self) -> str:
        """Return the code of a letter that nobody has used."""
        return self._once("letter", self._invite)

    def _invite(self) -> str:
        terms = Terms(MANDANT, Purpose.PERSON, Fact.VERTRAGSBEGINN, 60)
        with connected():
            (made,) = invite([Invited("4712")], terms, Hasher(), Source(MANDANT, Actor.OPERATOR, self.portal.now))
        return made.code.printed

    def also_linked_to(self, person: str) -> str:
        """Link the owner to one more person, and return them."""
        self._link("owner", person)
        return person

    def _link(self, sub: str, person: str) -> None:
        with connected():
            accounts.link(Link(MANDANT, account_of("website", sub), person, "website", self.portal.now))

    def _known(self, person: str, name: str, street: str) -> None:
        haus = {"gebaeudeNr": f"G{person}", "strasse": street, "plz": "99871", "ort": "Auenfurt"}
        vertrag = {"vertragNr": f"V-{person}", "personNr": person, "einheitNr": f"E{person}", "beginn": "2019-04-01"}
        changes = [
            Aenderung("GEBAEUDE", f"G{person}", haus),
            Aenderung("EINHEIT", f"E{person}", {"einheitNr": f"E{person}", "gebaeudeNr": f"G{person}", "lage": "EG"}),
            Aenderung("PERSON", person, {"personNr": person, "name": name}),
            Aenderung("VERTRAG", f"V-{person}", vertrag),
        ]
        with connected():
            stammdaten.apply_changes(MANDANT, changes, full_since=None)

    # What may be read by whom, and what has changed

    def forbidden(self, who: Who) -> tuple[str, ...]:
        """Return the words that this one may not read anywhere."""
        if who in {Who.OWNER, Who.LEVEL_1}:
            return ()
        secret = self.fragments[Who.OWNER].secret
        secrets = (secret, grouped(secret), self.portal.settings.service.metrics_token)
        return (*OF_ACCOUNT, *secrets, *(OF_PERSON if who != Who.CO_RESIDENT else ()))

    def rows(self, *, but: Iterable[str] = ("jti", "audit")) -> dict[str, list[str]]:
        """Return all that is stored, but for used-up token ids and the log of what was refused."""
        with connected():
            return {table: _rows_of(table) for table in sorted({model._meta.table_name for model in MODELS} - set(but))}

    def owners_rows(self) -> dict[str, list[str]]:
        """Return of it what is the owner's."""
        marks = (self.account, *self.owner_keys, self.vorgang, self.draft, self.upload, self.document)
        marks += self.own.marks
        marks += tuple(mark.replace("-", "") for mark in marks)  # as SQLite keeps ids
        return {
            table: [row for row in rows if MANDANT in row and any(mark in row for mark in marks)]
            for table, rows in self.rows().items()
        }

    def close(self) -> None:
        self.portal.close()


def _rows_of(table: str) -> list[str]:
    """Return the rows as the engine has them; that a session is in use does not count."""
    cursor = database.execute_sql(f"SELECT * FROM {table}")
    names = [column[0] for column in cursor.description]
    return sorted(str({n: v for n, v in zip(names, row, strict=True) if n != "seen_at"}) for row in cursor.fetchall())
