"""Nothing typed or uploaded is lost."""

import re
from pathlib import Path

from tests.support.portal import Resident, forms


def test_what_was_typed_is_there_when_the_form_is_opened_again(resident: Resident) -> None:
    form = resident.form("melden/kontakt")
    resident.post("melden/kontakt", form | {"beschreibung": "Halb fertig", "aktion": "speichern"})
    page = resident.get("melden/kontakt").text
    assert "Halb fertig" in page
    assert form["idempotency_key"] in page


def test_an_uploaded_file_stays_with_the_draft_and_is_filed_with_it(resident: Resident, samples: Path) -> None:
    form = resident.form("melden/kontakt")
    upload = [("anhaenge", ("plan.pdf", (samples / "page.pdf").read_bytes()))]
    page = resident.post("melden/kontakt", form | {"aktion": "hochladen"}, upload)
    assert "plan.pdf" in page.text
    filed = resident.post("melden/kontakt", form | {"kontaktthema": "UMBAU", "beschreibung": "Siehe Plan"})
    assert "plan.pdf" in resident.get(filed.headers["Location"]).text


def test_an_uploaded_file_can_be_removed(resident: Resident, samples: Path) -> None:
    form = resident.form("melden/kontakt")
    upload = [("anhaenge", ("weg.pdf", (samples / "page.pdf").read_bytes()))]
    page = resident.post("melden/kontakt", form | {"aktion": "hochladen"}, upload).text
    button = re.search(r'value="(entfernen:[0-9a-f-]+)"', page)
    assert button
    assert "weg.pdf" not in resident.post("melden/kontakt", form | {"aktion": button.group(1)}).text


def test_an_uploaded_picture_is_shown_as_one_before_it_is_sent_as_after(resident: Resident, samples: Path) -> None:
    form = resident.form("melden/kontakt") | {"kontaktthema": "UMBAU", "beschreibung": "Siehe Bild"}
    upload = [("anhaenge", ("foto.jpg", (samples / "gps.jpg").read_bytes()))]
    draft = resident.post("melden/kontakt", form | {"aktion": "hochladen"}, upload).text
    filed = resident.get(resident.post("melden/kontakt", form).headers["Location"]).text
    before, after = (re.search(r'd="([^"]+)"/></svg>\s*<span class="mp-filename">', page) for page in (draft, filed))
    assert before
    assert after
    assert before.group(1) == after.group(1)


def test_a_discarded_draft_is_gone(resident: Resident) -> None:
    form = resident.form("melden/beschwerde")
    resident.post("melden/beschwerde", form | {"beschreibung": "Doch nicht", "aktion": "speichern"})
    assert resident.post("melden/beschwerde", form | {"aktion": "verwerfen"}).status_code == 303
    assert "Doch nicht" not in resident.get("melden/beschwerde").text


def test_saving_after_filing_leaves_no_draft(resident: Resident) -> None:
    form = resident.form("melden/kontakt") | {"kontaktthema": "ALLGEMEIN", "beschreibung": "Frage"}
    assert resident.post("melden/kontakt", form).status_code == 303
    resident.post("melden/kontakt", form | {"aktion": "speichern"})
    assert form["idempotency_key"] not in resident.get("melden/kontakt").text


def test_a_draft_belongs_to_its_account_alone(resident: Resident) -> None:
    form = resident.form("melden/kontakt")
    resident.post("melden/kontakt", form | {"beschreibung": "Nur meins", "aktion": "speichern"})
    other = Resident(resident.url, sub="fe_users:other-draft", person=resident.person)
    assert "Nur meins" not in other.get("melden/kontakt").text


def test_a_form_of_an_ended_cms_session_comes_back_with_everything(resident: Resident, samples: Path) -> None:
    form = resident.form("melden/kontakt")
    resident.sid = "session-2"
    upload = [("anhaenge", ("plan.pdf", (samples / "page.pdf").read_bytes()))]
    answer = resident.post("melden/kontakt", form | {"kontaktthema": "UMBAU", "beschreibung": "Langer Text"}, upload)
    assert answer.status_code == 403
    assert "Langer Text" in answer.text
    assert "plan.pdf" in answer.text
    again = forms(answer.text)[0] | {"kontaktthema": "UMBAU", "beschreibung": "Langer Text"}
    assert resident.post("melden/kontakt", again).status_code == 303


def test_a_form_without_its_token_is_refused_but_shown_again(resident: Resident) -> None:
    form = resident.form("melden/kontakt") | {"csrf_token": "forged", "beschreibung": "Kommt zurück"}
    answer = resident.post("melden/kontakt", form)
    assert answer.status_code == 403
    assert "Kommt zurück" in answer.text
    assert "Kommt zurück" not in resident.get("melden/kontakt").text


def test_the_token_of_another_account_is_refused(resident: Resident) -> None:
    other = Resident(resident.url, sub="fe_users:attacker", person="P999999")
    form = other.form("melden/kontakt") | {"kontaktthema": "ALLGEMEIN", "beschreibung": "x"}
    assert resident.post("melden/kontakt", form).status_code == 403
