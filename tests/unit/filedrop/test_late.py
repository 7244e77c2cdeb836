"""A worker that wakes up late undoes nothing, least of all a refusal that the operator sees."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from service.standin.faults import FaultSwitch
from service.standin.folder import FolderSide
from service.standin.ledger import Ledger
from service.standin.testside import arrived
from service.store import deliveries, filedrop
from service.store.database import connected, transaction
from service.store.models import FiledropRow, OutboxRow
from service.store.records import OutboxItem, Vorgang
from service.sync.immotion.channel import Permanent, TakenOver
from service.sync.immotion.filedrop import channel as channels
from service.sync.immotion.filedrop.channel import FileDropChannel
from service.sync.immotion.wire import vorgang_body
from service.vorgang import delivery
from tests.unit.filedrop.conftest import MANDANT, Drop, ok

PARKED = [("parked", "FEHLER: Vertrag unbekannt")]


def refusal(name: str, zeit: str = "2026-11-23T12:00:00Z") -> dict[str, str]:
    return ok(name, ergebnis="FEHLER", vorgangsnummer="", grund="Vertrag unbekannt", zeit=zeit)


def refuse(drop: Drop, vorgang: Vorgang) -> str:
    """Let another worker take the row over and hand it over, and the ERP refuse it."""
    late, drop.channel = drop.channel, FileDropChannel(MANDANT, drop.settings, clock=lambda: drop.now)
    name = drop.hand_over(vorgang)
    drop.acknowledge(refusal(name), name=f"{uuid4()}.xml")
    drop.read()
    drop.channel = late
    assert drop.states()[:1] == PARKED
    assert not (drop.root / "in" / f"{name}.zip").exists()
    return name


def result_of(vorgang: Vorgang) -> str:
    with connected():
        paket = filedrop.find(MANDANT, vorgang.id)
    assert paket is not None
    return paket.result


class At:
    """Something that happens once, at the place where a test has put it."""

    def __init__(self, happens: Callable[[], object]) -> None:
        self.happens = happens
        self.left = 1

    def __call__(self) -> None:
        if self.left:
            self.left -= 1
            self.happens()


def test_a_worker_that_slept_before_it_began_leaves_a_refused_package_alone(drop: Drop) -> None:
    vorgang = drop.file()
    claimed = drop.claim(vorgang.id)
    refuse(drop, vorgang)
    with pytest.raises(TakenOver):
        drop.put_vorgang(claimed, vorgang)
    assert drop.names("in") == []
    assert drop.states() == PARKED
    assert result_of(vorgang) == "FEHLER"


def test_a_worker_that_slept_while_it_packed_brings_nothing_back(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    vorgang = drop.file()
    claimed = drop.claim(vorgang.id)
    sleeps, real = At(lambda: refuse(drop, vorgang)), channels.write_package

    def write(*arguments: object) -> None:
        real(*arguments)
        sleeps()

    monkeypatch.setattr(channels, "write_package", write)
    with pytest.raises(TakenOver):
        drop.put_vorgang(claimed, vorgang)
    assert drop.names("in") == []
    assert drop.states() == PARKED


@pytest.fixture
def woken(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> tuple[Vorgang, str]:
    """A worker that looked, slept, and brought a refused package back to in/: the moment that no lock covers."""
    vorgang, names = drop.file(), []
    claimed, real = drop.claim(vorgang.id), channels._require_held
    sleeps = At(lambda: names.append(refuse(drop, vorgang)))

    def look(item: OutboxItem) -> None:
        real(item)
        sleeps()

    monkeypatch.setattr(channels, "_require_held", look)
    with pytest.raises(TakenOver):
        drop.put_vorgang(claimed, vorgang)
    (name,) = names
    assert drop.names("in") == [f"{name}.zip", f"{name}.zip.ok"]
    return vorgang, name


def test_what_came_back_all_the_same_has_the_old_number_and_says_nothing_new(
    drop: Drop, woken: tuple[Vorgang, str]
) -> None:
    vorgang, _ = woken
    assert drop.states() == PARKED
    assert result_of(vorgang) == "FEHLER"
    with connected():
        assert FiledropRow.select().count() == 1


def test_what_came_back_and_is_refused_again_is_parked_again_and_put_away(
    drop: Drop, woken: tuple[Vorgang, str]
) -> None:
    _, name = woken
    drop.acknowledge(refusal(name, "2026-11-24T12:00:00Z"))
    drop.read()
    assert drop.states() == PARKED
    assert drop.names("in") == []


def test_what_came_back_and_is_booked_ends_the_parking_and_is_a_dublette_ever_after(
    drop: Drop, woken: tuple[Vorgang, str], tmp_path: Path
) -> None:
    vorgang, _ = woken
    ledger = Ledger(tmp_path / "standin.db")
    side = FolderSide(ledger, FaultSwitch(), drop.root, MANDANT)
    assert side.step() == 1
    drop.read()
    drop.read()
    assert drop.states() == [("sent", "")]
    assert result_of(vorgang) == "OK"
    assert len(arrived(ledger)) == 1
    ledger.close()


def test_what_came_back_and_is_never_answered_is_put_away_with_its_reason(
    drop: Drop, woken: tuple[Vorgang, str]
) -> None:
    _, name = woken
    drop.later(minutes=59)
    drop.read()
    assert drop.names("in") == [f"{name}.zip", f"{name}.zip.ok"]
    drop.later(minutes=2)
    drop.read()
    assert drop.names("in") == []
    assert f"{name}.zip" in drop.names("fehler")
    assert drop.states() == PARKED


def test_a_package_that_waits_for_its_answer_stays_however_long(drop: Drop) -> None:
    name = drop.hand_over(drop.file())
    drop.later(hours=12)
    drop.read()
    assert drop.names("in") == [f"{name}.zip", f"{name}.zip.ok"]


def test_a_refused_package_is_not_written_again_without_the_operator(drop: Drop) -> None:
    vorgang = drop.file()
    refuse(drop, vorgang)
    with connected():
        OutboxRow.update(state="waiting").execute()
    with pytest.raises(Permanent, match="FEHLER: Vertrag unbekannt"):
        drop.send(vorgang)
    assert drop.names("in") == []


def test_the_operators_retry_opens_refused_packages_again_and_no_others(drop: Drop) -> None:
    refused, other = drop.file(), drop.file()
    refuse(drop, refused)
    drop.hand_over(other)
    with connected():
        (accepted,) = [row for row in FiledropRow.select() if row.vorgang_id == other.id]
        FiledropRow.update(result="OK").where(FiledropRow.id == accepted.id).execute()
    drop.retry(refused)
    drop.retry(other)
    assert (result_of(refused), result_of(other)) == ("", "OK")
    assert [state for state, _ in drop.states()] == ["waiting", "sent"]
    drop.send(refused)
    assert len([name for name in drop.names("in") if name.endswith(".zip")]) == 2


def test_a_retry_of_everything_parked_opens_an_aktivitaet_and_leaves_its_vorgang(drop: Drop) -> None:
    vorgang = drop.file()
    first = drop.hand_over(vorgang)
    drop.acknowledge(ok(first), name="ok.xml")
    drop.read()
    drop.read()
    added = drop.add(vorgang)
    name = max(path.stem for path in (drop.root / "in").glob("*.zip"))
    drop.acknowledge(refusal(name), name="no.xml")
    drop.read()
    with connected():
        assert sum(delivery.retry_parked(MANDANT, clock=lambda: drop.now)) == 1
        opened = filedrop.find(MANDANT, vorgang.id, added.id)
    assert opened is not None
    assert (opened.result, opened.acknowledged_at) == ("", None)
    assert result_of(vorgang) == "OK"


def test_a_retry_that_is_rolled_back_leaves_the_refusal_standing(drop: Drop) -> None:
    vorgang = drop.file()
    refuse(drop, vorgang)
    with connected(), pytest.raises(ZeroDivisionError), transaction():
        ids = [row_id for row_id, *_ in deliveries.lock_vorgang(MANDANT, vorgang.id)]
        deliveries.retry(ids, drop.now)
        _ = 1 / 0
    assert result_of(vorgang) == "FEHLER"
    assert drop.states() == PARKED


def test_nothing_is_handed_over_without_a_claim(drop: Drop) -> None:
    vorgang = drop.file()
    with pytest.raises(LookupError):
        drop.channel.put_vorgang(vorgang.id, vorgang_body(vorgang, []), "r")
    assert drop.names("in") == []
