"""The stand-in's memory: one SQLite file, one writer at a time, committed before anything is answered."""

import sqlite3
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from service.standin.blobs import Blobs

_TABLES = """
CREATE TABLE IF NOT EXISTS angaben (name TEXT PRIMARY KEY, wert TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS anhaenge (
    anhang_id TEXT PRIMARY KEY, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, angekommen TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS vorgaenge (
    id INTEGER PRIMARY KEY AUTOINCREMENT, externe_id TEXT UNIQUE, vorgang_id TEXT NOT NULL UNIQUE,
    mandant TEXT NOT NULL, vorgangsnummer TEXT UNIQUE, koerper TEXT NOT NULL, stand TEXT NOT NULL,
    stand_seq TEXT NOT NULL, status TEXT NOT NULL,
    version INTEGER NOT NULL, batch_faellig REAL, angekommen TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS vorgaenge_batch ON vorgaenge (batch_faellig) WHERE batch_faellig IS NOT NULL;
CREATE INDEX IF NOT EXISTS vorgaenge_status ON vorgaenge (status, id);
CREATE TABLE IF NOT EXISTS aktivitaeten (
    id INTEGER PRIMARY KEY AUTOINCREMENT, vorgang INTEGER NOT NULL REFERENCES vorgaenge (id),
    aktivitaet_id TEXT NOT NULL, koerper TEXT NOT NULL, angekommen TEXT NOT NULL, UNIQUE (vorgang, aktivitaet_id));
CREATE TABLE IF NOT EXISTS ereignisse (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, typ TEXT NOT NULL, schluessel TEXT NOT NULL, koerper TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS ereignisse_vorgang ON ereignisse (schluessel, seq);
CREATE INDEX IF NOT EXISTS ereignisse_typ ON ereignisse (typ, seq);
CREATE TABLE IF NOT EXISTS folgen (schluessel TEXT PRIMARY KEY, seq INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS nummern (jahr INTEGER PRIMARY KEY, zuletzt INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS dokumente (
    dokument_id TEXT PRIMARY KEY, dateiname TEXT NOT NULL, mime TEXT NOT NULL, bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS quittungen (
    dokument_id TEXT NOT NULL, art TEXT NOT NULL, koerper TEXT NOT NULL, PRIMARY KEY (dokument_id, art));
CREATE TABLE IF NOT EXISTS stammdaten (seq INTEGER PRIMARY KEY AUTOINCREMENT, koerper TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS aufrufe (
    schluessel TEXT NOT NULL, aufruf TEXT NOT NULL, anzahl INTEGER NOT NULL, PRIMARY KEY (schluessel, aufruf));
CREATE TABLE IF NOT EXISTS zugaenge (sha256 TEXT PRIMARY KEY, gueltig_bis REAL NOT NULL);
"""
_EMPTIED = (
    "aktivitaeten",
    "vorgaenge",
    "anhaenge",
    "ereignisse",
    "folgen",
    "nummern",
    "dokumente",
    "quittungen",
    "stammdaten",
    "aufrufe",
    "zugaenge",
    "angaben",
)


def utc_now() -> datetime:
    """Return the time, aware."""
    return datetime.now(UTC)


def random_id() -> str:
    """Return a new random id."""
    return str(uuid.uuid4())


class Ledger:
    """One file of Vorgänge and events, and a folder of contents beside it.

    Everything runs over one connection behind one lock: the stand-in is one process, and equal requests at the same
    moment must find each other's work.
    """

    def __init__(
        self, path: Path, *, clock: Callable[[], datetime] = utc_now, new_id: Callable[[], str] = random_id
    ) -> None:
        """Open or create the ledger at `path`; raises sqlite3.Error for a file that is none."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.now = clock
        self.new_id = new_id
        self.blobs = Blobs(path.with_name(path.name + ".files"))
        self._lock = threading.RLock()
        self._calls: Counter[tuple[str, str]] = Counter()
        self._grown = threading.Condition()
        self._growth = 0
        self._grew = False
        self.closing = threading.Event()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(_TABLES)
        with self.transaction() as connection:
            self._begin_generation(connection)

    def _begin_generation(self, connection: sqlite3.Connection) -> None:
        connection.execute("INSERT OR IGNORE INTO angaben VALUES ('generation', ?)", (self.new_id().split("-")[0],))

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for writing; what was written is on disk when the block ends, or nothing is."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._write_calls()
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                self._grew = False
                raise
            self._calls.clear()
            grew, self._grew = self._grew, False
        if grew:
            self.wake_readers()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for reading; nobody writes meanwhile."""
        with self._lock:
            yield self._connection

    def count_call(self, key: str, call: str) -> None:
        """Remember that a call came; written with the next transaction, so a count costs no disk access of its own."""
        with self._lock:
            self._calls[key, call] += 1

    def _write_calls(self) -> None:
        self._connection.executemany(
            "INSERT INTO aufrufe VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET anzahl = anzahl + excluded.anzahl",
            [(key, call, times) for (key, call), times in self._calls.items()],
        )

    def feed_grew(self) -> None:
        """Say, inside a transaction, that waiting readers of the feed have something to read after it."""
        self._grew = True

    def wake_readers(self) -> None:
        """Wake everybody who waits for the feed."""
        with self._grown:
            self._growth += 1
            self._grown.notify_all()

    @property
    def growth(self) -> int:
        """A number that changes whenever the feed grows; take it before reading, hand it to `wait_for_growth`."""
        with self._grown:
            return self._growth

    def wait_for_growth(self, seen: int, seconds: float) -> None:
        """Wait until the feed has grown since `seen`, the stand-in stops, or `seconds` have passed."""
        with self._grown:
            self._grown.wait_for(lambda: self._growth != seen or self.closing.is_set(), timeout=seconds)

    def stop(self) -> None:
        """Let every waiting call end at once; the server is going down."""
        self.closing.set()
        self.wake_readers()

    def reset(self) -> None:
        """Forget everything; cursors given out before are unknown from now on."""
        with self.transaction() as connection:
            for table in _EMPTIED:
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - the names stand above
            self._begin_generation(connection)
            self.blobs.clear()
            self.feed_grew()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
