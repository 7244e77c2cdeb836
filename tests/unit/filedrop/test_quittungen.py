"""Acknowledgements: once each, however often they come; what is refused reaches the operator and no resident."""

from datetime import timedelta
from pathlib import Path

import pytest

from service.store import filedrop, outbox, vorgaenge
from service.store.database import connected
from tests.unit.filedrop.conftest import MANDANT, Drop, ok, quittung


def refusal(name: str, **changes: str) -> dict[str, str]:
    return ok(name, **{"ergebnis": "FEHLER", "vorgangsnummer": "", "grund": "Vertrag unbekannt"} | changes)


def paket(drop: Drop, name: str):
    with connected():
        return filedrop.by_names(MANDANT, [name])[name]


def test_an_acknowledged_vorgang_gets_its_number_as_an_event_and_leaves_the_folder(drop: Drop) -> None:
    vorgang = drop.file()
    name = drop.hand_over(vorgang)
    drop.acknowledge(ok(name, vorgangId="K-7"))
    assert drop.read() == 1
    (event,) = drop.events()
    assert (event["typ"], event["externeId"]) == ("VORGANG_ANGELEGT", str(vorgang.id))
    assert event["daten"] == {"vorgangsnummer": "V-1", "vorgangId": "K-7"}
    assert (event["vorgangSeq"], event["sichtbarkeit"]) == (1, "MIETER")
    assert drop.names("quittung") == ["Q.xml", "Q.xml.ok"], "nothing is put away before its events are stored"
    assert drop.read() == 0
    assert drop.names("quittung") == drop.names("in") == drop.names("fehler") == []
    assert [one.split("_", 1)[1] for one in drop.names("archiv") if "Q.xml" in one] == ["Q.xml"]
    assert paket(drop, name).result == "OK"


def test_the_same_answer_again_changes_nothing(drop: Drop) -> None:
    name = drop.hand_over(drop.file())
    for number, record in enumerate([ok(name), ok(name), ok(name, ergebnis="DUBLETTE", zeit="2026-11-24T00:00:00Z")]):
        drop.acknowledge(record, record, name=f"Q{number}.xml")
        drop.read()
        drop.read()
    assert len(drop.events()) == 1
    assert drop.names("fehler") == []
    assert paket(drop, name).result == "OK"


def test_a_worker_that_dies_between_storing_and_putting_away_doubles_nothing(drop: Drop) -> None:
    name = drop.hand_over(drop.file())
    drop.acknowledge(ok(name))
    assert drop.read() == 1
    drop.restart()
    assert drop.read() == 0
    assert drop.names("quittung") == []
    assert len(drop.events()) == 1


def test_two_workers_reading_the_same_folder_do_not_get_in_each_others_way(drop: Drop) -> None:
    name = drop.hand_over(drop.file())
    drop.acknowledge(ok(name))
    first = drop.channel
    assert drop.read() == 1
    drop.restart()
    other = drop.channel
    list(first.ereignisse("", wait=0).entries)
    assert other.ereignisse("", wait=0).entries == ()
    assert drop.names("quittung") == []


def test_a_refused_package_is_parked_with_its_reason_and_the_resident_reads_nothing_new(drop: Drop) -> None:
    vorgang = drop.file()
    name = drop.hand_over(vorgang)
    drop.acknowledge(refusal(name))
    assert drop.read() == 0
    assert drop.events() == []
    assert drop.states() == [("parked", "FEHLER: Vertrag unbekannt")]
    assert drop.names("fehler") == [f"{name}.zip", f"{name}.zip.grund.txt"]
    with connected():
        found = vorgaenge.by_id(MANDANT, vorgang.id)
    assert found is not None
    assert found.status == "UEBERMITTLUNG"


def test_a_reason_is_kept_for_the_operator_as_one_line_that_steers_no_terminal(drop: Drop) -> None:
    name = drop.hand_over(drop.file())
    drop.acknowledge(refusal(name) | {"grund": "Vertrag&#10;&#x9b;31m&#x202e;unbekannt"})
    drop.read()
    assert drop.states() == [("parked", "FEHLER: Vertrag  31m unbekannt")]


@pytest.mark.parametrize(
    "zeit, moment",
    [
        (" 2026-11-23T12:00:00Z ", "2026-11-23T12:00:00+00:00"),
        ("2026-11-23T24:00:00+01:00", "2026-11-24T00:00:00+01:00"),
        ("2026-11-23T24:00:00.000Z", "2026-11-24T00:00:00+00:00"),
        ("2026-11-23T12:00:00.1234567Z", "2026-11-23T12:00:00.123456+00:00"),
    ],
)
def test_every_time_that_the_published_schema_allows_is_understood(drop: Drop, zeit: str, moment: str) -> None:
    drop.acknowledge(ok(drop.hand_over(drop.file()), zeit=zeit))
    assert drop.read() == 1
    assert [event["zeit"] for event in drop.events()] == [moment]


def test_a_refusal_that_comes_before_the_worker_could_record_its_success_parks_all_the_same(drop: Drop) -> None:
    vorgang = drop.file()
    item = drop.claim(vorgang.id)
    drop.put_vorgang(item, vorgang)
    drop.acknowledge(refusal(next(path.stem for path in (drop.root / "in").glob("*.zip"))))
    drop.read()
    with connected():
        assert outbox.mark_sent([item], drop.now) == set()
    assert drop.states() == [("parked", "FEHLER: Vertrag unbekannt")]


def test_after_a_retry_the_same_package_comes_again_and_the_old_refusal_counts_no_more(drop: Drop) -> None:
    vorgang = drop.file()
    name = drop.hand_over(vorgang)
    drop.acknowledge(refusal(name))
    drop.read()
    drop.retry(vorgang)
    drop.send(vorgang)
    assert drop.names("in") == [f"{name}.zip", f"{name}.zip.ok"]
    drop.acknowledge(refusal(name), name="old.xml")
    drop.read()
    assert drop.names("in") == [f"{name}.zip", f"{name}.zip.ok"], "the old refusal is not the answer to the new try"
    drop.acknowledge(refusal(name, zeit="2026-11-25T00:00:00Z"), name="new.xml")
    drop.read()
    assert drop.names("in") == []
    drop.acknowledge(ok(name, zeit="2026-11-26T00:00:00Z"), name="good.xml")
    assert drop.read() == 1
    drop.read()
    assert drop.states() == [("sent", "")]


def test_an_answer_that_contradicts_an_earlier_one_is_refused_and_changes_nothing(drop: Drop) -> None:
    name = drop.hand_over(drop.file())
    drop.acknowledge(ok(name))
    drop.read()
    drop.read()
    drop.acknowledge(refusal(name), ok(name, vorgangsnummer="V-2", zeit="2026-11-25T00:00:00Z"), name="late.xml")
    assert drop.read() == 0
    assert paket(drop, name).vorgangsnummer == "V-1"
    assert drop.states() == [("sent", "")]
    assert "FEHLER after it was accepted" in drop.reason()
    assert "another Vorgangsnummer" in drop.reason()


def test_good_records_of_a_file_count_although_others_are_not_understood(drop: Drop) -> None:
    name = drop.hand_over(drop.file())
    stranger = name[:-8] + "00000099"
    drop.acknowledge(ok(stranger), ok(name), ok(name, zeit="0001-01-01T00:00:00+14:00"), refusal(name, grund=""))
    assert drop.read() == 1
    drop.read()
    assert paket(drop, name).result == "OK"
    assert "no package of this name" in drop.reason()
    assert "zeit" in drop.reason()


def test_ok_without_a_number_is_complained_of_and_a_later_number_is_taken(drop: Drop) -> None:
    name = drop.hand_over(drop.file())
    drop.acknowledge(ok(name, vorgangsnummer=""))
    assert drop.read() == 0
    assert "OK without vorgangsnummer" in drop.reason()
    drop.acknowledge(ok(name, ergebnis="DUBLETTE", vorgangsnummer="V-5"), name="later.xml")
    assert drop.read() == 1
    drop.read()
    assert paket(drop, name).vorgangsnummer == "V-5"


def test_two_reports_booked_as_one_both_get_the_number_but_only_one_the_key(drop: Drop) -> None:
    first, second = drop.file(), drop.file()
    names = [drop.hand_over(first)]
    names.append(drop.hand_over(second))
    with connected():
        vorgaenge.set_facts(first.id, {"immotion_id": "K-1"})
    drop.acknowledge(*(ok(name, vorgangId="K-1") for name in names))
    assert drop.read() == 2
    keys = {event["externeId"]: event["vorgangId"] for event in drop.events()}
    assert keys == {str(first.id): "K-1", str(second.id): ""}


def test_an_aktivitaet_is_acknowledged_without_an_event(drop: Drop) -> None:
    vorgang = drop.file()
    drop.hand_over(vorgang)
    drop.add(vorgang)
    name = max(path.stem for path in (drop.root / "in").glob("*.zip"))
    drop.acknowledge(refusal(name))
    assert drop.read() == 0
    assert drop.states() == [("sent", ""), ("parked", "FEHLER: Vertrag unbekannt")]
    drop.acknowledge(ok(name, vorgangsnummer="", zeit="2027-01-01T00:00:00Z"), name="ok.xml")
    assert drop.read() == 0
    assert [state for state, _ in drop.states()] == ["sent", "sent"]
    assert drop.events() == []


def test_a_missing_answer_has_the_package_handed_over_again_with_an_alarm(
    drop: Drop, capsys: pytest.CaptureFixture[str]
) -> None:
    vorgang = drop.file()
    name = drop.hand_over(vorgang)
    (drop.root / "in" / f"{name}.zip").unlink()
    drop.later(hours=23)
    drop.read()
    assert drop.states() == [("sent", "")]
    drop.later(hours=2)
    drop.read()
    assert drop.states() == [("waiting", "")]
    assert "acknowledgement_missing" in capsys.readouterr().out
    assert drop.hand_over(vorgang) == name
    drop.later(hours=1)
    drop.read()
    assert drop.states() == [("sent", "")], "the day begins anew with each handing over"


def test_an_answer_to_a_later_package_shows_the_gap(drop: Drop, capsys: pytest.CaptureFixture[str]) -> None:
    first = drop.hand_over(drop.file())
    second = drop.hand_over(drop.file())
    drop.acknowledge(ok(second))
    drop.read()
    drop.read()
    assert "acknowledgement_gap" not in capsys.readouterr().out
    drop.later(minutes=20)
    drop.read()
    said = capsys.readouterr().out
    assert "acknowledgement_gap" in said
    assert first in said
    drop.later(minutes=20)
    drop.read()
    assert "acknowledgement_gap" not in capsys.readouterr().out, "the same gap is said once"


def test_what_killed_workers_left_is_swept_after_an_hour_and_said(
    drop: Drop, capsys: pytest.CaptureFixture[str]
) -> None:
    left = [drop.root / "in" / "VG_musterbau_20260101T000000Z_00000001.zip.abc.tmp"]
    left += [drop.root / place / "lone.zip.ok" for place in ("in", "out", "quittung")]
    for path in left:
        path.write_bytes(b"half")
    drop.read()
    assert all(path.exists() for path in left)
    assert "removed" not in capsys.readouterr().out
    drop.later(hours=2)
    drop.read()
    assert not any(path.exists() for path in left)
    said = capsys.readouterr().out
    assert "unfinished_packages_removed" in said
    assert "lone_markers_removed" in said
    assert all(f"{place}/lone.zip.ok" in said for place in ("in", "out", "quittung"))


def test_a_lone_marker_is_swept_after_incomplete_s_and_one_with_its_file_never(drop: Drop) -> None:
    drop.restart(incomplete_s=60)
    name = drop.hand_over(drop.file())
    (drop.root / "in" / "lone.zip.ok").write_text("x")
    drop.later(seconds=61)
    drop.read()
    assert drop.names("in") == [f"{name}.zip", f"{name}.zip.ok"]


@pytest.mark.parametrize(
    "data,reason",
    [
        (b"", "not well-formed"),
        (b"<quittungen", "not well-formed"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><quittungen/>', "document type"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><quittungen/>', "document type"),
        (b"<quittungen/>", "not valid by quittung.xsd"),
        (quittung(), "not valid"),
        (quittung(ok("VG_musterbau_20261123T120000Z_00000001"), mandant="nachbar"), "another Mandant"),
        (quittung(ok("../../etc")), "not valid"),
        (quittung(ok("VG_musterbau_20261123T120000Z_00000001", ergebnis="JA")), "not valid"),
        (quittung(ok("VG_musterbau_20261123T120000Z_00000001")).replace(b"V-1", b"V" * 101), "not valid"),
        ("<quittungen/>".encode("utf-16"), "not valid"),
        (b"<a>" * 1000 + b"</a>" * 1000, "not well-formed"),
        (b"\xff\xfe\x00garbage\x00", "not well-formed"),
        (
            b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
            + quittung(ok("&b;")).replace(b"<quittungen", b"<quittungen", 1),
            "",
        ),
    ],
)
def test_an_acknowledgement_that_cannot_be_read_is_put_aside_and_stops_no_other(
    drop: Drop, data: bytes, reason: str
) -> None:
    name = drop.hand_over(drop.file())
    drop.put("quittung", "A-bad.xml", data)
    drop.acknowledge(ok(name), name="B-good.xml")
    assert drop.read() == 1
    assert len(drop.events()) == 1
    assert next(one for one in drop.names("fehler") if not one.endswith(".grund.txt")).endswith("_A-bad.xml")
    assert reason in drop.reason()


def test_nothing_outside_is_read_through_xml(drop: Drop, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("VG_musterbau_20261123T120000Z_00000001")
    text = quittung(ok("X")).decode().replace('paket="X"', 'paket="&x;"')
    drop.put("quittung", "xxe.xml", f'<!DOCTYPE q [<!ENTITY x SYSTEM "{secret.as_uri()}">]>{text}'.encode())
    drop.read()
    assert "VG_" not in drop.reason()


def test_xml_of_any_size_is_not_read(drop: Drop) -> None:
    drop.put("quittung", "big.xml", b"<!--" + b"x" * (9 * 2**20) + b"-->" + quittung(ok("x")))
    drop.read()
    assert "more than" in drop.reason()


def test_a_later_look_is_not_needed_while_an_answer_is_waited_for(drop: Drop) -> None:
    assert drop.channel.ereignisse("c", wait=0) == drop.channel.stammdaten("c")
    assert drop.channel.ereignisse("c", wait=0).cursor == "c"
    assert timedelta(hours=drop.settings.acknowledgement_h) == timedelta(days=1)
