"""The page on which residents choose what they are told of by mail, and the receipt that is sent on request."""

from base64 import b64decode
from collections.abc import Iterator

import pytest
from falcon.testing import Result

from service.store import benachrichtigungen
from service.store.database import connected
from service.store.models import MailRow
from service.store.query import dicts
from service.store.records import Benachrichtigung
from tests.support.inprocess import Portal, Visitor
from tests.support.portal import MANDANT

PAGE = "konto/benachrichtigungen"
MAIL = '[service.mail]\nhost = "127.0.0.1"\ntls = "none"\nsender = "portal@x.example"\n'


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    opened = Portal(tmp_path_factory.mktemp("portal"), extra=MAIL)
    yield opened
    opened.close()


@pytest.fixture
def resident(portal: Portal) -> Visitor:
    portal.later(minutes=1)  # `chosen` goes by the time of asking
    visitor = portal.visitor(email="zoe@x.example")
    assert visitor.post(PAGE, visitor.form(PAGE) | {"aktion": "einschalten"}).status_code == 303
    return visitor


def chosen(address: str = "zoe@x.example") -> Benachrichtigung:
    with connected():
        (row,) = dicts(
            benachrichtigungen.BenachrichtigungRow.select()
            .order_by(benachrichtigungen.BenachrichtigungRow.asked_at.desc())
            .limit(1)
        )
    return Benachrichtigung(**row)


def confirm(portal: Portal) -> Benachrichtigung:
    with connected():
        benachrichtigungen.confirm(chosen(), portal.now)
    return chosen()


def test_kinds_and_time_are_chosen_on_the_page_and_shown_there(portal: Portal, resident: Visitor) -> None:
    portal.later(minutes=1)
    wish = {"aktion": "speichern", "art_antwort": "1", "zeit": "taeglich"}
    assert resident.post(PAGE, resident.form(PAGE) | wish).status_code == 303
    with connected():
        (now,) = [one for one in [chosen()] if one.stunde is not None]
    assert (now.wanted, now.stunde) == (("antwort",), 18)
    text = resident.get(PAGE).text
    assert text.count(" checked") == 2
    assert resident.post(PAGE, resident.form(PAGE) | {"aktion": "speichern"}).status_code == 303
    assert chosen().email == ""


def test_the_page_says_that_an_address_takes_no_mail(portal: Portal, resident: Visitor) -> None:
    known = confirm(portal)
    with connected():
        benachrichtigungen.pause(known, "550 5.1.1", portal.now)
    assert "Ihre Adresse nimmt unsere E-Mails nicht an." in resident.get(PAGE).text
    portal.later(minutes=6)
    assert resident.post(PAGE, resident.form(PAGE) | {"aktion": "einschalten"}).status_code == 303
    assert chosen().bounced_at is None


def test_one_click_ends_one_kind_without_signing_in(portal: Portal, resident: Visitor) -> None:
    key = confirm(portal).key
    path = f"{PAGE}/abbestellen?schluessel={key}&art=nachricht"
    assert "Neue Nachricht" in resident.send("GET", path, signed=False).text
    assert resident.send("POST", path, {"List-Unsubscribe": "One-Click"}, signed=False).status_code == 200
    assert chosen().wanted == ("stand", "dokument", "antwort")


def test_a_receipt_is_sent_only_on_request_and_only_to_a_confirmed_address(portal: Portal, resident: Visitor) -> None:
    form = resident.form("melden/kontakt") | {"kontaktthema": "ALLGEMEIN", "betreff": "B", "beschreibung": "Geheim"}
    vorgang = resident.where(resident.post("melden/kontakt", form)).split("/")[1]
    receipt = f"vorgaenge/{vorgang}/quittung"
    assert "quittung/mail" not in resident.get(receipt).text
    assert resident.post(f"{receipt}/mail", resident.form(PAGE)).status_code == 404
    confirm(portal)
    assert resident.post(f"{receipt}/mail", {"csrf_token": "x"}).status_code == 403
    assert _receipts() == []
    assert resident.post(f"{receipt}/mail", resident.form(receipt)).status_code == 303
    (owed,) = _receipts()
    assert owed["recipient"] == "zoe@x.example"
    assert b64decode(owed["facts"]["pdf"]).startswith(b"%PDF")  # type: ignore[index]
    assert "wird Ihnen per E-Mail geschickt" in resident.get(f"{receipt}?geschickt=1").text


@pytest.mark.parametrize(
    "path,given",
    [
        ("melden/kontakt", {"kontaktthema": "ALLGEMEIN", "betreff": "B", "beschreibung": "Frage"}),
        ("melden/beschwerde", {"beschwerdeart": "LAERM_NACHBAR", "beschreibung": "Laut"}),
        ("melden/dokument", {"dokumentart": "MIETBESCHEINIGUNG"}),
        (
            "melden/schaden?schadensort=W_KUECHE&schadenskategorie=SANITAER&schadensart=SANITAER.TROPFT",
            {"schadensort": "W_KUECHE", "beschreibung": "Der Hahn tropft."},
        ),
    ],
)
def test_every_kind_of_vorgang_has_its_receipt_sent(
    portal: Portal, resident: Visitor, path: str, given: dict[str, str]
) -> None:
    confirm(portal)
    before = len(_receipts())
    vorgang = _filed(resident, resident.post(path, resident.form(path) | given))
    receipt = f"vorgaenge/{vorgang}/quittung"
    assert resident.post(f"{receipt}/mail", resident.form(receipt)).status_code == 303
    (*_, owed) = _receipts()
    assert len(_receipts()) == before + 1
    assert b64decode(owed["facts"]["pdf"]).startswith(b"%PDF")  # type: ignore[index]


def test_an_account_that_nobody_is_linked_to_has_its_receipt_sent_too(portal: Portal) -> None:
    portal.later(minutes=1)
    nobody = portal.visitor(email="niemand@x.example", person=None)
    assert nobody.post(PAGE, nobody.form(PAGE) | {"aktion": "einschalten"}).status_code == 303
    confirm(portal)
    receipt = f"vorgaenge/{nobody.file_kontakt()}/quittung"
    assert nobody.post(f"{receipt}/mail", nobody.form(receipt)).status_code == 303
    assert _receipts()[-1]["recipient"] == "niemand@x.example"


def test_whoever_has_confirmed_no_address_is_led_to_where_they_can(portal: Portal, resident: Visitor) -> None:
    page = resident.get(f"vorgaenge/{resident.file_kontakt()}/quittung").text
    assert "bestätigen Sie bitte zuerst Ihre E-Mail-Adresse" in page
    assert f'/{PAGE}"' in page


def _filed(resident: Visitor, answer: Result) -> str:
    return resident.where(answer).split("/")[1]


def _receipts() -> list[dict[str, object]]:
    with connected():
        owed = MailRow.select().where((MailRow.mandant == MANDANT) & (MailRow.kind == "quittung"))
        return dicts(owed.order_by(MailRow.id))
