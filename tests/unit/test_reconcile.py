"""What is open is compared with immotion every night, a batch at a time, and brought up to date as by events."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from service.house import house_of
from service.retry import next_attempt
from service.settings import MandantSettings
from service.store import alarms, deliveries, inbox, outbox, reconciles, stammdaten, vorgaenge
from service.store.database import connected, open_database, transaction
from service.store.migrate import migrate
from service.store.models import AktivitaetRow, OutboxRow
from service.store.query import dicts
from service.store.records import Aktivitaet, Vorgang
from service.sync.apply import apply_waiting
from service.sync.feed import read_events, read_master_data
from service.sync.immotion.channel import FeedPage, NotOffered, Permanent, Stand, Temporary
from service.sync.reconcile import BATCH, next_night, reconcile_if_due
from service.vorgang.catalog import default_catalog
from tests.support.databases import new_database
from tests.support.immotion import Immotion, log_of
from tests.support.vorgaenge import NOW, some_vorgang

ZONE = ZoneInfo("Europe/Berlin")
SETTINGS = MandantSettings(
    name="M",
    connections={"website": {"kind": "generic", "origins": ["https://x.de"], "keys": ["k" * 32]}},  # type: ignore[dict-item]
)
HOUSE = house_of("m", SETTINGS, ZONE, default_catalog())
UNKNOWN_THERE: dict[str, Stand] = {}


@pytest.fixture(autouse=True)
def store(tmp_path: Path) -> Iterator[None]:
    opened = open_database(new_database(tmp_path))
    migrate()
    yield
    opened.close_all()


def sent(**changes: Any) -> Vorgang:
    """A Vorgang that immotion has taken, with an answer of the resident that it has taken too."""
    vorgang = some_vorgang(**{"mandant": "m", "status": "UEBERGEBEN"} | changes)
    with connected():
        vorgaenge.insert(vorgang)
        answer = Aktivitaet(uuid4(), vorgang.id, NOW, "ANTWORT", "MIETER", "", "x", {})
        vorgaenge.add_aktivitaet(answer)
        for aktivitaet_id in (None, answer.id):
            outbox.owe("m", vorgang.id, aktivitaet_id=aktivitaet_id, request_id="r", now=NOW)
            items = outbox.claim("m", now=NOW, lease=timedelta(minutes=1), limit=99)
            outbox.mark_sent(items, NOW)
    return vorgang


def waiting() -> Vorgang:
    vorgang = some_vorgang(mandant="m")
    with connected():
        vorgaenge.insert(vorgang)
        outbox.owe("m", vorgang.id, request_id="r", now=NOW)
    return vorgang


def reconcile(channel: Immotion, *, now: datetime = NOW, anew: bool = True) -> bool:
    if anew:
        with connected():
            reconciles.begin("m", now)
    return reconcile_if_due(HOUSE, channel, hour=3, clock=lambda: now, random=lambda: 0.0)


def now_of(vorgang: Vorgang) -> Vorgang:
    with connected():
        found = vorgaenge.by_id("m", vorgang.id)
    assert found is not None
    return found


def states(vorgang: Vorgang) -> list[str]:
    with connected():
        rows = OutboxRow.select(OutboxRow.state).where(OutboxRow.vorgang_id == vorgang.id).order_by(OutboxRow.id)
        return [row["state"] for row in dicts(rows)]


def raised() -> set[str]:
    with connected():
        return {alarm.kind for alarm in alarms.standing(["m"])}


VIEW = {
    "vorgangSeq": 7,
    "status": {"code": "TERMINIERT", "seit": "2026-11-23T14:00:00Z", "textMieter": "Am Montag"},
    "aufgabentraeger": {"anzeigeName": "Frau A"},
    "termin": {"von": "2026-12-01T08:00:00Z"},
}


def test_what_was_missed_is_brought_up_to_date() -> None:
    vorgang = sent()
    reconcile(Immotion(stands={str(vorgang.id): Stand("im-1", "V-1", 7, VIEW)}))
    found = now_of(vorgang)
    assert (found.immotion_id, found.vorgangsnummer, found.status, found.status_text) == (
        "im-1",
        "V-1",
        "TERMIN",
        "Am Montag",
    )
    assert (found.sachbearbeiter, found.termin, found.unread) == ("Frau A", {"von": "2026-12-01T08:00:00Z"}, 0)


def test_a_number_without_a_view_is_all_that_is_taken_over() -> None:
    vorgang = sent()
    reconcile(Immotion(stands={str(vorgang.id): Stand("im-1", "V-1", 0, {})}))
    assert (now_of(vorgang).status, now_of(vorgang).vorgangsnummer) == ("EINGEGANGEN", "V-1")


def test_an_event_that_comes_after_all_adds_its_entry_once_and_a_later_one_wins() -> None:
    vorgang = sent()
    reconcile(Immotion(stands={str(vorgang.id): Stand("im-1", "V-1", 7, VIEW)}))
    missed = event(vorgang, 7, {"status": VIEW["status"]}, "2026-11-23T14:00:00Z")
    later = event(vorgang, 8, {"status": {"code": "ERLEDIGT"}}, "2026-11-23T15:00:00Z")
    for one, status in ((missed, "TERMIN"), (missed, "TERMIN"), (later, "ERLEDIGT")):
        with connected(), transaction():
            inbox.receive("m", one, NOW)
        apply_waiting(HOUSE, clock=lambda: NOW)
        assert now_of(vorgang).status == status
    with connected():
        entries = [e.art for e, _ in vorgaenge.timeline(vorgang.id) if e.author == "VERWALTUNG"]
    assert entries == ["STATUS", "STATUS"]


def event(vorgang: Vorgang, seq: int, daten: dict[str, Any], zeit: str) -> dict[str, Any]:
    return {
        "ereignisId": f"{vorgang.id}-{seq}",
        "typ": "STATUS",
        "zeit": zeit,
        "mandant": "m",
        "externeId": str(vorgang.id),
        "vorgangSeq": seq,
        "sichtbarkeit": "MIETER",
        "daten": daten,
    }


def test_what_an_event_has_said_meanwhile_is_not_set_back() -> None:
    vorgang = sent()

    class Slow(Immotion):
        def stand(self, key: str) -> Stand | None:
            with connected(), transaction():
                inbox.receive("m", event(vorgang, 8, {"status": {"code": "ERLEDIGT"}}, "2026-11-23T15:00:00Z"), NOW)
            apply_waiting(HOUSE, clock=lambda: NOW)
            return super().stand(key)

    reconcile(Slow(stands={str(vorgang.id): Stand("im-1", "V-1", 7, VIEW)}))
    assert (now_of(vorgang).status, now_of(vorgang).sachbearbeiter) == ("ERLEDIGT", "Frau A")


def test_what_immotion_has_lost_is_owed_again_once_with_an_alarm() -> None:
    vorgang = sent(vorgangsnummer="V-1")
    reconcile(Immotion(stands=UNKNOWN_THERE))
    assert (states(vorgang), raised()) == (["waiting", "waiting"], {"vorgang_lost"})
    for _ in range(2):
        with connected():
            outbox.mark_sent(outbox.claim("m", now=NOW, lease=timedelta(minutes=1), limit=9), NOW)
    assert states(vorgang) == ["sent", "sent"]
    reconcile(Immotion(stands=UNKNOWN_THERE), now=NOW + timedelta(days=1))
    assert states(vorgang) == ["sent", "sent"]


def test_what_waits_for_immotions_import_is_not_lost_for_a_day() -> None:
    vorgang = sent()
    reconcile(Immotion(stands=UNKNOWN_THERE), now=NOW + timedelta(hours=23))
    assert states(vorgang) == ["sent", "sent"]
    reconcile(Immotion(stands=UNKNOWN_THERE), now=NOW + timedelta(hours=25))
    assert states(vorgang) == ["waiting", "waiting"]


def test_what_immotion_has_not_got_yet_is_not_asked_for() -> None:
    vorgang, channel = waiting(), Immotion(stands=UNKNOWN_THERE)
    reconcile(channel)
    assert (channel.asked, states(vorgang), raised()) == ([], ["waiting"], set())


def test_a_vorgang_born_in_immotion_is_asked_for_by_its_name_there_and_never_lost() -> None:
    vorgang = some_vorgang(mandant="m", kanal="IMMOTION", immotion_id="im-9", status="EINGEGANGEN")
    with connected():
        vorgaenge.insert(vorgang)
    channel = Immotion(stands={"im-9": Stand("im-9", "V-9", 7, VIEW)})
    reconcile(channel)
    assert (channel.asked, now_of(vorgang).vorgangsnummer, now_of(vorgang).status) == (["im-9"], "V-9", "TERMIN")
    reconcile(Immotion(stands=UNKNOWN_THERE))
    assert raised() == set()


def test_two_vorgaenge_with_one_name_in_immotion_do_not_stop_the_others() -> None:
    first, second, third = (sent() for _ in range(3))
    stands = {str(first.id): "im-1", str(second.id): "im-1", str(third.id): "im-3"}
    reconcile(Immotion(stands={key: Stand(name, f"V-{key}", 0, {}) for key, name in stands.items()}))
    assert sorted(str(now_of(v).immotion_id) for v in (first, second, third)) == ["None", "im-1", "im-3"]
    assert all(now_of(v).vorgangsnummer == f"V-{v.id}" for v in (first, second, third))
    assert raised() == {"immotion_id_taken"}


def test_a_refusal_concerns_one_vorgang_only_and_an_unknown_code_raises_an_alarm() -> None:
    first, second = sent(vorgangsnummer="V"), sent()
    view = {"vorgangSeq": 1, "status": {"code": "NEVER_HEARD_OF"}}
    reconcile(Immotion(stands={str(first.id): Permanent("MANDANT"), str(second.id): Stand("i", "V-2", 1, view)}))  # type: ignore[dict-item]
    assert (states(first), now_of(second).status) == (["sent", "sent"], "IN_BEARBEITUNG")
    assert raised() == {"status_unmapped"}


def test_a_channel_that_cannot_tell_ends_the_round() -> None:
    vorgang = sent(vorgangsnummer="V")
    channel = Immotion(stands={str(vorgang.id): NotOffered()})  # type: ignore[dict-item]
    assert [reconcile(channel, anew=one) for one in (True, False)] == [True, False]
    assert (states(vorgang), raised()) == (["sent", "sent"], set())


def test_it_goes_on_where_it_was_when_immotion_failed_or_the_worker_died() -> None:
    vorgaenge_ = sorted((sent(id=UUID(int=number)) for number in range(1, BATCH + 16)), key=lambda v: v.id)
    stands: dict[str, Any] = {str(v.id): Stand(None, f"V-{v.id.int}", 0, {}) for v in vorgaenge_}
    channel = Immotion(stands=stands | {str(vorgaenge_[10].id): Temporary("down")})
    with pytest.raises(Temporary):
        reconcile(channel)
    assert [bool(now_of(v).vorgangsnummer) for v in vorgaenge_[9:11]] == [True, False]
    channel.asked.clear()
    channel.stands = stands
    assert reconcile(channel, anew=False)
    assert len(channel.asked) == BATCH
    with connected():  # a worker that died here leaves its claim behind
        seen = reconciles.plan_of("m")
        assert seen is not None
        assert reconciles.claim("m", seen=seen, now=NOW, lease_until=NOW + timedelta(minutes=5))
    assert not reconcile(channel, anew=False)
    assert reconcile(channel, anew=False, now=NOW + timedelta(minutes=6))
    assert sorted(channel.asked) == sorted(str(v.id) for v in vorgaenge_[10:])
    assert all(now_of(v).vorgangsnummer for v in vorgaenge_)
    assert not reconcile(channel, anew=False, now=NOW + timedelta(minutes=7))
    assert len(channel.asked) == BATCH + 15 - 10


def closed(days: float, **changes: Any) -> Vorgang:
    """A Vorgang that immotion has taken, and that was closed so long ago."""
    return sent(status="ERLEDIGT", offen=False, status_at=NOW - timedelta(days=days), **changes)


def all_asked(channel: Immotion, *, anew: bool, now: datetime = NOW) -> list[str]:
    """Compare to the end and return what was asked for."""
    reconcile(channel, anew=anew, now=now)
    while reconcile(channel, anew=False, now=now):
        pass
    return channel.asked


def test_after_410_all_vorgaenge_are_compared_and_at_night_those_closed_within_60_days() -> None:
    still_open = sent()
    old = [closed(61 + number % 3) for number in range(BATCH + 7)]
    new = [closed(59), closed(0.5), closed(59)]
    everybody = [str(one.id) for one in (still_open, *old, *new)]
    stands = {key: Stand(None, f"V-{key}", 0, {}) for key in everybody}
    asked = all_asked(Immotion(stands=stands), anew=True)
    assert (sorted(asked), len(asked)) == (sorted(everybody), len(set(asked)))
    assert all(now_of(one).vorgangsnummer for one in (still_open, *old, *new))
    with connected():
        planned = reconciles.plan_of("m")
    assert planned is not None
    assert timedelta(0) < planned.due_at - NOW < timedelta(days=1), "or the next night is not planned"
    tonight = Immotion(stands=stands)
    expected = sorted(str(one.id) for one in (still_open, *new))
    assert sorted(all_asked(tonight, anew=False, now=planned.due_at)) == expected


def test_what_was_closed_long_ago_may_be_gone_and_is_not_owed_again() -> None:
    old, new = closed(61, vorgangsnummer="V-1"), closed(59, vorgangsnummer="V-2")
    all_asked(Immotion(stands=UNKNOWN_THERE), anew=True)
    assert (states(old), states(new)) == (["sent", "sent"], ["waiting", "waiting"])


def test_what_is_owed_again_is_not_given_up_at_its_first_fault() -> None:
    vorgang, later = sent(vorgangsnummer="V-1"), NOW + timedelta(days=30)
    reconcile(Immotion(stands=UNKNOWN_THERE), now=later)
    with connected():
        (item,) = outbox.claim("m", now=later, lease=timedelta(minutes=1), limit=9)
    since = item.retried_at or item.created_at
    assert next_attempt(1, later, created_at=since, retry_after=None, random=lambda: 0.5) is not None
    assert states(vorgang) == ["waiting", "waiting"]


def test_a_worker_that_lost_its_claim_writes_nothing() -> None:
    vorgang = sent()

    class Slow(Immotion):
        def stand(self, key: str) -> Stand | None:
            with connected():
                reconciles.begin("m", NOW)
            return super().stand(key)

    reconcile(Slow(stands={str(vorgang.id): Stand("im-1", "V-1", 0, {})}))
    assert now_of(vorgang).vorgangsnummer is None


def test_a_claim_of_a_clock_that_was_wrong_does_not_hold_for_long() -> None:
    with connected():
        reconciles.begin("m", NOW)
        seen = reconciles.plan_of("m")
        assert seen is not None
        assert reconciles.claim("m", seen=seen, now=NOW, lease_until=NOW + timedelta(hours=1))
        assert not reconciles.claim("m", seen=seen, now=NOW, lease_until=NOW + timedelta(hours=2))
        assert reconciles.claim("m", seen=seen, now=NOW, lease_until=NOW + timedelta(minutes=5))


def test_it_happens_once_a_night_at_the_hour_of_the_house() -> None:
    vorgang = sent()
    channel = Immotion(stands={str(vorgang.id): Stand("im-1", "V-1", 0, {})})
    evening = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
    asked = []
    for minutes in range(0, 48 * 60, 10):
        now = evening + timedelta(minutes=minutes)
        before = len(channel.asked)
        reconcile_if_due(HOUSE, channel, hour=3, clock=lambda now=now: now, random=lambda: 0.5)
        if len(channel.asked) > before:
            asked.append(now.astimezone(ZONE).isoformat())
    assert asked == ["2026-11-24T03:20:00+01:00", "2026-11-25T03:20:00+01:00"]


@pytest.mark.parametrize("fraction", [0.0, 0.999])
@pytest.mark.parametrize("day", ["2026-03-28", "2026-03-29", "2026-10-24", "2026-10-25", "2026-12-31"])
def test_the_next_night_comes_within_a_day_also_when_clocks_change(day: str, fraction: float) -> None:
    for hour in range(24):
        noon = datetime.fromisoformat(f"{day}T12:00:00+00:00")
        later = next_night(noon, hour, ZONE, fraction)
        assert timedelta(0) < later - noon <= timedelta(hours=25, minutes=30)
        assert next_night(later + timedelta(minutes=31), hour, ZONE, 0.0) > later


def test_after_410_everything_is_compared_and_the_master_data_are_read_anew() -> None:
    vorgang = sent()
    with connected():
        inbox.move_cursor("m", "ereignisse", "lost", NOW, seen="")
        inbox.move_cursor("m", "stammdaten", "5", NOW, seen="")
        stammdaten.apply_change("m", "VERTRAG", "gone", {"personNr": "P"})
    seen = event(vorgang, 1, {"status": {"code": "IN_PRUEFUNG"}}, NOW.isoformat())
    channel = Immotion(
        page=lambda _: FeedPage((seen,), "c1", more=False),
        expired={"lost"},
        stands={str(vorgang.id): Stand("im-1", "V-1", 0, {})},
    )
    assert read_events("m", channel, wait=0, clock=lambda: NOW) == 0
    assert read_events("m", channel, wait=0, clock=lambda: NOW) == 1
    reconcile(channel, anew=False)
    assert now_of(vorgang).vorgangsnummer == "V-1"
    stays = {"art": "VERTRAG", "nr": "stays", "geloescht": False, "daten": {"personNr": "P"}}
    read_master_data("m", Immotion(page=log_of([stays])), clock=lambda: NOW)
    with connected():
        assert [v.nr for v in stammdaten.vertraege("m", "P")] == ["stays"]
    assert raised() == {"cursor_expired"}


def test_a_feed_that_refuses_its_beginning_is_asked_again_later() -> None:
    for read in (read_events, read_master_data):
        more = {"wait": 0} if read is read_events else {}
        with pytest.raises(Temporary):
            read("m", Immotion(expired={""}), clock=lambda: NOW, **more)  # type: ignore[operator]


def contract(nr: str, **daten: Any) -> dict[str, Any]:
    return {"art": "VERTRAG", "nr": nr, "geloescht": False, "daten": {"personNr": "P"} | daten}


def full_pass(entries: list[dict[str, Any]], now: datetime, size: int = 200) -> list[str]:
    with connected():
        inbox.begin_full_pass("m", "stammdaten", now)
    read_master_data("m", Immotion(page=log_of(entries, size)), clock=lambda: now)
    with connected():
        return [v.nr for v in stammdaten.vertraege("m", "P")]


def test_a_full_pass_removes_what_no_longer_occurs_at_its_end_only() -> None:
    assert full_pass([contract(f"V{n}") for n in range(5)], NOW) == [f"V{n}" for n in range(5)]
    later = NOW + timedelta(days=1)
    with connected():
        inbox.begin_full_pass("m", "stammdaten", later)
    dies: list[int] = []

    def page(cursor: str) -> FeedPage:
        dies.append(1)
        if len(dies) == 2:
            raise Temporary("the worker died here")
        return log_of([contract("V1"), contract("V3")], 1)(cursor)

    with pytest.raises(Temporary):
        read_master_data("m", Immotion(page=page), clock=lambda: later)
    with connected():
        assert len(stammdaten.vertraege("m", "P")) == 5
    read_master_data("m", Immotion(page=page), clock=lambda: later)
    with connected():
        assert [v.nr for v in stammdaten.vertraege("m", "P")] == ["V1", "V3"]
        assert inbox.place("m", "stammdaten").full_since is None


def test_an_empty_stock_is_no_reason_to_forget_every_contract() -> None:
    assert full_pass([contract("V1")], NOW) == ["V1"]
    assert full_pass([], NOW + timedelta(days=1)) == ["V1"]
    assert raised() == {"master_data_empty"}


def test_changes_have_one_end_however_often_pages_are_delivered() -> None:
    gone = {"art": "PERSON", "nr": "P", "geloescht": True, "daten": {}}
    person = {"art": "PERSON", "nr": "P", "geloescht": False, "daten": {"name": "x"}}
    story = [person, contract("V1", ende=None), contract("V1", ende="2026-01-31"), contract("V2"), gone, contract("V3")]
    for size in range(1, 8):
        doubled = [change for begin in range(0, len(story), 2) for change in story[begin : begin + 2] * 2]
        for entries in (story, doubled):
            with connected():
                stammdaten.apply_change("m", "PERSON", "P", None)
                inbox.begin_full_pass("m", "stammdaten", NOW)
            read_master_data("m", Immotion(page=log_of(entries, size)), clock=lambda: NOW)
            with connected():
                assert [v.nr for v in stammdaten.vertraege("m", "P")] == ["V3"]


def test_a_page_that_somebody_else_has_passed_changes_nothing() -> None:
    def overtaken(cursor: str) -> FeedPage:
        if cursor == "":
            read_master_data(
                "m",
                Immotion(page=log_of([contract("V1", lage="old"), contract("V1", lage="new")], 1)),
                clock=lambda: NOW,
            )
            return FeedPage((contract("V1", lage="old"),), "1", more=True)
        return FeedPage((), cursor, more=False)

    read_master_data("m", Immotion(page=overtaken), clock=lambda: NOW)
    with connected():
        place = inbox.place("m", "stammdaten")
        (row,) = stammdaten.vertraege("m", "P")
    assert (place.cursor, row.nr) == ("2", "V1")


def test_values_that_an_engine_refuses_stop_no_feed() -> None:
    odd = [
        {"ereignisId": "nul\x00", "typ": "STATUS", "mandant": "m", "externeId": "a\x00b", "vorgangId": "x" * 300},
        {"ereignisId": "half \ud83d", "typ": "AKTIVITAET", "mandant": "m", "daten": {"text": "\ud83d\x00"}},
        {"ereignisId": "e" * 150 + "1", "typ": "STATUS", "mandant": "m"},
        {"ereignisId": "e" * 150 + "2", "typ": "STATUS", "mandant": "m"},
        {"ereignisId": 7, "typ": "STATUS", "mandant": "m", "vorgangSeq": 2**70, "zeit": "0001-01-01T00:00:00+14:00"},
    ]
    page = Immotion(page=lambda _: FeedPage(tuple(odd), "c", more=False))
    assert [read_events("m", page, wait=0, clock=lambda: NOW) for _ in range(2)] == [5, 0]
    apply_waiting(HOUSE, clock=lambda: NOW)
    with connected():
        assert inbox.known("m", [str(one["ereignisId"]) for one in odd]) == {str(one["ereignisId"]) for one in odd}
        broken = [contract("V\x00"), contract("V" * 200), contract("V3", lage="\ud83d", einheitNr="E" * 300)]
    read_master_data("m", Immotion(page=log_of(broken)), clock=lambda: NOW)
    with connected():
        assert len(stammdaten.vertraege("m", "P")) == 3


def test_an_event_of_another_mandant_changes_nothing_here() -> None:
    vorgang = sent()
    foreign = event(vorgang, 1, {"status": {"code": "ERLEDIGT"}}, NOW.isoformat()) | {"mandant": "nachbar"}
    born = foreign | {"ereignisId": "b", "typ": "VORGANG_ANGELEGT", "vorgangId": "im-1", "externeId": ""}
    with connected(), transaction():
        inbox.receive_all("m", [foreign, born], NOW)
    apply_waiting(HOUSE, clock=lambda: NOW)
    with connected():
        assert not inbox.waiting("m")
        assert AktivitaetRow.select().where(AktivitaetRow.author == "VERWALTUNG").count() == 0
    assert replace(now_of(vorgang), unread=0) == now_of(vorgang)


@pytest.mark.parametrize("sichtbarkeit", ["MIETER", "INTERN"])
def test_what_immotion_has_deleted_is_not_lost_and_never_sent_again(sichtbarkeit: str) -> None:
    vorgang = sent(vorgangsnummer="V-1")
    gone = event(vorgang, 1, {}, NOW.isoformat()) | {"typ": "GELOESCHT", "sichtbarkeit": sichtbarkeit}
    with connected(), transaction():
        inbox.receive("m", gone, NOW)
    apply_waiting(HOUSE, clock=lambda: NOW)
    channel = Immotion(stands=UNKNOWN_THERE)
    reconcile(channel, now=NOW + timedelta(days=2))
    assert channel.asked == []
    assert rows_of(vorgang) == ["sent", "sent"]


def test_a_deletion_that_comes_after_the_comparison_still_stops_what_is_owed_again() -> None:
    vorgang = sent(vorgangsnummer="V-1")
    reconcile(Immotion(stands=UNKNOWN_THERE))
    assert rows_of(vorgang) == ["waiting", "waiting"]
    with connected(), transaction():
        outbox.claim("m", now=NOW, lease=timedelta(minutes=1), limit=9)
        inbox.receive("m", event(vorgang, 1, {}, NOW.isoformat()) | {"typ": "GELOESCHT"}, NOW)
    apply_waiting(HOUSE, clock=lambda: NOW)
    assert rows_of(vorgang) == ["dropped", "dropped"]
    with connected():
        assert reconciles.owe_again(vorgang.id, NOW, deleted="GELOESCHT") == 0
        assert not outbox.anything_due("m", NOW + timedelta(days=1))


def rows_of(vorgang: Vorgang) -> list[str]:
    with connected():
        return [row.state for row in deliveries.rows_of("m", vorgang.id)]
