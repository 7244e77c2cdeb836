"""Who is told by mail of which document: everybody who may see it and wants to be told, once, batch by batch."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from service.store import benachrichtigungen, documents, dokumente, neuigkeiten, stammdaten
from service.store.database import connected, in_transaction, open_database
from service.store.database import database as pool
from service.store.dokument_records import (
    FEED,
    ORDNER,
    DokumentFilter,
    Empfaenger,
    NeuesDokument,
    Paper,
    Stored,
)
from service.store.migrate import migrate
from service.store.models import BenachrichtigungRow, MailRow, RundeRow
from service.store.owner import owner_of_account, owner_of_person
from service.store.query import dicts
from service.store.records import ARTEN, DOKUMENT, STAND, Benachrichtigung
from service.vorgang.catalog import default_catalog
from service.vorgang.document_news import owe_documents, owe_to_many
from service.vorgang.dokumente import leser_of, ziele_of
from service.vorgang.notices import Sammelzeit
from tests.support.databases import new_database
from tests.support.dokumente import NOW, einheit, forget_everything, gebaeude, person, tell, vertrag

ZEIT = Sammelzeit(ZoneInfo("Europe/Berlin"))
CATALOG = default_catalog()
ALLE = Empfaenger(alle=True)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    opened = open_database(new_database(tmp_path_factory.mktemp("store")))
    migrate()
    yield
    opened.close_all()


@pytest.fixture(autouse=True)
def store(database: None) -> Iterator[None]:
    forget_everything()
    with connected():
        for table in (BenachrichtigungRow, MailRow, RundeRow):
            table.delete().execute()
        yield


def subscriber(nr: str, arten: Sequence[str] = ARTEN, **more: Any) -> Benachrichtigung:
    owners = {"owner": owner_of_account("m", f"a-{nr}"), "owner_person": owner_of_person("m", nr), "person": nr}
    told = {"email": f"{nr}@x.example", "lang": "de", "asked_at": NOW, "confirmed_at": NOW, "arten": ",".join(arten)}
    return Benachrichtigung(
        **{"mandant": "m", "account": f"a-{nr}", "key": uuid4(), "connection": "website"} | owners | told | more
    )


def subscribe(*nrs: str, **more: Any) -> None:
    for nr in nrs:
        benachrichtigungen.put(subscriber(nr, **more))


def publish(
    name: str, *to: Empfaenger, art: str = "ANSCHREIBEN", von: str = "2026-11-01", bis: str = "", quelle: str = ORDNER
) -> UUID:
    days = {"datum": von, "von": von, "bis": bis or von}
    neu = NeuesDokument(
        dokument_id=name, quelle=quelle, art=art, titel=name, dateiname="x.pdf", suche=name, level=None,
        loeschen_nach=None, mime="application/pdf", bytes=1, sha256="", **days,
    )  # fmt: skip

    def store() -> UUID:
        stored = Stored(uuid4(), Paper("application/pdf", 1), 1, "0" * 64)
        dokumente.add_stored("m", [(neu, stored)], now=NOW)
        key: UUID = dokumente.find("m", [name])[name][0]
        ziele = ziele_of("m", to, art, CATALOG)
        dokumente.add_ziele([(key, ziel, neu.von, neu.bis) for ziel in ziele], now=NOW)
        return key

    return in_transaction(store)


def step(what: Any = owe_documents) -> int:
    """Do one step, and let the mails for at once be sent: one that waits would take up what is told twice."""
    done: int = in_transaction(partial(what, "m", ZEIT, now=NOW))
    MailRow.update(state="sent").where(MailRow.kind == "neues").execute()
    return done


def test_a_mail_about_documents_that_still_waits_tells_of_the_next_ones_too() -> None:
    housing()
    subscribe("P1")
    for name in ("D", "E"):
        publish(name, Empfaenger(person_nr="P1"), quelle=FEED)
        in_transaction(partial(owe_documents, "m", ZEIT, now=NOW))
    (row,) = dicts(MailRow.select())
    assert len(row["facts"]["dokumente"]) == 2


def tell_all() -> None:
    while step() or step(owe_to_many):
        pass
    assert not neuigkeiten.anything("m")


def told() -> dict[str, int]:
    return dict(Counter(row["recipient"].partition("@")[0] for row in dicts(MailRow.select())))


def sees(nr: str, name: str) -> bool:
    leser = leser_of("m", [owner_of_person("m", nr)], stammdaten.vertraege("m", nr), NOW.date())
    return name in {one.dokument_id for one in dokumente.page(leser, DokumentFilter(), limit=99)}


def housing() -> list[str]:
    """Two houses: tenants and an owner, who came, left, and belong to a contract for a part of its time."""
    tell(
        "m",
        *(person(f"P{n}") for n in range(1, 8)),
        gebaeude("G1"),
        gebaeude("G2"),
        *(einheit(f"E{n}", "G1" if n < 4 else "G2") for n in range(1, 6)),
        vertrag("V1", "P1", "E1", mitmieter=[{"personNr": "P2"}, {"personNr": "P3", "ende": "2024-06-30"}]),
        vertrag("V2", "P4", "E2", rolle="EIGENTUEMER"),
        vertrag("V3", "P5", "E3", ende="2025-12-31"),
        vertrag("V4", "P6", "E4"),
        vertrag("V5", "P7", "E5", beginn="2026-12-01"),
    )
    return [f"P{n}" for n in range(1, 8)]


OWNERS_ONLY = next(code for code, one in CATALOG.dokumentarten.items() if one.audience == "OWNER")


@pytest.mark.parametrize(
    "to,more",
    [
        (Empfaenger(person_nr="P1"), {}),
        (Empfaenger(person_nr="P1", vertrag_nr="V1"), {}),
        (Empfaenger(vertrag_nr="V1"), {}),
        (Empfaenger(vertrag_nr="V1"), {"von": "2024-01-01"}),
        (Empfaenger(gebaeude_nr="G1"), {}),
        (Empfaenger(gebaeude_nr="G1"), {"von": "2025-03-01"}),
        (Empfaenger(gebaeude_nr="G1"), {"art": OWNERS_ONLY}),
        (ALLE, {}),
        (ALLE, {"von": "2026-11-01", "bis": "2026-12-31"}),
    ],
)
def test_exactly_those_are_told_who_find_it_in_their_list(to: Empfaenger, more: dict[str, str]) -> None:
    everybody = housing()
    subscribe(*everybody)
    publish("D", to, **more)
    tell_all()
    assert told() == {nr: 1 for nr in everybody if sees(nr, "D")}
    assert told()
    tell_all()
    assert set(told().values()) == {1}


def test_who_wants_no_documents_has_not_confirmed_or_takes_no_mail_is_not_told() -> None:
    housing()
    subscribe("P1")
    subscribe("P2", arten=(STAND,))
    subscribe("P4", confirmed_at=None)
    subscribe("P6", bounced_at=NOW)
    publish("D", ALLE)
    tell_all()
    assert told() == {"P1": 1}


def test_a_document_that_reaches_somebody_by_several_ways_is_told_once_and_later_only_to_whom_it_is_new() -> None:
    housing()
    subscribe("P1", "P2", "P6")
    publish("D", Empfaenger(person_nr="P1"), Empfaenger(vertrag_nr="V1"), Empfaenger(gebaeude_nr="G1"))
    tell_all()
    assert told() == {"P1": 1, "P2": 1}
    publish("D", Empfaenger(person_nr="P2"), ALLE)
    tell_all()
    assert told() == {"P1": 1, "P2": 1, "P6": 1}


def test_whom_a_running_round_has_passed_is_not_told_again_and_whom_it_has_not_is_told_once() -> None:
    housing()
    subscribe("P1", "P6")
    key = publish("D", ALLE)
    assert step(owe_to_many) == 1
    assert told() == {}
    with_round = neuigkeiten.runde("m")
    assert with_round is not None
    neuigkeiten.go_on(with_round, "a-P1")  # as far as it would be by now
    publish("D", Empfaenger(person_nr="P1"), Empfaenger(person_nr="P6"))
    assert step() == 2
    assert told() == {"P6": 1}
    tell_all()
    assert told() == {"P6": 1}
    assert neuigkeiten.news("m", limit=9) == []
    assert dokumente.find("m", ["D"])["D"][0] == key


def many(number: int) -> list[str]:
    """Let there be so many tenants of one house, all of whom are told of documents."""
    nrs = [f"Q{n:04}" for n in range(number)]
    tell(
        "m",
        gebaeude("G1"),
        *(person(nr) for nr in nrs),
        *(einheit(f"E{nr}", "G1") for nr in nrs),
        *(vertrag(f"V{nr}", nr, f"E{nr}") for nr in nrs),
    )
    return nrs


def put_all(nrs: Sequence[str], **more: Any) -> None:
    rows = [subscriber(nr, (DOKUMENT,), **more) for nr in nrs]
    values = [{name: getattr(row, name) for name in row.__slots__} for row in rows]
    for start in range(0, len(values), 200):
        BenachrichtigungRow.insert_many(values[start : start + 200]).as_rowcount().execute()


class Killed(Exception):
    pass


def killed(what: Any) -> None:
    def work() -> None:
        assert what("m", ZEIT, now=NOW)
        raise Killed

    with pytest.raises(Killed):
        in_transaction(work)


def test_a_round_goes_on_where_it_was_killed_in_bounded_steps_and_tells_nobody_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nrs = many(1100)
    put_all(nrs)
    publish("D", Empfaenger(gebaeude_nr="G1"))
    assert step(owe_to_many) == 1
    counts, statements = [], 0
    original = pool.obj.execute_sql

    def counted(*args: Any, **more: Any) -> Any:
        nonlocal statements
        statements += 1
        return original(*args, **more)

    monkeypatch.setattr(pool.obj, "execute_sql", counted)
    while neuigkeiten.anything("m"):
        killed(owe_to_many)
        before, statements = len(told()), 0
        step(owe_to_many)
        counts.append((len(told()) - before, statements))
    assert [fresh for fresh, _ in counts] == [500, 500, 100]
    assert max(number for _, number in counts) < 40
    assert told() == dict.fromkeys(nrs, 1)


def test_a_document_for_many_persons_is_told_in_batches_and_all_of_a_day_is_one_mail_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nrs = many(450)
    put_all(nrs, stunde=18)
    for name in ("D1", "D2"):
        publish(name, *(Empfaenger(person_nr=nr) for nr in nrs), quelle=FEED)
    statements: list[str] = []
    original = pool.obj.execute_sql

    def counted(*args: Any, **more: Any) -> Any:
        statements.append(args[0])
        return original(*args, **more)

    monkeypatch.setattr(pool.obj, "execute_sql", counted)
    steps = []
    while neuigkeiten.untold("m", viele=False, limit=1):
        killed(owe_documents)
        statements.clear()
        steps.append((step(), len(statements)))
    assert [done for done, _ in steps] == [200, 200, 200, 200, 100]
    assert max(number for _, number in steps) < 50
    assert told() == dict.fromkeys(nrs, 1)
    (one, *_) = dicts(MailRow.select())
    assert len(one["facts"]["dokumente"]) == 2
    assert (one["facts"]["arten"], one["facts"]["dokument"]) == ([DOKUMENT], True)


def test_two_senders_at_once_tell_nobody_twice() -> None:
    housing()
    subscribe("P1")
    publish("D", Empfaenger(person_nr="P1"))
    seen = neuigkeiten.untold("m", viele=False, limit=9)
    assert step() == 1
    with pytest.raises(neuigkeiten.Overtaken):
        neuigkeiten.settle([(one.dokument, one.ziel) for one in seen])
    publish("E", ALLE)
    assert step(owe_to_many) == 1
    under_way = neuigkeiten.runde("m")
    assert under_way is not None
    tell_all()
    with pytest.raises(neuigkeiten.Overtaken):
        neuigkeiten.end(under_way)
    assert told() == {"P1": 2}


def test_what_came_long_ago_is_no_news_but_to_whom_it_is_given_now() -> None:
    housing()
    subscribe("P1", "P6")
    publish("D", Empfaenger(person_nr="P1"))
    publish("E", ALLE)
    later = NOW + timedelta(days=4)
    for what in (owe_documents, owe_to_many):
        while in_transaction(partial(what, "m", ZEIT, now=later)):
            pass
    assert told() == {}
    assert not neuigkeiten.anything("m")
    publish("D", Empfaenger(person_nr="P6"))
    tell_all()
    assert told() == {"P6": 1}


def test_a_document_that_is_withdrawn_during_a_round_is_told_no_further() -> None:
    housing()
    subscribe("P1")
    publish("D", ALLE)
    assert step(owe_to_many) == 1
    documents.withdraw("m", "D", NOW)
    tell_all()
    assert told() == {}
