"""A letter's code links an account to a person; several persons under one account; nothing is told to who guesses."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta

import falcon.testing
import pytest

from service.access.accounts import sign_out_person
from service.access.activation import Invited, Purpose, Terms, invite
from service.access.activation_code import Code, parse
from service.access.audit import Actor, Source
from service.access.facts import Fact
from service.access.hashing import Hasher
from service.access.visitor import digest
from service.store import accounts, audit, stammdaten
from service.store.database import connected
from service.store.records import AuditFilter
from service.store.stammdaten import Aenderung
from tests.support.inprocess import EMBEDDINGS, Portal, Visitor, errors_on
from tests.support.portal import KEY, MANDANT

BEGAN = "1.4.2019"
MISMATCH = "Code und Angabe passen nicht zusammen"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    made = Portal(tmp_path_factory.mktemp("linking"))
    with connected():
        for person, name in {"4711": "Zoë Müller", "4712": "Grete Süßmilch", "4713": "Jana Groß"}.items():
            known(person, name)
    yield made
    made.close()


def known(person: str, name: str) -> None:
    """Let immotion have told of a person with a contract and a home of their own."""
    haus = {"gebaeudeNr": f"G{person}", "strasse": f"Amselgasse {person}", "plz": "99871", "ort": "Auenfurt"}
    vertrag = {"vertragNr": f"V-{person}", "personNr": person, "einheitNr": f"E{person}", "beginn": "2019-04-01"}
    changes = [
        Aenderung("GEBAEUDE", f"G{person}", haus),
        Aenderung("EINHEIT", f"E{person}", {"einheitNr": f"E{person}", "gebaeudeNr": f"G{person}", "lage": "links"}),
        Aenderung("PERSON", person, {"personNr": person, "name": name}),
        Aenderung("VERTRAG", f"V-{person}", vertrag),
    ]
    stammdaten.apply_changes(MANDANT, changes, full_since=None)


def letter(
    portal: Portal, person: str, *, purpose: Purpose = Purpose.PERSON, fact: Fact = Fact.VERTRAGSBEGINN, **more: str
) -> str:
    """Return the code of a fresh letter, as it is printed."""
    terms = Terms(more.get("mandant", MANDANT), purpose, fact, 60)
    with connected():
        made = invite(
            [Invited(person, more.get("came_with", ""))],
            terms,
            Hasher(),
            Source(terms.mandant, Actor.OPERATOR, portal.now),
        )
    return made[0].code.printed


def redeem(visitor: Visitor, code: str, fact: str = BEGAN) -> falcon.testing.Result:
    return visitor.post("konto/aktivieren", visitor.form("konto/aktivieren") | {"code": code, "angabe": fact})


def link(portal: Portal, visitor: Visitor, person: str) -> None:
    assert visitor.where(redeem(visitor, letter(portal, person))).startswith("konto/personen")


def switch(visitor: Visitor, person: str) -> falcon.testing.Result:
    return visitor.post("konto/personen", persons_form(visitor) | {"aktion": f"wechseln:{person}"})


def persons_form(visitor: Visitor) -> Mapping[str, str]:
    return visitor.form("konto/personen")


def acting(visitor: Visitor) -> str:
    found = re.search(r'class="mp-acting">.*?<strong>(.*?)</strong>', visitor.get().text, re.DOTALL)
    return found.group(1) if found else ""


def without_keys(page: falcon.testing.Result) -> str:
    """Return what a page says, without what differs between any two."""
    return re.sub(r'(?:value|nonce|datetime)="[^"]*"', "", page.text)


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_a_code_and_a_fact_link_an_account_to_a_person(portal: Portal, embedding: str) -> None:
    visitor = portal.visitor(embedding, person=None)
    assert "Haben Sie einen Brief mit einem Code?" in visitor.get().text
    landed = visitor.follow(redeem(visitor, letter(portal, "4711")))
    assert "Sie handeln jetzt für Zoë Müller." in landed.text
    overview = visitor.get().text
    assert "Amselgasse 4711, 99871 Auenfurt, links" in overview
    assert "Haben Sie einen Brief" not in overview
    assert acting(visitor) == ""  # there is nobody else to act for


def test_what_was_filed_before_stays_and_a_linked_person_sees_what_is_theirs(portal: Portal) -> None:
    by_claim = portal.visitor(person="4712")
    theirs = by_claim.file_kontakt()
    visitor = portal.visitor(person=None)
    mine = visitor.file_kontakt()
    assert visitor.get(f"vorgaenge/{theirs}").status_code == 404
    link(portal, visitor, "4712")
    assert {visitor.get(f"vorgaenge/{number}").status_code for number in (mine, theirs)} == {200}


@pytest.mark.parametrize(
    "spelling", [str.lower, lambda code: code.replace("-", " "), lambda code: code.replace("-", ""),
                 lambda code: f"  {code.replace('0', 'o').replace('1', 'L')}\n",
                 lambda code: f"https://www.example.test/portal/konto/aktivieren#code={code}"]
)  # fmt: skip
def test_a_code_is_taken_however_it_is_spelled(portal: Portal, spelling: object) -> None:
    visitor = portal.visitor(person=None)
    answer = redeem(visitor, spelling(letter(portal, "4711")), "1. April 2019")
    assert visitor.where(answer) == "konto/personen?neu=1"


@pytest.mark.parametrize(
    "typed, said",
    [
        ("", "Bitte geben Sie den Code ein."),
        ("482 913", "sechs Ziffern, wie eine App sie zeigt"),
        ("3-K7QM-2XPD", "Ersatzcode"),
        ("K7QM-2XPD-9FHA", "Es fehlen welche"),
        ("K7QM-2XPD-9FHA-W3ZC-0000", "zu viele"),
        ("K7QM-2XPD-9FHA-W3ZU", "Tippfehler"),
        ("<b>&", "Es fehlen welche"),
    ],
)
def test_what_is_no_code_gets_its_own_help_by_its_form_alone(portal: Portal, typed: str, said: str) -> None:
    answer = redeem(portal.visitor(person=None), typed)
    assert answer.status_code == 422
    assert said in errors_on(answer)


def test_a_mistyped_code_comes_back_to_be_put_right(portal: Portal) -> None:
    code = letter(portal, "4711")
    wrong = code[:-1] + ("A" if code[-1] != "A" else "B")
    answer = redeem(portal.visitor(person=None), wrong, "1. April 2019")
    assert "Tippfehler" in errors_on(answer)
    assert f'value="{wrong}"' in answer.text
    assert 'value="1. April 2019"' in answer.text


def test_a_fact_that_is_no_date_is_said_before_the_code_is_looked_up(portal: Portal) -> None:
    answer = redeem(portal.visitor(person=None), letter(portal, "4711"), "vor zwei Jahren")
    assert errors_on(answer) == "Bitte geben Sie ein Datum ein, zum Beispiel 1.4.2019."


def unknown(portal: Portal) -> tuple[str, str]:
    return letter(portal, "4711", mandant="nachbar"), BEGAN


def wrong_fact(portal: Portal) -> tuple[str, str]:
    return letter(portal, "4711"), "2.4.2019"


def expired_with_a_wrong_fact(portal: Portal) -> tuple[str, str]:
    code = letter(portal, "4711")
    portal.later(days=61)
    return code, "2.4.2019"


def used_with_a_wrong_fact(portal: Portal) -> tuple[str, str]:
    code = letter(portal, "4711")
    redeem(portal.visitor(person=None), code)
    return code, "2.4.2019"


def worn_out(portal: Portal) -> tuple[str, str]:
    code, guesser = letter(portal, "4711"), portal.visitor(person=None)
    for _ in range(10):
        assert MISMATCH in errors_on(redeem(guesser, code, "2.4.2019"))
    return code, BEGAN


@pytest.mark.parametrize("how", [unknown, wrong_fact, expired_with_a_wrong_fact, used_with_a_wrong_fact, worn_out])
def test_who_guesses_is_told_the_same_whatever_is_wrong(portal: Portal, how: object) -> None:
    code, fact = how(portal)
    answer = redeem(portal.visitor(person=None), code, fact)
    usual = redeem(portal.visitor(person=None), letter(portal, "4713", mandant="nachbar"), BEGAN)
    assert answer.status_code == usual.status_code == 422
    assert MISMATCH in errors_on(answer)
    assert without_keys(answer) == without_keys(usual)


def test_wrong_codes_of_others_do_not_wear_out_a_letter(portal: Portal) -> None:
    code, guesser = letter(portal, "4711"), portal.visitor(person=None)
    other = letter(portal, "4712")
    right, foreign = parse(code), parse(other)
    forged = Code(right.selector, foreign.secret).printed  # of the same row, with another secret
    for _ in range(12):
        assert MISMATCH in errors_on(redeem(guesser, forged))
    assert redeem(portal.visitor(person=None), code).status_code == 303


def test_who_holds_code_and_fact_is_told_why_it_is_not_taken(portal: Portal) -> None:
    former, visitor, other = letter(portal, "4711"), portal.visitor(person=None), portal.visitor(person=None)
    code = letter(portal, "4711")
    assert "neueren Brief" in errors_on(redeem(visitor, former))
    redeem(visitor, code)
    assert "schon benutzt. Waren Sie das nicht" in errors_on(redeem(other, code))
    assert "haben Sie schon eingelöst" in errors_on(redeem(visitor, code))
    old = letter(portal, "4712")
    portal.later(days=60)
    assert "abgelaufen" in errors_on(redeem(other, old))
    assert acting(other) == ""


def test_what_is_asked_for_may_be_a_number_or_come_with_the_list(portal: Portal) -> None:
    by_number = letter(portal, "4711", fact=Fact.VERTRAG_NR)
    by_list = letter(portal, "4712", fact=Fact.CSV, came_with="13. Mai 1950")
    visitor = portal.visitor(person=None)
    assert MISMATCH in errors_on(redeem(visitor, by_list, BEGAN))
    assert redeem(visitor, by_list, "13.05.1950").status_code == 303
    rules = portal.settings.mandanten[MANDANT].invitation
    object.__setattr__(rules, "fact", "vertrag_nr")  # the letter knows better than the settings of today
    try:
        assert "Vertragsnummer" in visitor.get("konto/aktivieren").text
        assert redeem(visitor, by_number, " v 4711 ").status_code == 303
    finally:
        object.__setattr__(rules, "fact", "vertragsbeginn")


def test_a_form_of_another_session_comes_back_with_what_was_typed(portal: Portal) -> None:
    visitor = portal.visitor(person=None)
    form = visitor.form("konto/aktivieren") | {"code": "K7QM", "angabe": BEGAN}
    visitor.sid = "another"
    answer = visitor.post("konto/aktivieren", form)
    assert answer.status_code == 403
    assert 'value="K7QM"' in answer.text


# Several persons


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_somebody_switches_between_persons_without_signing_in_again(portal: Portal, embedding: str) -> None:
    visitor = portal.visitor(embedding, person="4711")
    link(portal, visitor, "4712")
    assert acting(visitor) == "Grete Süßmilch"
    assert visitor.where(switch(visitor, "4711")) == ""
    assert acting(visitor) == "Zoë Müller"
    assert "Amselgasse 4711" in visitor.get().text
    assert "Amselgasse 4712" not in visitor.get().text
    switch(visitor, "4712")
    assert "Amselgasse 4712" in visitor.get().text


def test_a_switch_holds_in_this_session_alone_and_in_all_its_windows(portal: Portal) -> None:
    visitor = portal.visitor(person="4711")
    link(portal, visitor, "4712")
    window = portal.visitor("cookie", sub=visitor.sub, person="4711")
    elsewhere = portal.visitor(sub=visitor.sub, sid="another", person="4711")
    assert (acting(window), acting(elsewhere)) == ("Grete Süßmilch", "Zoë Müller")
    switch(window, "4711")
    assert acting(visitor) == "Zoë Müller"


def test_nobody_switches_to_or_unlinks_a_person_that_is_not_theirs(portal: Portal) -> None:
    visitor = portal.visitor(person="4711")
    link(portal, visitor, "4712")
    assert switch(visitor, "4713").status_code == 404
    for aktion in ("loesen:4713", "wirklich:4713", "loesen:4711", "wirklich:4711", "anders:4712"):
        answer = visitor.post("konto/personen", persons_form(visitor) | {"aktion": aktion})
        assert answer.status_code == 404, aktion
    assert "Groß" not in visitor.get("konto/personen").text


def test_a_link_is_given_up_after_asking_and_its_person_is_out_of_sight_at_once(portal: Portal) -> None:
    number = portal.visitor(person="4712").file_kontakt()
    visitor = portal.visitor(person="4711")
    window = portal.visitor("cookie", sub=visitor.sub, person="4711")
    link(portal, visitor, "4712")
    assert window.get(f"vorgaenge/{number}").status_code == 200
    asked = visitor.post("konto/personen", persons_form(visitor) | {"aktion": "loesen:4712"})
    assert "Verbindung zu Grete Süßmilch lösen?" in asked.text
    assert window.get(f"vorgaenge/{number}").status_code == 200
    done = visitor.post("konto/personen", persons_form(visitor) | {"aktion": "wirklich:4712"})
    assert visitor.where(done) == "konto/personen"
    assert {one.get(f"vorgaenge/{number}").status_code for one in (visitor, window)} == {404}
    assert "Grete" not in visitor.get("konto").text


def test_giving_up_a_link_needs_the_second_factor_of_who_has_one(portal: Portal) -> None:
    visitor = portal.visitor(person="4711")
    link(portal, visitor, "4712")
    visitor.set_up()
    portal.later(minutes=11)
    for aktion in ("loesen:4712", "wirklich:4712"):
        answer = visitor.post("konto/personen", persons_form(visitor) | {"aktion": aktion})
        assert visitor.where(answer).startswith("bestaetigen?weiter=")
    assert acting(visitor) == "Grete Süßmilch"


def test_a_vorgang_of_another_own_person_says_so_and_nobody_elses_does(portal: Portal) -> None:
    visitor = portal.visitor(person="4711")
    mine = visitor.file_kontakt()
    foreign = portal.visitor(person="4713").file_kontakt()
    link(portal, visitor, "4712")
    own, other = (visitor.get(f"vorgaenge/{number}") for number in (mine, foreign))
    assert (own.status_code, other.status_code) == (404, 404)
    assert "konto/personen" in own.text
    assert "Wechseln Sie zu ihr" in own.text
    assert "Wechseln" not in other.text


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_a_form_opened_before_a_switch_is_not_filed_for_the_other_person(portal: Portal, embedding: str) -> None:
    visitor = portal.visitor(embedding, person="4711")
    link(portal, visitor, "4712")
    form = visitor.form("melden/kontakt") | {"kontaktthema": "ALLGEMEIN", "beschreibung": "Für Grete"}
    switch(visitor, "4711")
    before = visitor.get("vorgaenge").text.count("mp-vorgang")
    answer = visitor.post("melden/kontakt", form)
    assert answer.status_code == 403
    assert "hat sich geändert, für wen Sie handeln" in answer.text
    assert "Für Grete" in answer.text
    assert visitor.get("vorgaenge").text.count("mp-vorgang") == before
    switch(visitor, "4712")
    assert "Für Grete" in visitor.get("melden/kontakt").text


def test_drafts_are_shown_for_whom_they_were_written(portal: Portal) -> None:
    visitor = portal.visitor(person="4711")
    visitor.post("melden/kontakt", visitor.form("melden/kontakt") | {"beschreibung": "Meins", "aktion": "speichern"})
    link(portal, visitor, "4712")
    assert "Meins" not in visitor.get("melden/kontakt").text
    assert "Entwurf weiterschreiben" not in visitor.get().text
    switch(visitor, "4711")
    assert "Meins" in visitor.get("melden/kontakt").text


def test_a_draft_of_an_account_without_a_person_stays_when_it_is_linked(portal: Portal) -> None:
    visitor = portal.visitor(person=None)
    form = visitor.form("melden/kontakt")
    visitor.post("melden/kontakt", form | {"beschreibung": "Noch vor dem Brief", "aktion": "speichern"})
    link(portal, visitor, "4711")
    assert "Noch vor dem Brief" in visitor.get("melden/kontakt").text


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_a_message_written_before_a_switch_is_kept_for_after_the_way_back(portal: Portal, embedding: str) -> None:
    visitor = portal.visitor(embedding, person="4711")
    number = visitor.file_kontakt()
    form = visitor.form(f"vorgaenge/{number}") | {"aktion": "nachricht", "nachricht": "Lange überlegt"}
    link(portal, visitor, "4712")
    answer = visitor.post(f"vorgaenge/{number}", form)
    assert answer.status_code == 404
    assert "Ihre Eingaben sind gesichert" in answer.text
    switch(visitor, "4711")
    assert "Lange überlegt" in visitor.get(f"vorgaenge/{number}").text


def test_whoever_acts_for_a_person_is_signed_out_at_once(portal: Portal) -> None:
    linked, claimed, other = (portal.visitor("cookie", person=person) for person in (None, "4713", "4711"))
    link(portal, linked, "4713")
    with connected():
        assert sign_out_person("4713", Source(MANDANT, Actor.OPERATOR, portal.now)) == 2
    assert [one.get().status_code for one in (linked, claimed, other)] == [401, 401, 200]


# Letters for a second factor that was lost


def test_a_letter_removes_the_second_factor_of_who_acts_for_its_person(portal: Portal) -> None:
    visitor = portal.visitor(person="4713")
    visitor.set_up()
    assert visitor.where(redeem(visitor, letter(portal, "4713", purpose=Purpose.FACTOR))) == "konto/sicherheit"
    assert "Nicht eingerichtet" in visitor.get("konto/sicherheit").text


def test_a_letter_for_somebody_elses_second_factor_changes_nothing(portal: Portal) -> None:
    victim, other = portal.visitor(person="4713"), portal.visitor(person="4711")
    victim.set_up()
    other.set_up()
    code = letter(portal, "4713", purpose=Purpose.FACTOR)
    assert "einer anderen Person zurück" in errors_on(redeem(other, code))
    assert all("Eingerichtet am" in one.get("konto/sicherheit").text for one in (victim, other))
    assert acting(other) == ""
    assert redeem(victim, code).status_code == 303


# Where there are no letters


def test_without_the_table_there_is_nothing_to_activate(portal: Portal) -> None:
    visitor = portal.visitor(mandant="nachbar", key=KEY[::-1])
    assert visitor.get("konto/aktivieren").status_code == 404
    assert "aktivieren" not in visitor.get("konto").text
    assert "Code aus einem Brief" not in visitor.get("konto/personen").text


def test_an_e_mail_address_links_nothing(portal: Portal) -> None:
    with connected():
        stammdaten.apply_change(MANDANT, "PERSON", "4714", {"personNr": "4714", "name": "N", "email": "n@example.test"})
    visitor = portal.visitor(person=None, email="n@example.test")
    assert "noch mit keinem Vertrag verbunden" in visitor.get("konto/personen").text
    with connected():
        assert accounts.links_of(MANDANT, "4714") == []


def test_the_code_that_is_asked_for_lasts_as_long_as_the_letter_says(portal: Portal) -> None:
    visitor, code = portal.visitor(person=None), letter(portal, "4711")
    portal.now += timedelta(days=60, seconds=-1)
    assert redeem(visitor, code).status_code == 303


def test_what_happens_to_links_is_in_the_audit_log_without_codes_or_facts(portal: Portal) -> None:
    with connected():
        before = max((entry.id for entry in audit.newest(MANDANT, AuditFilter(), limit=1)), default=0)
    visitor, code = portal.visitor("cookie", person="4711"), letter(portal, "4712")
    redeem(visitor, code, "2.4.2019")
    redeem(visitor, code)
    switch(visitor, "4711")
    visitor.post("konto/personen", persons_form(visitor) | {"aktion": "wirklich:4712"})
    with connected():
        entries = audit.following(MANDANT, AuditFilter(), after=before, limit=20)
    told = [(entry.event, entry.person, entry.facts) for entry in entries if entry.event != "sign_in"]
    assert told == [
        ("invited", "4712", {"purpose": "person"}),
        ("activation_failed", "4711", {"reason": "mismatch"}),
        ("linked", "4712", {}),
        ("switched", "4711", {}),
        ("unlinked", "4712", {}),
    ]
    assert {entry.account for entry in entries if entry.event in {"linked", "switched", "unlinked"}} == {
        digest("website", visitor.sub)
    }
    assert code.replace("-", "") not in repr(entries).replace("-", "")


def test_one_account_that_tries_codes_is_held_up_and_nobody_else(tmp_path_factory: pytest.TempPathFactory) -> None:
    portal = Portal(
        tmp_path_factory.mktemp("limited"), rates='code_account = "3/hour", form_account = "1000000/minute"'
    )
    try:
        with connected():
            known("4711", "Zoë Müller")
        guesser, code = portal.visitor(person=None), letter(portal, "4711")
        statuses = [redeem(guesser, letter(portal, "4711", mandant="nachbar")).status_code for _ in range(4)]
        assert statuses == [422, 422, 422, 429]
        held_up = redeem(guesser, code)
        assert 0 < int(held_up.headers["retry-after"]) <= 3600
        assert redeem(portal.visitor(person=None), code).status_code == 303
    finally:
        portal.close()
