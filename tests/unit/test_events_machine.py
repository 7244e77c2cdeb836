"""Whatever happens to the feed and its readers: the same end as if each event had come once and in order."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from service.house import house_of
from service.settings import MandantSettings
from service.store import deliveries, documents, handover, inbox, outbox, reconciles, vorgaenge
from service.store.database import connected, open_database, transaction
from service.store.migrate import migrate
from service.store.owner import owner_of_person
from service.store.records import HandedOver
from service.sync import apply as apply_module
from service.sync.apply import apply_waiting
from service.sync.feed import read_events
from service.sync.immotion.channel import FeedPage, Stand
from service.sync.reconcile import reconcile_if_due
from service.vorgang.catalog import default_catalog
from service.vorgang.types import House
from tests.support.databases import new_database
from tests.support.immotion import Event, Immotion, in_order, view_of
from tests.support.vorgaenge import NOW, some_vorgang

MANDANT = MandantSettings(
    name="M",
    connections={"website": {"kind": "generic", "origins": ["https://x.de"], "keys": ["k" * 32]}},  # type: ignore[dict-item]
)
ZONE = ZoneInfo("Europe/Berlin")
PORTAL, OTHER, BORN = "portal", "other", "born"
_numbers = count(1)

CODES = st.sampled_from(["IN_PRUEFUNG", "ERLEDIGT", "TERMINIERT", "NEVER_HEARD_OF"])
DOKUMENTE = st.sampled_from([{"dokumentId": f"d{number}", "dateiname": f"{number}.pdf"} for number in range(3)])
SHAPES = st.one_of(
    st.just(("VORGANG_ANGELEGT", {})),
    st.builds(lambda grund: ("VORGANG_ABGEWIESEN", {"grund": grund}), st.sampled_from(["", "Vertrag beendet"])),
    st.builds(
        lambda code, text: ("STATUS", {"status": {"code": code, "textMieter": text}}), CODES, st.sampled_from(["", "t"])
    ),
    st.builds(lambda n: ("ZUORDNUNG", {"aufgabentraeger": {"anzeigeName": f"Frau {n}"}}), st.integers(0, 3)),
    st.builds(lambda n: ("TERMIN", {"termin": {"von": f"2026-12-0{n}T08:00:00Z"}}), st.integers(1, 4)),
    st.builds(lambda d: ("AKTIVITAET", {"text": "Hallo", "dokumente": [d, {"dokumentId": "d0"}]}), DOKUMENTE),
    st.builds(lambda d: ("DOKUMENT", {**d, "titel": "Brief"}), DOKUMENTE),
    st.builds(lambda d: ("DOKUMENT_ZURUECKGEZOGEN", d), DOKUMENTE),
    st.sampled_from([("GELOESCHT", {}), ("GELOESCHT", {"grund": "Doppelt"}), ("KATALOG_NEU", {})]),
)
HAPPENINGS = st.tuples(
    st.sampled_from([PORTAL, PORTAL, PORTAL, OTHER, BORN, BORN, ""]),
    SHAPES,
    st.sampled_from(["next", "next", "equal"]),
    st.sampled_from(["MIETER", "MIETER", "MIETER", "INTERN"]),
)


def new_house() -> House:
    return house_of(f"m{next(_numbers)}", MANDANT, ZONE, default_catalog())


class Crash(BaseException):
    """The process is gone."""


class World:
    """A Mandant with two Vorgänge from the portal and perhaps one born in immotion."""

    def __init__(self, run: str) -> None:
        self.house = new_house()
        self.mandant = self.house.mandant
        self.run = run
        self.ids = {PORTAL: uuid4(), OTHER: uuid4()}
        with connected():
            for vorgang_id in self.ids.values():
                vorgaenge.insert(some_vorgang(id=vorgang_id, mandant=self.mandant, typ="KONTAKT"))
                outbox.owe(self.mandant, vorgang_id, request_id="r", now=NOW)
            items = outbox.claim(self.mandant, now=NOW, lease=timedelta(minutes=1), limit=9)
            outbox.mark_sent(items, NOW)

    def key(self, which: str) -> str:
        return f"im-{which}-{self.run}"

    def wire(self, event: Event) -> Event:
        """The event as this world's immotion would send it."""
        which = event["about"]
        own = {"externeId": str(self.ids[which])} if which in self.ids else {}
        about = {"vorgangId": self.key(which), **own} if which else {}
        daten = event["daten"]
        if event["typ"] == "VORGANG_ANGELEGT":
            daten = {"vorgangsnummer": f"V-{which}", "vorgangId": self.key(which)}
            daten |= {} if which in self.ids else {"typ": "KONTAKT", "betreff": "b", "melder": {"personNr": "P"}}
        plain = {name: value for name, value in event.items() if name != "about"}
        return {**plain, "mandant": self.mandant, "daten": daten, **about}

    def answer(self, which: str) -> None:
        told = HandedOver(self.ids[which], self.key(which), f"V-{which}", "EINGEGANGEN")
        with connected(), transaction():
            handover.note_handed_over([told], NOW)

    def read(self, events: list[Event], to: str) -> None:
        page = FeedPage(tuple(self.wire(event) for event in events), to, more=False)
        read_events(self.mandant, Immotion(page=lambda _: page), wait=0, clock=lambda: NOW)

    def apply(self) -> None:
        apply_waiting(self.house, clock=lambda: NOW)

    def end(self) -> dict[str, Any]:
        with connected():
            lines = vorgaenge.page(self.mandant, ["o", owner_of_person(self.mandant, "P")], limit=99)
            assert len(lines) <= 3
            names = {vorgang_id: which for which, vorgang_id in self.ids.items()}
            return {names.get(line.id, BORN): self._end_of(line.id) for line in lines}

    def _end_of(self, vorgang_id: UUID) -> dict[str, Any]:
        found = vorgaenge.by_id(self.mandant, vorgang_id)
        assert found is not None
        names = ("status", "status_at", "status_text", "offen", "sachbearbeiter", "termin", "vorgangsnummer", "unread")
        entries = [(e.zeit, e.art, e.text, e.seq, dict(e.daten)) for e, _ in vorgaenge.timeline(vorgang_id)]
        texts = {e.id: (e.zeit, e.art) for e, _ in vorgaenge.timeline(vorgang_id)}
        files = [
            (*texts[f.aktivitaet_id], f.position, f.dateiname, f.dokument_id) for f in vorgaenge.anhaenge(vorgang_id)
        ]
        lost = sorted(texts[entry] for entry in documents.withdrawn_from(vorgang_id))
        immotion_id = (found.immotion_id or "").removesuffix(self.run)
        values = {name: getattr(found, name) for name in names}
        owed = [row.state for row in deliveries.rows_of(self.mandant, vorgang_id) if row.state in deliveries.OWED]
        told = {"entries": sorted(entries, key=str), "files": sorted(files), "lost": lost, "owed": owed}
        return values | told | {"immotion_id": immotion_id}


class Feed(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.run = uuid4().hex
        self.events: list[Event] = []
        self.answered: set[str] = set()
        self.seqs: dict[str, int] = {}
        self.asked = 0

    @initialize(numbered=st.sets(st.sampled_from([PORTAL, OTHER, BORN]), min_size=1))
    def begin(self, numbered: set[str]) -> None:
        self.numbered = numbered  # immotion numbers all events of a Vorgang, or none
        self.world = World(self.run)

    @rule(happened=st.lists(HAPPENINGS, min_size=1, max_size=6))
    def something_happens_in_immotion(self, happened: list[tuple[str, tuple[str, Any], str, str]]) -> None:
        for one in happened:
            self._happens(*one)

    def _happens(self, about: str, shape: tuple[str, Any], seq: str, visible: str) -> None:
        typ, daten = shape
        if typ == "VORGANG_ANGELEGT" and any(e["typ"] == typ and e["about"] == about for e in self.events):
            visible = "INTERN"  # it is announced to the resident once
        number = len(self.events)
        event = {
            "ereignisId": f"{number}-{self.run}",
            "typ": typ,
            "zeit": (NOW + timedelta(minutes=number)).isoformat(),
            "sichtbarkeit": visible,
            "daten": daten,
            "about": about,
        }
        if about in self.numbered:
            self.seqs[about] = self.seqs.get(about, 0) + (seq == "next") or 1
            event["vorgangSeq"] = self.seqs[about]
        self.events.append(event)

    @precondition(lambda self: self.events)
    @rule(data=st.data())
    def some_of_it_is_delivered(self, data: st.DataObject) -> None:
        picks = data.draw(st.lists(st.sampled_from(range(len(self.events))), max_size=12))
        self.asked += 1
        self.world.read([self.events[n] for n in picks], str(self.asked))

    @rule()
    def a_worker_applies(self) -> None:
        self.world.apply()

    @rule()
    def two_workers_apply_at_once(self) -> None:
        failed: list[BaseException] = []

        def work() -> None:
            try:
                self.world.apply()
            except BaseException as fault:  # noqa: BLE001 - told to the test
                failed.append(fault)

        workers = [threading.Thread(target=work) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert not failed

    @rule(step=st.integers(0, 4), where=st.sampled_from(["update_latest", "add_aktivitaet", "count_unread", "insert"]))
    def a_worker_is_killed_while_it_applies(self, step: int, where: str) -> None:
        real, left = getattr(vorgaenge, where), step

        def dies(*given: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise Crash
            return real(*given)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(apply_module.vorgaenge, where, dies)
            with suppress(Crash):
                self.world.apply()

    @rule()
    def a_backup_is_restored_with_an_old_cursor(self) -> None:
        with connected():
            inbox.begin_full_pass(self.world.mandant, "ereignisse", NOW)

    @precondition(lambda self: self.asked)
    @rule()
    def immotion_forgets_the_cursor(self) -> None:
        with connected():
            cursor = inbox.cursor(self.world.mandant, "ereignisse")
        if cursor:
            assert read_events(self.world.mandant, Immotion(expired={cursor}), wait=0, clock=lambda: NOW) == 0

    @rule(which=st.sampled_from([PORTAL, OTHER]))
    def the_answer_to_a_delivery_is_recorded(self, which: str) -> None:
        self.answered.add(which)
        self.world.answer(which)

    @rule()
    def everything_is_reconciled(self) -> None:
        world = self.world
        with connected():
            reconciles.begin(world.mandant, NOW)
        stands = {self._name(which): self._stand(which) for which in (PORTAL, OTHER, BORN)}
        reconcile_if_due(world.house, Immotion(stands=stands), hour=3, clock=lambda: NOW, random=lambda: 0.0)

    def _deleted(self, which: str) -> bool:
        return any(event["typ"] == "GELOESCHT" and event["about"] == which for event in self.events)

    def _name(self, which: str) -> str:
        return str(self.world.ids.get(which, self.world.key(which)))

    def _stand(self, which: str) -> Stand | None:
        own = [event for event in self.events if event["about"] == which]
        if self._deleted(which):
            return None  # immotion does not know it any more, and says so before its event has come
        numbered = any(e["typ"] == "VORGANG_ANGELEGT" and e["sichtbarkeit"] == "MIETER" for e in own)
        view = view_of(own)
        number = f"V-{which}" if numbered else None
        return Stand(self.world.key(which) if numbered else None, number, view.get("vorgangSeq", 0), view)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.world.read(self.events, "end")
        self.world.apply()
        once = World(self.run)
        for which in sorted(self.answered):
            once.answer(which)
        once.read(in_order(self.events), "end")
        once.apply()
        end = self.world.end()
        assert end == once.end()
        assert not [which for which, found in end.items() if found["owed"]]
        assert not [which for which in end if self._deleted(which) and end[which]["status"] != "GELOESCHT"]
        gone = {event["daten"]["dokumentId"] for event in self.events if event["typ"] == "DOKUMENT_ZURUECKGEZOGEN"}
        assert not [found for found in end.values() if gone & {dokument for *_, dokument in found["files"]}]
        with connected():
            left = {one.body["vorgangId"] for one in inbox.waiting(self.world.mandant)}
        assert left <= {self.world.key(BORN)}


@pytest.fixture(scope="module", autouse=True)
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    opened = open_database(new_database(tmp_path_factory.mktemp("machine")))
    migrate()
    yield
    opened.close_all()


TestFeed = Feed.TestCase
TestFeed.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
