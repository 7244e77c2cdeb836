"""Notices: who sees which, in which words and times; who is concerned counts once; before reports, in calendars."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from icalendar import Calendar

from service.files.storage import Folder
from service.store import aushaenge, outbox, vorgaenge
from service.store.database import connected, database
from service.store.owner import owner_of_person
from service.store.records import Vorgang
from service.sync.housekeeping import tidy
from service.sync.immotion.wire import vorgang_body
from service.vorgang.aushang import AushangRefused
from service.vorgang.catalog import default_catalog
from tests.support.aushang import hang, haus, local
from tests.support.dokumente import einheit, gebaeude, person, tell, vertrag
from tests.support.inprocess import Portal, Visitor
from tests.support.portal import MANDANT, forms

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)  # nine o'clock in Berlin


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    portal = Portal(tmp_path_factory.mktemp("portal"))
    portal.now = NOW
    tell(
        MANDANT,
        *(person(nr) for nr in ("P1", "P2", "P3")),
        gebaeude("G1"),
        gebaeude("G2"),
        einheit("E1", "G1"),
        einheit("E2", "G2"),
        vertrag("V1", "P1", "E1", beginn="2020-01-01"),
        vertrag("V2", "P2", "E2", beginn="2020-01-01"),
        vertrag("V3", "P3", "E1", beginn="2020-01-01", ende="2025-12-31"),
    )
    yield portal
    portal.close()


@pytest.fixture
def portal(opened: Portal) -> Portal:
    opened.now = NOW
    with connected():
        for table in ("aushang", "aushang_ziel", "betroffen", "vorgang", "outbox"):
            database.execute_sql(f"DELETE FROM {table}")
    return opened


def resident(portal: Portal, nr: str = "P1", embedding: str = "fragment") -> Visitor:
    return portal.visitor(embedding, person=nr)


def heading(page: str) -> list[str]:
    return re.findall(r'<h[23] id="aushang-titel-[^>]*>([^<]*)</h', page)


def concerned(portal: Portal) -> int:
    with connected():
        return sum(one.betroffene for one in aushaenge.page(MANDANT, over=False, before=None, limit=9, now=portal.now))


def press(visitor: Visitor, path: str = "") -> tuple[str, dict[str, str]]:
    """Return where the button leads, and the hidden fields of its form."""
    page = visitor.get(path).text
    action = re.search(r'action="[^"]*?(aushang/[0-9a-f-]+/betroffen)"', page).group(1)
    number = [action in form for form in re.findall(r"<form[^>]*method=.post[^>]*>", page)].index(True)
    return action, forms(page)[number]


def test_a_resident_sees_the_notices_of_their_building_and_of_the_mandant(portal: Portal) -> None:
    hang(portal, "Für alle")
    hang(portal, "Für G1", gebaeude=("G1",))
    hang(portal, "Für beide", gebaeude=("G1", "G2"))
    hang(portal, "Der anderen", mandant="nachbar")
    seen = {nr: set(heading(resident(portal, nr).get().text)) for nr in ("P1", "P2", "P3")}
    assert seen["P1"] == {"Für alle", "Für G1", "Für beide"}
    assert seen["P2"] == {"Für alle", "Für beide"}
    assert seen["P3"] == {"Für alle"}, "a tenancy that is over"


def test_whoever_is_not_signed_in_sees_what_is_public_only(portal: Portal) -> None:
    hang(portal, "Nur für Bewohner")
    hang(portal, "Für jeden", oeffentlich=True)
    page = portal.client.simulate_get(f"/{MANDANT}/aushang")
    assert heading(page.text) == ["Für jeden"]
    assert "Betrifft mich auch" not in page.text
    assert heading(resident(portal).get("aushang").text) == ["Für jeden", "Nur für Bewohner"]


def test_the_part_for_a_companys_page_has_the_list_alone_and_nothing_where_there_is_none(portal: Portal) -> None:
    assert portal.client.simulate_get(f"/{MANDANT}/aushang", query_string="teil=1").text == ""
    hang(portal, "Wasser abgestellt", art="ARBEITEN", oeffentlich=True, bis=NOW + timedelta(days=1))
    part = portal.client.simulate_get(f"/{MANDANT}/aushang", query_string="teil=1").text
    assert heading(part) == ["Wasser abgestellt"]
    assert not re.search(r"<html|<nav|<h1|<script", part)
    assert f'href="{portal.installation.url}/{MANDANT}/aushang/' in part
    signed_in = resident(portal).get("aushang?teil=1").text
    assert "http://127.0.0.1:8080/mieterportal/aushang/" in signed_in


def test_a_fault_is_told_since_when_it_is_known_in_local_time(portal: Portal) -> None:
    hang(portal, von=local(portal, "2026-11-26 08:10"))
    hang(portal, "Aufzug steht", von=local(portal, "2026-11-25 17:00"), bis=local(portal, "2026-11-27 12:00"))
    page = resident(portal).get().text
    assert "Seit 08:10 Uhr bekannt" in page
    assert "Seit 25. November 2026, 17:00 Uhr bekannt" in page
    assert "Voraussichtlich bis 27. November 2026, 12:00 Uhr" in page
    assert "Known since 08:10" in resident(portal).get("?lang=en").text


def test_works_are_shown_at_once_with_their_time_and_end_by_themselves(portal: Portal) -> None:
    begin, over = local(portal, "2026-12-01 08:00"), local(portal, "2026-12-01 12:00")
    hang(portal, "Wasser abgestellt", art="ARBEITEN", von=begin, bis=over)
    assert "1. Dezember 2026, 08:00 bis 12:00 Uhr" in resident(portal).get().text
    portal.now = over - timedelta(seconds=1)
    assert heading(resident(portal).get().text)
    portal.now = over
    assert not heading(resident(portal).get().text)


def test_what_is_shown_later_is_not_shown_yet(portal: Portal) -> None:
    hang(portal, art="HINWEIS", von=NOW + timedelta(hours=1))
    visitor = resident(portal)
    assert not heading(visitor.get().text)
    portal.now += timedelta(hours=1)
    assert heading(visitor.get().text)


def test_the_most_severe_come_first_and_the_overview_shows_four(portal: Portal) -> None:
    for number, schwere in enumerate(("INFO", "WICHTIG", "INFO", "DRINGEND", "INFO", "INFO")):
        hang(portal, f"{schwere} {number}", schwere=schwere)
    page = resident(portal).get().text
    assert heading(page)[:2] == ["DRINGEND 3", "WICHTIG 1"]
    assert len(heading(page)) == 4
    assert "Alle 6 Aushänge zeigen" in page
    assert len(heading(resident(portal).get("aushang").text)) == 6


def test_what_is_urgent_is_shown_however_many_came_after_it(portal: Portal) -> None:
    hang(portal, "Gas", schwere="DRINGEND")
    for number in range(101):
        hang(portal, f"Hinweis {number}")
    assert heading(resident(portal).get("aushang").text)[0] == "Gas"


def test_the_ways_in_stand_behind_what_is_out_of_order_and_before_what_is_good_to_know(portal: Portal) -> None:
    hang(portal, "Kein Wasser", schwere="DRINGEND")
    hang(portal, "Neue Sprechzeiten", schwere="INFO")
    page = resident(portal).get().text
    assert page.index("Kein Wasser") < page.index("Was können wir für Sie tun?") < page.index("Neue Sprechzeiten")


def test_texts_are_shown_in_the_readers_language_and_marked_where_they_are_not(portal: Portal) -> None:
    hang(portal, text={"de": "Techniker unterwegs"})
    hang(portal, titel={"de": "Aufzug steht", "en": "Lift is out of order"})
    page = resident(portal).get("?lang=en").text
    assert ">Lift is out of order</h3>" in page
    assert re.search(r'<h3 [^>]*lang="de">Heizung ausgefallen</h3>', page)
    assert '<p class="mp-text" lang="de">Techniker unterwegs</p>' in page
    assert "Affects me too" in page


def test_texts_are_plain_and_escaped(portal: Portal) -> None:
    hang(portal, "<b>Heizung</b> {{ 7 * 7 }}", text={"de": '<script>alert("1")</script>\nzweite Zeile'})
    page = resident(portal).get().text
    assert "&lt;b&gt;Heizung&lt;/b&gt; {{ 7 * 7 }}" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize("embedding", ["fragment", "cookie", "header"])
def test_betrifft_mich_auch_counts_once_per_resident(portal: Portal, embedding: str) -> None:
    hang(portal, gebaeude=("G1",))
    visitor = resident(portal, embedding=embedding)
    action, hidden = press(visitor)
    page = visitor.follow(visitor.post(action, hidden))
    assert "Wir haben notiert, dass die Störung auch Sie betrifft." in page.text
    assert "Sie haben gesagt, dass es Sie auch betrifft." in page.text
    assert ">Betrifft mich auch<" not in page.text
    assert concerned(portal) == 1
    assert visitor.post(action, hidden).status_code == 303
    again = resident(portal)  # another account of the same person
    assert again.post(action, again.form("konto/aktivieren")).status_code == 303
    assert concerned(portal) == 1


def filed(portal: Portal, nr: str = "P1") -> list[Vorgang]:
    with connected():
        lines = vorgaenge.page(MANDANT, [owner_of_person(MANDANT, nr)], limit=9)
        return [vorgaenge.by_id(MANDANT, line.id) for line in lines]


def test_betrifft_mich_auch_files_one_light_vorgang_for_immotion(portal: Portal) -> None:
    hang(
        portal,
        "Heizung ausgefallen",
        gebaeude=("G1",),
        schadenskategorie="HEIZUNG",
        von=local(portal, "2026-11-26 08:10"),
    )
    visitor = resident(portal)
    action, hidden = press(visitor)
    page = visitor.follow(visitor.post(action, hidden)).text
    assert visitor.post(action, hidden).status_code == 303
    (vorgang,) = filed(portal)
    assert f"Ihr Vorgang {vorgang.meldenummer}" in page
    assert (vorgang.typ, vorgang.betreff) == ("SCHADEN", "Heizung ausgefallen: betrifft auch mich")
    assert "„Heizung ausgefallen“ (seit 26.11.2026, 08:10 Uhr)" in vorgang.beschreibung
    assert (vorgang.melder["vertragNr"], vorgang.objekt["gebaeudeNr"]) == ("V1", "G1")
    body = vorgang_body(vorgang, [])
    assert body["schaden"]["schadensart"] == "HEIZUNG.SONSTIGES"
    assert body["schaden"].keys() >= {"schadensort", "schadenskategorie"}
    assert body["vorschlag"]["vorgangsart"]
    with connected():
        assert outbox.owed(vorgang.id)
    assert "betrifft auch mich" in visitor.get().text
    assert vorgang.meldenummer in visitor.get(f"vorgaenge/{vorgang.id}/quittung").text


def test_a_fault_that_names_no_kind_is_filed_as_a_contact(portal: Portal) -> None:
    hang(portal, "Aufzug steht", schadensort="G_AUFZUG")
    visitor = resident(portal)
    action, hidden = press(visitor)
    visitor.post(action, hidden)
    (vorgang,) = filed(portal)
    assert (vorgang.typ, vorgang.details["kontaktthema"]) == ("KONTAKT", "ALLGEMEIN")
    assert "kontakt" in vorgang_body(vorgang, [])


@pytest.mark.parametrize("kategorie", sorted(default_catalog().schadenskategorien))
def test_a_fault_of_every_kind_can_be_filed(portal: Portal, kategorie: str) -> None:
    one = hang(portal, schadenskategorie=kategorie)
    visitor = resident(portal)
    assert visitor.post(f"aushang/{one.id}/betroffen", visitor.form("konto/aktivieren")).status_code == 303
    (vorgang,) = filed(portal)
    details = vorgang.details
    catalog = default_catalog()
    fall = catalog.triple(details["schadensort"], details["schadenskategorie"], details["schadensart"])
    assert fall.kategorie.code == kategorie


def test_the_way_to_a_vorgang_is_shown_to_its_owner_only(portal: Portal) -> None:
    hang(portal, "Für alle")
    visitor, other = resident(portal), resident(portal, "P2")
    action, hidden = press(visitor)
    visitor.post(action, hidden)
    (vorgang,) = filed(portal)
    assert vorgang.meldenummer in visitor.get(f"aushang?notiert={vorgang.id}").text
    assert vorgang.meldenummer not in other.get(f"aushang?notiert={vorgang.id}").text


def test_without_the_forms_token_nobody_is_counted(portal: Portal) -> None:
    hang(portal)
    visitor = resident(portal)
    action, _ = press(visitor)
    other = resident(portal, "P2")
    for hidden in ({}, {"csrf_token": "x", "idempotency_key": str(uuid4())}, press(other)[1]):
        answer = visitor.post(action, hidden)
        assert answer.status_code == 403
        assert "Bitte drücken Sie noch einmal" in answer.text
    assert concerned(portal) == 0


def test_nobody_is_concerned_by_what_they_do_not_see_or_what_is_no_fault(portal: Portal) -> None:
    elsewhere = hang(portal, gebaeude=("G2",))
    works = hang(portal, art="ARBEITEN", bis=NOW + timedelta(days=1))
    over = hang(portal, bis=NOW + timedelta(minutes=1))
    portal.now += timedelta(minutes=2)
    visitor = resident(portal)
    for one in (str(elsewhere.id), str(works.id), str(over.id), str(uuid4()), "x"):
        form = visitor.form("konto/aktivieren")
        assert visitor.post(f"aushang/{one}/betroffen", form).status_code == 404
    with connected():
        assert database.execute_sql("SELECT COUNT(*) FROM betroffen").fetchone()[0] == 0


def test_before_the_report_form_stands_what_is_known_about_place_and_kind(portal: Portal) -> None:
    hang(portal, "Heizung im Haus", schadenskategorie="HEIZUNG", gebaeude=("G1",))
    hang(portal, "Bad ohne Wasser", schadensort="W_BAD")
    hang(portal, "Wasser", schadenskategorie="SANITAER")
    hang(portal, "Ohne Ort und Art")
    hang(portal, "Heizung demnächst", schadenskategorie="HEIZUNG", zeigen_ab=NOW, von=NOW + timedelta(days=1))
    arten = haus(portal).house.catalog.schadensarten.values()
    art = next(art for art in arten if art.kategorie == "HEIZUNG" and {"W_BAD", "W_KUECHE"} <= set(art.orte))
    form = resident(portal).get(f"melden/schaden?schadensart={art.code}").text
    assert set(heading(form)) == {"Heizung im Haus", "Bad ohne Wasser"}
    assert form.index("Das ist uns schon bekannt") < form.index('id="formular"')
    elsewhere = resident(portal).get(f"melden/schaden?schadensart={art.code}&schadensort=W_KUECHE").text
    assert heading(elsewhere) == ["Heizung im Haus"]
    assert heading(resident(portal, "P2").get(f"melden/schaden?schadensart={art.code}&schadensort=W_KUECHE").text) == []
    finder = resident(portal).get("melden/schaden?neu=1").text
    assert set(heading(finder)) == {"Heizung im Haus", "Bad ohne Wasser", "Wasser"}


def test_whoever_is_shown_a_known_fault_may_press_there_or_report_all_the_same(portal: Portal) -> None:
    hang(portal, schadenskategorie="SANITAER")
    path = "melden/schaden?schadensart=SANITAER.TROPFT&schadensort=W_KUECHE"
    visitor = resident(portal)
    action, hidden = press(visitor, path)
    assert visitor.post(action, hidden).status_code == 303
    page = visitor.get(path).text
    assert "Sie haben gesagt, dass es Sie auch betrifft." in page
    report = forms(page)[0] | {"schadenskategorie": "SANITAER", "schadensort": "W_KUECHE"}
    answer = visitor.post("melden/schaden", report | {"schadensart": "SANITAER.TROPFT"})
    assert answer.status_code == 303
    assert "quittung" in visitor.where(answer)


def test_works_can_be_taken_over_into_a_calendar(portal: Portal) -> None:
    begin, over = local(portal, "2026-12-01 08:00"), local(portal, "2026-12-01 12:00")
    titel, text = "Wasser; abgestellt, alle", "Bitte\nvorsorgen. " + "x" * 200
    works = hang(portal, titel, art="ARBEITEN", text={"de": text}, gebaeude=("G1",), von=begin, bis=over)
    answer = resident(portal).get(f"aushang/{works.id}/termin.ics")
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert 'attachment; filename="termin.ics"' in answer.headers["content-disposition"]
    assert max(len(line) for line in answer.content.split(b"\r\n")) <= 75
    (event,) = Calendar.from_ical(answer.content).walk("VEVENT")
    assert (event["summary"], event["description"]) == (titel, text)
    assert (event["dtstart"].dt, event["dtend"].dt) == (begin, over)
    assert event["uid"] == f"{works.id}@127.0.0.1"
    assert b"DTSTART:20261201T070000Z" in answer.content


def test_only_works_that_the_reader_sees_are_in_a_calendar(portal: Portal) -> None:
    of_g2 = hang(portal, art="ARBEITEN", gebaeude=("G2",), bis=NOW + timedelta(days=1))
    public = hang(portal, art="ARBEITEN", oeffentlich=True, bis=NOW + timedelta(days=1))
    fault = hang(portal)
    for one in (of_g2.id, fault.id, uuid4(), "x"):
        assert resident(portal).get(f"aushang/{one}/termin.ics").status_code == 404
    for one, status in ((public.id, 200), (of_g2.id, 404)):
        assert portal.client.simulate_get(f"/{MANDANT}/aushang/{one}/termin.ics").status_code == status


@pytest.mark.parametrize(
    "given,field",
    [
        ({"art": "X"}, "art"),
        ({"schwere": "X"}, "schwere"),
        ({"titel": {}}, "titel"),
        ({"titel": {"en": "Only English"}}, "titel"),
        ({"titel": {"de": "x", "fr": "x"}}, "titel"),
        ({"titel": {"de": "x" * 121}}, "titel"),
        ({"titel": {"de": "zwei\nZeilen"}}, "titel"),
        ({"text": {"de": "x" * 2001}}, "text"),
        ({"text": {"de": "NUL \x00"}}, "text"),
        ({"text": {"de": "halb \ud800"}}, "text"),
        ({"text": {"de": "gedreht \u202e"}}, "text"),
        ({"schadensort": "X"}, "schadensort"),
        ({"schadenskategorie": "X"}, "schadenskategorie"),
        ({"gebaeude": ("G1", "G9")}, "gebaeude"),
        ({"gebaeude": ("",)}, "gebaeude"),
        ({"gebaeude": ("\ud800",)}, "gebaeude"),
        ({"gebaeude": tuple(f"G{number}" for number in range(201))}, "gebaeude"),
        ({"gebaeude": ("G1",), "oeffentlich": True}, "oeffentlich"),
        ({"art": "ARBEITEN"}, "bis"),
        ({"bis": NOW}, "bis"),
        ({"von": NOW + timedelta(days=2), "bis": NOW + timedelta(days=1)}, "bis"),
        ({"bis": datetime(9999, 12, 31, 23, 59, tzinfo=UTC)}, "bis"),
        ({"von": datetime(1, 1, 1, tzinfo=UTC)}, "von"),
    ],
    ids=str,
)
def test_what_cannot_be_put_up_is_refused_by_its_field(portal: Portal, given: dict[str, object], field: str) -> None:
    with pytest.raises(AushangRefused) as refused:
        hang(portal, **given)
    assert {problem.field for problem in refused.value.problems} == {field}
    with connected():
        assert aushaenge.page(MANDANT, over=False, before=None, limit=9, now=NOW) == []


def test_a_building_that_only_the_settings_know_is_known(portal: Portal) -> None:
    assert hang(portal, gebaeude=("G2", "G2")).gebaeude == ("G2",)


def test_long_over_notices_are_removed_with_all_that_was_said(portal: Portal) -> None:
    hang(portal, bis=NOW + timedelta(hours=1))
    kept = hang(portal, "Bleibt")
    visitor = resident(portal)
    action, hidden = press(visitor)
    visitor.post(action, hidden)
    storage = Folder(portal.settings.service.files)
    for days, rows in ((89, 2), (91, 1)):
        tidy(storage, draft_days=30, audit_days=365, now=NOW + timedelta(days=days))
        with connected():
            assert database.execute_sql("SELECT COUNT(*) FROM aushang").fetchone()[0] == rows
    with connected():
        assert [row[0] for row in database.execute_sql("SELECT COUNT(*) FROM aushang_ziel").fetchall()] == [1]
        assert aushaenge.by_id(MANDANT, kept.id) is not None


def test_no_query_more_for_each_notice(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor, seen = resident(portal), []
    original = database.obj.execute_sql
    monkeypatch.setattr(database.obj, "execute_sql", lambda sql, params=None: seen.append(sql) or original(sql, params))
    counts = []
    for _ in range(3):
        hang(portal, gebaeude=("G1",), schadenskategorie="SANITAER")
        for path in ("", "aushang", "melden/schaden?schadensart=SANITAER.TROPFT"):
            seen.clear()
            assert visitor.get(path).status_code == 200
            counts.append((path, len(seen)))
    assert len(set(counts)) == 3, counts
