"""The store means the same on SQLite, PostgreSQL and MariaDB."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from uuid import uuid4

import pyotp
import pytest
from playhouse.schema_diff import diff_models

from cms_adapters.connector import CmsLogin, Embedding
from cms_adapters.tokens import Claims
from service.access import factors
from service.access.audit import Actor, Source
from service.access.browser import CmsSessionOver, end_cms_session, hash_of, start_session
from service.access.factors import Factors
from service.access.hashing import Hasher
from service.access.vault import Vault
from service.access.visitor import Visitor, visitor_of_login
from service.store import (
    accounts,
    activations,
    catalogs,
    cms_sessions,
    drafts,
    filedrop,
    inbox,
    level2,
    outbox,
    retention,
    sessions,
    stammdaten,
    vorgaenge,
)
from service.store.database import (
    StoreUnavailable,
    connected,
    database,
    engine,
    in_transaction,
    open_database,
    ping,
    transaction,
)
from service.store.holds import NOTHING
from service.store.migrate import migrate, missing, versions
from service.store.models import MODELS, FeedRow, OutboxRow, VorgangRow
from service.store.query import tuples
from service.store.records import AccountKey, Activation, Answer, CmsSession, Draft, Link, Session, Vorgang
from service.store.retention import Kind, Over, Removed
from tests.support.engines import mariadb, postgresql
from tests.support.portal import Installation, vorgang_id
from tests.support.vorgaenge import NOW, some_vorgang


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mysql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield f"sqlite:///{directory}/portal.db"
        elif request.param == "postgresql":
            yield stack.enter_context(postgresql(directory))
        else:
            yield stack.enter_context(mariadb(directory))


@pytest.fixture
def store(url: str) -> Iterator[str]:
    opened = open_database(url)
    migrate()
    yield url
    opened.close_all()


def vorgang(**changes: object) -> Vorgang:
    """Return one with what engines may trip over: emoji, and text longer than 64 KiB."""
    special = {"mandant": "m", "form_key": uuid4(), "betreff": "Küche 😀", "beschreibung": "ß" * 70_000}
    return some_vorgang(**special | changes)


def test_migrations_run_once_and_make_what_the_models_say(store: str) -> None:
    assert migrate() == []
    assert missing() == []
    with connected():
        assert engine() in store
        difference = diff_models(database.obj, MODELS)
        assert not any(difference), difference


def test_parallel_migrations_do_not_disturb_each_other(store: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: migrate(), range(4))) == [[]] * 4


def test_a_vorgang_comes_back_as_it_was_stored(store: str) -> None:
    stored = vorgang()
    with connected():
        vorgaenge.insert(stored)
        assert vorgaenge.by_id("m", stored.id) == stored
        assert vorgaenge.by_form_key(stored.form_key) == stored
        with pytest.raises(vorgaenge.FormAlreadyFiled), transaction():
            vorgaenge.insert(vorgang(form_key=stored.form_key))


def test_nothing_is_stored_when_the_outbox_write_fails(store: str) -> None:
    stored = vorgang()
    with connected():
        with pytest.raises(ZeroDivisionError), transaction():
            vorgaenge.insert(stored)
            outbox.owe("m", stored.id, request_id="r", now=NOW)
            _ = 1 / 0
        assert vorgaenge.by_id("m", stored.id) is None


def test_upper_and_lower_case_are_different_owners_and_token_ids(store: str) -> None:
    with connected():
        vorgaenge.insert(vorgang(owner="Abc", id=(one := uuid4())))
        assert vorgaenge.owned("m", ["abc"], one) is None
        sessions.use_up("m", "website", "jti-a", NOW)
        sessions.use_up("m", "website", "jti-A", NOW)
        with pytest.raises(sessions.TokenAlreadyUsed), transaction():
            sessions.use_up("m", "website", "jti-a", NOW)


def test_numbers_are_given_out_once_each(store: str) -> None:
    mandant = uuid4().hex

    def one(_: int) -> str:
        with connected(), transaction():
            return vorgaenge.next_meldenummer(mandant, 2026)

    with ThreadPoolExecutor(8) as pool:
        numbers = sorted(pool.map(one, range(40)))
    assert numbers == [f"2026-{n:06d}" for n in range(1, 41)]


def test_packages_are_numbered_without_a_gap_and_once_each_by_eight_workers(store: str) -> None:
    mandant, records = uuid4().hex, [(uuid4(), uuid4() if n % 2 else None) for n in range(30)]

    def work(_: int) -> list[tuple[int, str]]:
        numbered = []
        for owed, added in records:
            with connected():
                paket = filedrop.number(mandant, owed, added, now=NOW)
            numbered.append((paket.seq, paket.name))
        return numbered

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, range(8)))
    assert all(result == results[0] for result in results)
    assert sorted(seq for seq, _ in results[0]) == list(range(1, 31))
    assert results[0][0][1].startswith(f"VG_{mandant}_20261123T120000Z_")


def test_a_number_is_not_used_up_by_a_transaction_that_fails(store: str) -> None:
    mandant = uuid4().hex
    with connected():
        with pytest.raises(ZeroDivisionError), transaction():
            filedrop.number(mandant, uuid4(), None, now=NOW)
            _ = 1 / 0
        assert filedrop.number(mandant, uuid4(), None, now=NOW).seq == 1


def test_an_answer_is_written_once_and_the_outbox_follows_it(store: str) -> None:
    mandant, one = uuid4().hex, uuid4()
    with connected():
        outbox.owe(mandant, one, request_id="r", now=NOW)
        (item,) = outbox.claim(mandant, now=NOW, lease=timedelta(minutes=1), limit=1)
        paket = filedrop.number_held(item, now=NOW)
        assert paket is not None
        assert filedrop.mark_written(item, paket, NOW)
        assert filedrop.mark_written(item, paket, NOW)
        later = NOW + timedelta(days=1)
        assert [p.seq for p in filedrop.unanswered(mandant, written_before=later, limit=5)] == [1]
        refusal = Answer("FEHLER", "a" * 64, NOW, "", "", "Straße 😀 unbekannt")
        assert filedrop.acknowledge(paket, refusal, NOW)
        assert not filedrop.acknowledge(paket, refusal, NOW)
        assert [(c.waiting, c.parked) for c in outbox.counts() if c.mandant == mandant] == [(0, 1)]
        assert filedrop.number_held(item, now=NOW) is None
        assert not filedrop.mark_written(item, paket, NOW)
        refused = filedrop.find(mandant, one)
        assert refused is not None
        assert refused.grund == "Straße 😀 unbekannt"
        assert filedrop.acknowledge(refused, Answer("OK", "b" * 64, NOW, "i", "V-1", ""), NOW)
        assert [(c.sent, c.parked) for c in outbox.counts() if c.mandant == mandant] == [(1, 0)]
        assert filedrop.owe_again(refused, NOW)
        assert not filedrop.owe_again(refused, NOW)
        filedrop.number(mandant, uuid4(), None, now=NOW)
        last = filedrop.number(mandant, uuid4(), None, now=NOW)
        assert filedrop.acknowledge(last, Answer("OK", "c" * 64, NOW, "", "", ""), NOW)
        assert [p.seq for p in filedrop.skipped(mandant, passed_before=later, limit=5)] == [2]
        assert set(filedrop.by_names(mandant, [paket.name, "none"])) == {paket.name}


def test_eight_workers_claim_every_row_exactly_once(store: str) -> None:
    mandant, claimed, lock = uuid4().hex, [], threading.Lock()
    with connected(), transaction():
        for _ in range(200):
            outbox.owe(mandant, uuid4(), request_id="r", now=NOW)

    def work(_: int) -> None:
        while True:
            with connected():
                items = outbox.claim(mandant, now=NOW, lease=timedelta(seconds=60), limit=7)
            if not items:
                with connected():
                    left = next(c for c in outbox.counts() if c.mandant == mandant).waiting
                if left == 0:
                    return
                continue
            with lock:
                claimed.extend(item.id for item in items)
            for item in items:
                with connected():
                    assert outbox.mark_sent([item], NOW) == {item.id}

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(claimed) == len(set(claimed)) == 200


def test_no_more_is_claimed_than_was_asked_for_however_small_the_engine_takes_the_table_for(store: str) -> None:
    mandant = uuid4().hex
    with connected():
        if engine() == "postgresql":  # it plans by what it has counted, and keeps to it while the table grows
            database.execute_sql("TRUNCATE outbox")
        outbox.owe(mandant, uuid4(), request_id="r", now=NOW)
        if engine() == "postgresql":
            database.execute_sql("ANALYZE outbox")
        for _ in range(12):
            outbox.owe(mandant, uuid4(), request_id="r", now=NOW)
        claims = [outbox.claim(mandant, now=NOW, lease=timedelta(seconds=60), limit=limit) for limit in (1, 5, 9)]
    assert [len(items) for items in claims] == [1, 5, 7]


def test_rows_of_one_vorgang_are_due_one_after_the_other(store: str) -> None:
    mandant, one = uuid4().hex, uuid4()
    with connected():
        for _ in range(2):
            outbox.owe(mandant, one, request_id="r", now=NOW)
        (first,) = outbox.claim(mandant, now=NOW, lease=timedelta(seconds=60), limit=5)
        assert outbox.claim(mandant, now=NOW, lease=timedelta(seconds=60), limit=5) == []
        assert outbox.mark_sent([first], NOW) == {first.id}
        (second,) = outbox.claim(mandant, now=NOW, lease=timedelta(seconds=60), limit=5)
        assert second.id > first.id
        assert outbox.park(second, error="x")
        assert outbox.claim(mandant, now=NOW, lease=timedelta(seconds=60), limit=5) == []


def test_an_expired_lease_is_taken_over_and_the_late_result_refused(store: str) -> None:
    mandant = uuid4().hex
    with connected():
        outbox.owe(mandant, uuid4(), request_id="r", now=NOW)
        (late,) = outbox.claim(mandant, now=NOW, lease=timedelta(seconds=60), limit=1)
        (taker,) = outbox.claim(mandant, now=NOW + timedelta(seconds=61), lease=timedelta(seconds=60), limit=1)
        assert taker.fence == late.fence + 1
        assert taker.outcome_unknown
        outbox.renew([late], NOW + timedelta(hours=1))
        assert outbox.claim(mandant, now=NOW + timedelta(seconds=122), lease=timedelta(seconds=60), limit=1)
        assert outbox.mark_sent([late, taker], NOW) == set()
        assert not outbox.postpone(late, next_at=NOW, error="x", outcome_unknown=True)
        outbox.give_back([late, taker], outcome_unknown=True)
        assert not outbox.anything_due(mandant, NOW + timedelta(seconds=123))


def test_two_transactions_that_lock_each_other_out_both_commit_in_the_end(store: str) -> None:
    one, two = vorgang(id=uuid4()), vorgang(id=uuid4())
    with connected():
        vorgaenge.insert(one)
        vorgaenge.insert(two)
    both_hold_one = threading.Barrier(2)

    def change(first: Vorgang, second: Vorgang) -> int:
        tries = []

        def work() -> None:
            tries.append(1)
            vorgaenge.count_unread(first.id, "nachricht")
            with suppress(threading.BrokenBarrierError):  # SQLite has one writer: the other never gets here
                both_hold_one.wait(1)
            vorgaenge.count_unread(second.id, "nachricht")

        with connected():
            in_transaction(work)
        return len(tries)

    with ThreadPoolExecutor(2) as pool:
        tries = sum(pool.map(change, (one, two), (two, one)))
    with connected():
        assert [v.unread for v in vorgaenge.by_ids([one.id, two.id]).values()] == [2, 2]
    assert tries == 2 if engine() == "sqlite" else tries > 2  # PostgreSQL may give up both


def test_what_a_transaction_claims_it_can_read_even_if_it_was_stored_after_the_transaction_began(store: str) -> None:
    new = vorgang(id=uuid4(), mandant=uuid4().hex)

    def file() -> None:
        with connected(), transaction():
            vorgaenge.insert(new)
            outbox.owe(new.mandant, new.id, request_id="r", now=NOW)

    def work() -> tuple[int, list[Vorgang]]:
        before = vorgaenge.by_ids([new.id])
        if engine() != "sqlite":  # it has one writer: nobody stores anything meanwhile
            assert not before
            pool.submit(file).result()
        claimed = outbox.claim(new.mandant, now=NOW, lease=timedelta(minutes=1), limit=9)
        return len(claimed), list(vorgaenge.by_ids([new.id]).values())

    with ThreadPoolExecutor(1) as pool, connected():
        if engine() == "sqlite":
            pool.submit(file).result()
        claimed, (read,) = in_transaction(work)
    assert claimed == 1
    assert read.id == new.id


def test_an_event_is_received_and_settled_once(store: str) -> None:
    body = {"ereignisId": uuid4().hex, "typ": "STATUS"}
    mandant = uuid4().hex
    with connected():
        assert inbox.receive(mandant, body, NOW)
        assert not inbox.receive(mandant, body, NOW)
        (waiting,) = inbox.waiting(mandant)
        assert inbox.settle(waiting.id, "applied")
        assert not inbox.settle(waiting.id, "applied")
        assert inbox.move_cursor(mandant, "ereignisse", "a", NOW, seen="")
        assert inbox.move_cursor(mandant, "ereignisse", "b", NOW, seen="a")
        assert not inbox.move_cursor(mandant, "ereignisse", "c", NOW, seen="a")
        assert not inbox.move_cursor(mandant, "ereignisse", "c", NOW, seen="")
        assert inbox.cursor(mandant, "ereignisse") == "b"


def test_a_cursor_may_be_of_any_length(store: str) -> None:
    mandant, first, second = uuid4().hex, "ü" + "c" * 5000, "c" * 5001
    with connected():
        assert inbox.move_cursor(mandant, "ereignisse", first, NOW, seen="")
        assert inbox.cursor(mandant, "ereignisse") == first
        assert not inbox.move_cursor(mandant, "ereignisse", "x", NOW, seen=first.upper())
        assert inbox.move_cursor(mandant, "ereignisse", second, NOW, seen=first)
        assert inbox.cursor(mandant, "ereignisse") == second


def test_a_package_that_is_owed_again_has_its_days_anew_also_if_it_was_retried_long_ago(store: str) -> None:
    mandant, one, later = uuid4().hex, uuid4(), NOW + timedelta(days=30)
    with connected():
        outbox.owe(mandant, one, request_id="r", now=NOW)
        OutboxRow.update(retried_at=NOW).where(OutboxRow.mandant == mandant).execute()
        paket = filedrop.number(mandant, one, None, now=NOW)
        (item,) = outbox.claim(mandant, now=NOW, lease=timedelta(seconds=45), limit=1)
        outbox.mark_sent([item], NOW)
        assert filedrop.owe_again(paket, later)
        (again,) = outbox.claim(mandant, now=later, lease=timedelta(seconds=45), limit=1)
    assert (again.created_at, again.retried_at, again.attempts) == (later, later, 0)


def test_a_code_is_used_once_and_a_persons_links_are_kept(store: str) -> None:
    mandant, other = uuid4().hex, uuid4().hex
    here = CmsSession(mandant, "k" * 64, "website", "s" * 64)
    code = Activation(mandant, "K7QM", "hash", "person", "P1", "csv", None, NOW, NOW + timedelta(days=60))
    newer = replace(code, selector="K7QN")
    with connected():
        activations.issue([code, replace(code, selector="K7QP", person="P2")], now=NOW)
        with pytest.raises(activations.SelectorTaken):
            in_transaction(lambda: activations.issue([replace(code, person="P3")], now=NOW))
        assert activations.taken(mandant, ["K7QM", "K7QN"]) == {"K7QM"}
        assert activations.taken(other, ["K7QM"]) == set()
        activations.issue([newer], now=NOW)
        assert not activations.use(code, account="a", now=NOW)  # void by the newer one
        assert [activations.count_attempt(newer, most=2) for _ in range(3)] == [True, True, False]
        assert not activations.use(newer, account="a", now=newer.expires_at)
        assert [activations.use(newer, account=account, now=NOW) for account in "ab"] == [True, False]
        assert activations.find(mandant, "K7QN") == replace(newer, used_at=NOW, used_by="a")
        stammdaten.apply_change(mandant, "PERSON", "P1", {"name": "Zoë Müller"})
        for number, person in enumerate(("P2", "P1", "P1")):
            accounts.link(Link(mandant, "a", person, "website", NOW + timedelta(seconds=number)))
        assert accounts.linked("a", here) == ({"P2": "", "P1": "Zoë Müller"}, None)
        assert cms_sessions.standing(here, "a") == (None, 2)
        accounts.choose(here, "P1", now=NOW)
        cms_sessions.end(here, at=NOW, now=NOW)
        assert accounts.linked("a", here)[1] == "P1"
        assert cms_sessions.standing(here, "a") == (NOW, 2)
        assert [link.account for link in accounts.links_of(mandant, "P1")] == ["a"]
        assert [accounts.unlink(mandant, "a", "P1") for _ in range(2)] == [True, False]
        activations.sweep(expired_before=NOW + timedelta(days=61))
        assert activations.find(mandant, "K7QN") is None


def test_drafts_sessions_catalogs_and_contracts_are_kept(store: str) -> None:
    mandant = uuid4().hex
    with connected():
        draft = Draft(uuid4(), mandant, "a", "kontakt", {"betreff": "x"}, NOW)
        drafts.save(draft)
        drafts.save(draft)
        assert drafts.latest(mandant, "a", "kontakt", ["o"]) == draft
        drafts.save(replace(draft, owner="o"))
        assert drafts.latest(mandant, "a", "kontakt", ["another"]) is None
        assert tuples(drafts.forms_as(0, mandant, "a", ["o", "another"])) == [(0, "kontakt", 1)]
        over = Over(Kind.DRAFT, mandant, NOW + timedelta(days=1), NOTHING)
        assert (retention.count(over), retention.remove(over, limit=9)) == (1, Removed(1))
        session = Session(uuid4().hex, mandant, "w", "a", "s", None, "n", "e", "de", ("mieter",), NOW, NOW)
        sessions.start(session, ending=[])
        assert sessions.find([session.secret_hash, "another"]) == [session]
        sessions.start(replace(session, secret_hash="n" * 64, created_at=NOW + timedelta(1)), ending=["another"])
        assert sessions.find([session.secret_hash, "n" * 64])[0].secret_hash == "n" * 64
        sessions.start(replace(session, secret_hash="o" * 64), ending=["n" * 64, "another"])
        assert sessions.end_cms_session(mandant, "w", "s") == 2
        catalogs.import_catalog(mandant, version="1", digest="d1", body={"a": 1}, now=NOW)
        catalogs.import_catalog(mandant, version="2", digest="d2", body={"a": 2}, now=NOW)
        assert (catalogs.current_digest(mandant), catalogs.current(mandant)) == ("d2", {"a": 2})
        stammdaten.apply_change(mandant, "GEBAEUDE", "G", {"strasse": "Weg 1", "plz": "1", "ort": "B"})
        stammdaten.apply_change(mandant, "EINHEIT", "E", {"gebaeudeNr": "G", "lage": "EG"})
        stammdaten.apply_change(mandant, "VERTRAG", "V", {"personNr": "P", "einheitNr": "E", "rolle": "MIETER"})
        (vertrag,) = stammdaten.vertraege(mandant, "P")
        assert (vertrag.adresse, vertrag.lage, vertrag.gebaeude_nr) == ("Weg 1, 1 B", "EG", "G")
        stammdaten.apply_change(mandant, "VERTRAG", "V", None)
        assert stammdaten.vertraege(mandant, "P") == []


def test_every_earlier_version_migrates_with_data_in_it(url: str) -> None:
    """Fill the first version with the columns that it had, migrate to the newest, read it back."""
    open_database(url)
    migrate(versions()[0])
    stored = vorgang()
    with connected():
        had = {column.name for column in database.get_columns("vorgang")}
        VorgangRow.insert(**{name: value for name, value in asdict(stored).items() if name in had}).execute()
        had = {column.name for column in database.get_columns("outbox")}
        owed = {"mandant": "m", "vorgang_id": stored.id, "created_at": NOW, "next_at": NOW, "request_id": "r"}
        OutboxRow.insert(**{name: value for name, value in owed.items() if name in had}).execute()
        FeedRow.insert(mandant="m", feed="ereignisse", cursor="c", moved_at=NOW).execute()
    migrate()
    with connected():
        assert inbox.cursor("m", "ereignisse") == "c"
        assert len(outbox.claim("m", now=NOW, lease=timedelta(seconds=45), limit=9)) == 1
        assert vorgaenge.by_id("m", stored.id) == stored
        assert filedrop.number("m", stored.id, None, now=NOW).seq == 1
    database.obj.close_all()


def test_the_whole_way_runs_on_this_engine(url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    installation = Installation(tmp_path_factory.mktemp("way"), database=url)
    try:
        installation.start_standin()
        installation.start_portal()
        resident = installation.resident(sub=uuid4().hex, person=uuid4().hex[:8])
        number = vorgang_id(resident.post("melden/schaden", resident.schaden(beschreibung="Grüße 😀")))
        assert installation.run("sync", "run", "--once").returncode == 0
        assert [row["koerper"]["beschreibung"] for row in installation.ledger() if row["externeId"] == number] == [
            "Grüße 😀"
        ]
        assert "V-" in resident.get(f"vorgaenge/{number}").text
    finally:
        installation.stop_all()


def test_a_database_that_does_not_answer_is_named_as_such() -> None:
    open_database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(StoreUnavailable):
        ping()
    with pytest.raises(ValueError, match="scheme"):
        open_database("oracle://x/y")
    with pytest.raises(ValueError, match="file"):
        open_database("sqlite:///")


def login(sub: str, sid: str, mandant: str) -> Visitor:
    claimed = CmsLogin(
        connection="w",
        subject=sub,
        session_id=sid,
        jti=uuid4().hex,
        issued=int(NOW.timestamp()),
        expires=int(NOW.timestamp()) + 60,
        embedding=Embedding.BROWSER,
        base_url=None,
        person=None,
        name=None,
        email=None,
        lang=None,
        roles=(),
    )
    return visitor_of_login(mandant, claimed)


def logout(sub: str, sid: str, mandant: str) -> None:
    moment = int(NOW.timestamp())
    end_cms_session(mandant, Claims(1, "logout", "w", "", sub, sid, uuid4().hex, moment, moment + 60), now=NOW)


def test_a_logout_during_a_login_leaves_no_session(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The logout begins when the login has looked and found nothing, and has not committed yet."""
    mandant, began = uuid4().hex, threading.Event()
    original = sessions.start

    def slowly(session: Session, *, ending: list[str]) -> None:
        began.set()
        ended.join(0.5)
        original(session, ending=ending)

    def end() -> None:
        began.wait(10)
        with connected():
            logout("1", "s", mandant)

    monkeypatch.setattr(sessions, "start", slowly)
    ended = threading.Thread(target=end)
    ended.start()
    with connected():
        started = start_session(login("1", "s", mandant), replaces=[], now=NOW)
        ended.join(20)
        assert sessions.find([hash_of(started.secret)]) == []
        with pytest.raises(CmsSessionOver):
            start_session(login("1", "s", mandant), replaces=[], now=NOW)


def test_many_logins_of_one_session_at_once_all_come_through(store: str) -> None:
    mandant = uuid4().hex

    def one(_: int) -> str:
        with connected():
            return start_session(login("1", "s", mandant), replaces=["former"], now=NOW).secret

    with ThreadPoolExecutor(8) as pool:
        secrets = list(pool.map(one, range(24)))
    with connected():
        assert len(sessions.find([hash_of(secret) for secret in secrets])) == 24
        logout("another", "s", mandant)
        assert sessions.find([hash_of(secret) for secret in secrets]) == []


def set_up_app(sub: str, mandant: str, with_: Factors) -> None:
    """Set an app up by its first code, which raises the session."""
    factors.begin(login(sub, "s", mandant), with_, now=NOW)
    visitor = login(sub, "s", mandant)
    secret = factors.begun(visitor, with_, now=NOW)
    source = Source(mandant, Actor.RESIDENT, NOW)
    factors.confirm(visitor, pyotp.TOTP(secret or "").at(NOW), with_, form_key=uuid4(), source=source)


def test_a_logout_during_a_right_code_leaves_no_level_2(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The logout begins when the code was found right, and the session is raised but not committed yet."""
    mandant, began = uuid4().hex, threading.Event()
    with_, original = Factors(Vault(["v" * 32]), Hasher(), 10), level2.lift

    def slowly(session: CmsSession, who: AccountKey, *, until: datetime, by: str) -> None:
        original(session, who, until=until, by=by)
        began.set()
        ended.join(0.5)

    def end() -> None:
        began.wait(10)
        with connected():
            logout("1", "s", mandant)

    monkeypatch.setattr(level2, "lift", slowly)
    ended = threading.Thread(target=end)
    ended.start()
    with connected():
        set_up_app("1", mandant, with_)
        ended.join(20)
        assert level2.until(login("1", "s", mandant).of_cms_session) is None
        with pytest.raises(CmsSessionOver):
            set_up_app("2", mandant, with_)
        assert level2.until(login("2", "s", mandant).of_cms_session) is None
