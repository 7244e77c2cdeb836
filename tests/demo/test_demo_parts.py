import json
import sys
import threading
import tomllib
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from service.demo import mailbox
from service.demo.aushaenge import aushaenge
from service.demo.children import Child, Plan, first_dead, stop_all, wait_until_ready
from service.demo.config import Place, Ports, write_settings
from service.demo.people import EINHEITEN, GEBAEUDE, MANDANT, PERSONEN, VERTRAEGE, authenticate, roles_of, stammdaten
from service.demo.pictures import picture
from service.demo.runner import run
from service.demo.stories import FAELLE
from service.demo.story import no_sunday
from service.demo.unterlagen import UNTERLAGEN
from service.house import house_of
from service.notify import smtp
from service.settings import MailSettings, load_settings
from service.vorgang.aushang import Haus, check
from service.vorgang.catalog import default_catalog
from tests.support.portal import free_port


def test_there_are_three_buildings_twelve_people_and_forty_vorgaenge() -> None:
    assert (len(GEBAEUDE), len(PERSONEN), len(FAELLE)) == (3, 12, 40)
    assert {fall.person for fall in FAELLE} == {person.nr for person in PERSONEN}


def test_master_data_names_only_what_is_there() -> None:
    units, people, houses = ({x.nr for x in group} for group in (EINHEITEN, PERSONEN, GEBAEUDE))
    assert {v.einheit for v in VERTRAEGE} <= units
    assert {v.person for v in VERTRAEGE} == people
    assert {e.gebaeude for e in EINHEITEN} == houses
    assert len(stammdaten()) == len(VERTRAEGE) + len(EINHEITEN) + len(PERSONEN) + len(GEBAEUDE)
    owner = next(p for p in PERSONEN if p.name.startswith("Bärbel"))
    assert roles_of(owner) == ("mieter", "eigentuemer")


def test_every_status_of_immotions_that_a_clerk_sets_is_in_the_catalog() -> None:
    catalog = default_catalog()
    used = {
        schritt.daten["status"]["code"]  # type: ignore[index]  # a status event's data
        for fall in FAELLE
        for schritt in fall.verlauf
        if schritt.typ == "STATUS"
    }
    assert used <= set(catalog.erp_statuses)
    assert {catalog.erp_statuses[str(code)].tenant_status for code in used} >= {
        "EINGEGANGEN", "IN_BEARBEITUNG", "RUECKFRAGE", "BEAUFTRAGT", "TERMIN", "DOKUMENT_BEREIT", "ERLEDIGT",
        "ABGELEHNT", "ZURUECKGEZOGEN", "ZUSAMMENGEFUEHRT",
    }  # fmt: skip


def test_notices_fit_whatever_day_the_demo_begins_on(tmp_path: Path) -> None:
    place, zone = Place(tmp_path / "demo"), ZoneInfo("Europe/Berlin")
    write_settings(place, Ports.of(None))
    mandant = load_settings(place.config).mandanten[MANDANT]
    haus = Haus(
        house_of(MANDANT, mandant, zone, default_catalog()), mandant.languages, frozenset(g.nr for g in GEBAEUDE)
    )
    for day in range(8):
        now = datetime(2026, 11, 20, 0, 30, tzinfo=zone) + timedelta(days=day)
        fault, works, hint = (check(one, haus, now=now) for one in aushaenge(now, zone))
        assert fault.von < now < works.von
        assert (fault.schadenskategorie, fault.gebaeude, works.gebaeude) == ("HEIZUNG", ("G100",), ("G200",))
        assert works.von.astimezone(zone).isoweekday() != 7
        assert hint.oeffentlich
        assert all(set(one.titel) == set(one.text) == {"de", "en"} for one in (fault, works, hint))


def test_an_appointment_is_on_no_sunday_and_after_it_was_agreed_on() -> None:
    appointed = [(fall, schritt) for fall in FAELLE for schritt in fall.verlauf if schritt.typ == "TERMIN"]
    assert len(appointed) > 5
    for today in (date(2026, 11, 26) + timedelta(days=n) for n in range(7)):
        for fall, schritt in appointed:
            reported = datetime.combine(today - timedelta(days=fall.tage), time.fromisoformat(fall.uhr))
            day = no_sunday(reported.date() + timedelta(days=int(str(schritt.daten["tage"]))))
            assert day.isoweekday() != 7
            begin = datetime.combine(day, time.fromisoformat(str(schritt.daten["uhr"])))
            assert begin > reported + timedelta(hours=schritt.stunden)


def test_a_letter_to_a_house_is_filed_under_no_parking_space() -> None:
    parking = {einheit.gebaeude for einheit in EINHEITEN if "Stellplatz" in einheit.lage}
    assert not [one.titel for one in UNTERLAGEN if len(one.an) == 1 and parking & set(one.an)]


def test_the_same_seed_draws_the_same_picture() -> None:
    assert picture("fliesen", 7) == picture("fliesen", 7) != picture("fliesen", 8)


def test_nobody_signs_in_with_an_umlaut_for_a_password() -> None:
    assert authenticate("zoe.mueller", "wöhnen") is None


def test_settings_move_with_the_ports_and_keep_their_secrets(tmp_path: Path) -> None:
    place = Place(tmp_path / "demo")
    write_settings(place, Ports.of(None))
    first = tomllib.loads(place.config.read_text(encoding="utf-8"))
    write_settings(place, Ports.of(20000))
    second = load_settings(place.config)
    assert first["service"]["public_url"] == "http://127.0.0.1:8000"
    assert second.service.public_url == "http://127.0.0.1:20000"
    house = second.mandanten["musterbau"]
    assert house.connections["website"].origins[0] == "http://127.0.0.1:20080"
    assert second.service.secret_keys == tuple(first["service"]["secret_keys"])
    assert house.immotion is not None
    assert house.immotion.url == "http://127.0.0.1:20090"
    assert house.gebaeude["G200"].notfall.nummern
    assert second.service.mail is not None
    assert second.service.mail.port == 20025
    secrets = json.loads((place.root / "secrets.json").read_text(encoding="utf-8"))
    assert len(set(secrets.values())) == 5


def test_a_secret_that_an_older_demo_lacks_is_made_and_the_others_stay(tmp_path: Path) -> None:
    place = Place(tmp_path / "demo")
    write_settings(place, Ports.of(None))
    path = place.root / "secrets.json"
    before = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({name: secret for name, secret in before.items() if name != "encryption"}))
    write_settings(place, Ports.of(None))
    after = json.loads(path.read_text(encoding="utf-8"))
    assert after.keys() == before.keys()
    assert {name for name in before if before[name] != after[name]} == {"encryption"}
    assert load_settings(place.config).service.encryption_keys == (after["encryption"],)


def test_nobody_else_may_read_the_secrets(tmp_path: Path) -> None:
    place = Place(tmp_path / "demo")
    write_settings(place, Ports.of(None))
    for path in (place.config, place.site_secret, place.root / "secrets.json"):
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_child_that_ends_is_found_with_its_last_words(tmp_path: Path) -> None:
    code = "import sys; [print(n) for n in range(40)]; sys.exit(3)"
    child = Child(Plan("kurz", [sys.executable, "-c", code], "http://127.0.0.1:9/"), tmp_path, {})
    assert not wait_until_ready(child, 20)
    assert first_dead([child]) is child
    assert child.code == 3
    assert child.last_words().split() == [str(n) for n in range(25, 40)]
    stop_all([child])


def test_a_child_that_does_not_listen_to_reason_is_ended_by_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.demo.children.STOP_S", 0.2)
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('taub', flush=True); time.sleep(60)"
    )
    child = Child(Plan("taub", [sys.executable, "-c", code], f"http://127.0.0.1:{free_port()}/"), tmp_path, {})
    while "taub" not in child.last_words():
        assert child.code is None
    assert not wait_until_ready(child, 0.2)
    stop_all([child])
    assert child.code == -9


@pytest.mark.parametrize("base", [0, 65500])
def test_impossible_ports_are_refused(tmp_path: Path, base: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(base, tmp_path / "demo", reset=False, pause_s=30) == 1
    assert "DEMO_PORT_BASE" in capsys.readouterr().err


def test_mails_of_the_demo_are_laid_into_a_folder_dots_and_all(tmp_path: Path) -> None:
    port = free_port()
    body = "Subject: x\r\n\r\nErste Zeile\r\n.\r\n..zwei Punkte\r\n"
    mail = MailSettings(host="127.0.0.1", port=port, tls="none", sender="portal@musterbau.example")
    with mailbox.Server(port, tmp_path / "mail") as server:
        serving = threading.Thread(target=server.serve_forever, args=[0.05])
        serving.start()
        sending = smtp.Server(mail)
        try:
            sending.check()
            for _ in range(2):
                sending.send("zoe@example.org", body.encode())
        finally:
            sending.close()
            server.shutdown()
            serving.join()
    texts = [file.read_text(encoding="utf-8") for file in (tmp_path / "mail").glob("*.txt")]
    assert all(text.startswith("An: ") and "..zwei Punkte" in text for text in texts)
    kept = sorted((tmp_path / "mail").glob("*.eml"))
    assert [file.read_bytes().decode() for file in kept] == [body, body]
