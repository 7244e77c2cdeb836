"""Being told by mail that there is something new: chosen, confirmed from the mailbox, ended by one click."""

import re
from collections.abc import Iterator
from email.message import EmailMessage
from itertools import count
from uuid import uuid4

import pytest
import requests

from tests.support.mailbox import Mailbox, mail_server
from tests.support.portal import Installation, Resident, eventually, forms
from tests.web.test_vorgang import arrived, tell

PAGE = "konto/benachrichtigungen"
_numbers = count(1)


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    with mail_server(Mailbox()) as running:
        yield running


@pytest.fixture(scope="module")
def mailing(tmp_path_factory: pytest.TempPathFactory, mailbox: Mailbox) -> Iterator[Installation]:
    extra = f'[service.mail]\nhost = "127.0.0.1"\nport = {mailbox.port}\ntls = "none"\nsender = "portal@x.example"\n'
    installation = Installation(tmp_path_factory.mktemp("mailing"), extra=extra)
    try:
        installation.start_standin()
        installation.start_portal()
        installation.start_sync()
        yield installation
    finally:
        installation.stop_all()


@pytest.fixture
def resident(mailing: Installation) -> Resident:
    number = next(_numbers)
    return mailing.resident(sub=f"mail:{number}", person=f"M{number}", email=f"mail{number}@x.example")


def address(resident: Resident) -> str:
    return str(resident.claims["email"])


def mails_for(mailbox: Mailbox, resident: Resident) -> list[EmailMessage]:
    return [message for message in list(mailbox.messages) if message["To"] == address(resident)]


def switch(resident: Resident, aktion: str) -> requests.Response:
    return resident.post(PAGE, resident.form(PAGE) | {"aktion": aktion})


def link_in(message: EmailMessage, page: str) -> str:
    text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    found = re.search(rf"http://\S+/{page}\?\S+", text)
    assert found, text
    return found.group()


def switched_on(mailbox: Mailbox, resident: Resident) -> str:
    """Choose and confirm; return the link of the first mail."""
    assert switch(resident, "einschalten").status_code == 303
    (message,) = eventually(lambda: mails_for(mailbox, resident))
    link = link_in(message, "bestaetigen")
    assert requests.post(link, timeout=10).status_code == 200
    return link


def news(mailing: Installation, resident: Resident, number: str, text: str) -> None:
    tell(mailing, number, "AKTIVITAET", {"art": "NACHRICHT", "text": text, "autor": "Frau Yıldız"})
    eventually(lambda: "neue Nachricht" in resident.get().text)


def test_the_whole_way_from_choosing_to_one_click(mailing: Installation, mailbox: Mailbox, resident: Resident) -> None:
    page = resident.get(PAGE).text
    assert "Ausgeschaltet" in page
    assert address(resident) in page
    assert switch(resident, "einschalten").status_code == 303
    assert "Noch nicht bestätigt" in resident.get(PAGE).text
    (first,) = eventually(lambda: mails_for(mailbox, resident))
    link = link_in(first, "bestaetigen")
    for _ in range(2):  # mail scanners open links
        opened = requests.get(link, timeout=10)
        assert opened.status_code == 200
        assert "<form" in opened.text
    assert "Noch nicht bestätigt" in resident.get(PAGE).text
    assert "E-Mail-Adresse bestätigt" in requests.post(link, timeout=10).text
    assert requests.post(link, timeout=10).status_code == 200
    assert "Eingeschaltet" in resident.get(PAGE).text

    number = resident.file_schaden()
    arrived(mailing, number)
    meldenummer = re.search(r"\d{4}-\d{6}", resident.get(f"vorgaenge/{number}/quittung").text).group()  # type: ignore[union-attr]
    news(mailing, resident, number, "Geheimer Inhalt")
    news(mailing, resident, number, "Noch einer")
    eventually(lambda: "2 neue Nachrichten" in resident.get().text)
    notice = eventually(lambda: mails_for(mailbox, resident)[1:])[0]
    assert notice["Subject"] == "Es gibt etwas Neues in Ihrem Mieterportal"
    assert f"Meldenummer {meldenummer}" in notice.get_body(("plain",)).get_content()
    for hidden in ("Geheimer", "Yıldız", "Müller", "Hahn"):
        assert hidden not in notice.as_string()
    resident.get(f"vorgaenge/{number}")
    news(mailing, resident, number, "Nach dem Lesen")
    eventually(lambda: len(mails_for(mailbox, resident)) == 3)

    one_click = notice["List-Unsubscribe"].strip("<>")
    assert requests.get(one_click, timeout=10).status_code == 200
    assert "Eingeschaltet" in resident.get(PAGE).text
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "https://mail.example"}
    ended = requests.post(one_click, "List-Unsubscribe=One-Click", headers=headers, timeout=10, allow_redirects=False)
    assert ended.status_code == 200
    assert "Ausgeschaltet" in resident.get(PAGE).text
    resident.get(f"vorgaenge/{number}")
    news(mailing, resident, number, "Nach dem Ende")
    assert len(mails_for(mailbox, resident)) == 3
    for log in ("portal", "sync"):
        assert address(resident) not in mailing.log(log)
        assert "schluessel" not in mailing.log(log)


def test_an_open_vorgang_says_when_to_look_again(mailing: Installation, mailbox: Mailbox, resident: Resident) -> None:
    told, offered = "Gibt es etwas Neues, bekommen Sie eine E-Mail", "Auf Wunsch bekommen Sie dann eine E-Mail"
    again = "Neues sehen Sie, wenn Sie diese Seite wieder öffnen oder neu laden."
    nobody = mailing.resident(sub="nomail:vorgang", person="NV", email="zoe")
    page = nobody.get(f"vorgaenge/{nobody.file_schaden()}").text
    assert again in page
    assert offered not in page
    number = resident.file_schaden()
    assert offered in resident.get(f"vorgaenge/{number}").text
    switched_on(mailbox, resident)
    page = resident.get(f"vorgaenge/{number}").text
    assert told in page
    assert again not in page


def test_nobody_is_told_before_they_have_confirmed(mailing: Installation, mailbox: Mailbox, resident: Resident) -> None:
    assert switch(resident, "einschalten").status_code == 303
    eventually(lambda: mails_for(mailbox, resident))
    number = resident.file_schaden()
    arrived(mailing, number)
    news(mailing, resident, number, "Neu")
    assert len(mails_for(mailbox, resident)) == 1


def test_a_page_with_a_form_ends_it_for_people(mailing: Installation, mailbox: Mailbox, resident: Resident) -> None:
    switched_on(mailbox, resident)
    number = resident.file_schaden()
    arrived(mailing, number)
    news(mailing, resident, number, "Neu")
    notice = eventually(lambda: mails_for(mailbox, resident)[1:])[0]
    link = link_in(notice, "abbestellen")
    page = requests.get(link, timeout=10).text
    action = re.search(r'action="([^"]+abbestellen[^"]+)"', page).group(1).replace("&amp;", "&")  # type: ignore[union-attr]
    assert "ausgeschaltet" in requests.post(f"{mailing.url}{action}", timeout=10).text
    assert "Ausgeschaltet" in resident.get(PAGE).text


def test_it_is_ended_on_the_page_too_and_the_old_link_confirms_nothing(mailbox: Mailbox, resident: Resident) -> None:
    link = switched_on(mailbox, resident)
    assert switch(resident, "ausschalten").status_code == 303
    assert "Ausgeschaltet" in resident.get(PAGE).text
    assert requests.get(link, timeout=10).status_code == requests.post(link, timeout=10).status_code == 404
    again = switch(resident, "einschalten")
    assert again.status_code == 429
    assert again.headers["Retry-After"] == "300"
    assert "fünf Minuten" in again.text


def test_links_that_were_changed_or_belong_elsewhere_do_nothing(
    mailing: Installation, mailbox: Mailbox, resident: Resident
) -> None:
    assert switch(resident, "einschalten").status_code == 303
    link = link_in(eventually(lambda: mails_for(mailbox, resident))[0], "bestaetigen")
    token = link.partition("schluessel=")[2].partition("&")[0]
    bad = [token[:-1], token[::-1], "", "x" * 3000, str(uuid4()), token.partition(".")[0]]
    for one in bad:
        for method in ("GET", "POST"):
            answer = requests.request(method, link.replace(token, one), timeout=10)
            assert answer.status_code == 404, one
    assert requests.post(link.replace("/musterbau/", "/nachbar/"), timeout=10).status_code == 404
    end = link.replace("bestaetigen", "abbestellen")
    for one in (*bad, token):
        assert requests.post(end.replace(token, one), timeout=10).status_code == 200
    assert "Noch nicht bestätigt" in resident.get(PAGE).text


def test_without_a_usable_address_nothing_can_be_chosen(mailing: Installation, mailbox: Mailbox) -> None:
    for number, unusable in enumerate(
        ["", "zoe", "a b@x.example", "a@x", "a@x.example\nBcc: b@y.example", "a@" + "x" * 250]
    ):
        nobody = mailing.resident(sub=f"nomail:{number}", person=f"N{number}", email=unusable)
        if unusable == "":
            nobody.claims.pop("email")
            nobody.claims["email"] = " "
        assert "keine E-Mail-Adresse" in nobody.get(PAGE).text
    before = len(mailbox.messages)
    lacking = mailing.resident(sub="nomail:form", person="NF", email="zoe")
    other = mailing.resident(sub="nomail:form", person="NF", email="zoe@x.example")
    assert lacking.post(PAGE, other.form(PAGE) | {"aktion": "einschalten"}).status_code == 303
    assert len(mailbox.messages) == before


def test_another_address_is_confirmed_anew(mailing: Installation, mailbox: Mailbox, resident: Resident) -> None:
    assert switch(resident, "einschalten").status_code == 303
    eventually(lambda: mails_for(mailbox, resident))
    moved = mailing.resident(sub=resident.sub, person=resident.person, email="neu@x.example")
    page = moved.get(PAGE).text
    assert "An die jetzige Adresse schreiben" in page
    assert address(resident) in page
    assert switch(moved, "einschalten").status_code == 429
    link = link_in(mails_for(mailbox, resident)[0], "bestaetigen")
    assert requests.post(link, timeout=10).status_code == 200
    assert "Ihre Adresse ist jetzt neu@x.example" in moved.get(PAGE).text


def test_a_form_without_its_token_changes_nothing(resident: Resident) -> None:
    form = resident.form(PAGE) | {"aktion": "einschalten"}
    refused = resident.post(PAGE, form | {"csrf_token": "x"})
    assert refused.status_code == 403
    assert "noch einmal" in refused.text
    assert "Ausgeschaltet" in resident.get(PAGE).text
    token = resident.token()
    assert resident.post(PAGE, form, token=token).status_code == 303
    assert resident.post(PAGE, form, token=token).status_code == 401
    assert requests.get(f"{resident.url}/musterbau/{PAGE}", timeout=10).status_code == 401


def test_english_readers_get_pages_and_mails_in_english(mailbox: Mailbox, resident: Resident) -> None:
    resident.claims["lang"] = "en"
    assert "Notifications" in resident.get(PAGE).text
    assert switch(resident, "einschalten").status_code == 303
    (message,) = eventually(lambda: mails_for(mailbox, resident))
    assert message["Subject"] == "Please confirm your email address"
    assert "Confirm" in requests.get(link_in(message, "bestaetigen"), timeout=10).text


def test_without_a_mail_server_there_is_no_such_page(portal: Installation) -> None:
    reader = portal.resident(sub="none:1", person="NONE")
    assert reader.get(PAGE).status_code == 404
    assert reader.post(PAGE, forms(reader.get("melden/kontakt").text)[0]).status_code == 404
    assert "Benachrichtigungen" not in reader.get().text
