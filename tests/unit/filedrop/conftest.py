"""Folders of a file drop with a channel and a database behind them, and the files that an ERP writes into them."""

import hashlib
import io
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from service.settings import FileDropSettings
from service.store import inbox, outbox, vorgaenge
from service.store.database import connected, open_database
from service.store.migrate import migrate
from service.store.models import OutboxRow
from service.store.records import Aktivitaet, Anhang, OutboxItem, Vorgang
from service.sync.feed import read_events
from service.sync.immotion.channel import Accepted
from service.sync.immotion.filedrop.channel import FileDropChannel
from service.sync.immotion.wire import aktivitaet_body, vorgang_body
from service.vorgang import delivery
from tests.support.filedrop import make_folders
from tests.support.vorgaenge import NOW, some_vorgang

NAMESPACE = "urn:mieterportal:filedrop:1"
MANDANT = "musterbau"


@dataclass
class Drop:
    """One Mandant's folders; the clock stands until it is moved, beginning with the file system's own."""

    root: Path
    now: datetime
    settings: FileDropSettings = field(init=False)
    channel: FileDropChannel = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self, **changes: object) -> None:
        given = {"channel": "filedrop", "directory": self.root, "settle_s": 30} | changes
        self.settings = FileDropSettings.model_validate(given)
        self.channel = FileDropChannel(MANDANT, self.settings, clock=lambda: self.now)

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)

    def file(self, **changes: object) -> Vorgang:
        """Store a Vorgang that is owed."""
        vorgang = some_vorgang(mandant=MANDANT, **changes)
        with connected():
            vorgaenge.insert(vorgang)
            outbox.owe(MANDANT, vorgang.id, request_id="r", now=self.now)
        return vorgang

    def hand_over(self, vorgang: Vorgang) -> str:
        """Write its package as the forwarder does, record that it is sent, and return the package's name."""
        item = self.claim(vorgang.id)
        self.put_vorgang(item, vorgang)
        with connected():
            outbox.mark_sent([item], self.now)
        return max(path.stem for path in (self.root / "in").glob("*.zip"))

    def send(self, vorgang: Vorgang, *files: Anhang) -> Accepted:
        """Write its package, under a claim of its own; nothing is recorded."""
        return self.put_vorgang(self.claim(vorgang.id), vorgang, *files)

    def put_vorgang(self, item: OutboxItem, vorgang: Vorgang, *files: Anhang) -> Accepted:
        self.channel.begin(item)
        return self.channel.put_vorgang(vorgang.id, vorgang_body(vorgang, list(files)), "r")

    def add(self, vorgang: Vorgang, **changes: object) -> Aktivitaet:
        """Hand over what a resident has added."""
        given = {"art": "ANTWORT", "text": "Text", "daten": {}} | changes
        added = Aktivitaet(uuid4(), vorgang.id, NOW, author="MIETER", author_name="", **given)
        with connected():
            outbox.owe(MANDANT, vorgang.id, aktivitaet_id=added.id, request_id="r", now=self.now)
        self.channel.begin(self.claim(vorgang.id, added.id))
        self.channel.put_aktivitaet(vorgang.id, added.id, aktivitaet_body(added, []), "r")
        return added

    def claim(self, vorgang_id: UUID, aktivitaet_id: UUID | None = None) -> OutboxItem:
        """Take a row over, whoever holds it; what was sent is owed again, what is parked is not to be had."""
        added = OutboxRow.aktivitaet_id == aktivitaet_id if aktivitaet_id else OutboxRow.aktivitaet_id.is_null()
        here = (OutboxRow.vorgang_id == vorgang_id) & added & (OutboxRow.state != "parked")
        held = {"state": "waiting", "fence": OutboxRow.fence + 1, "lease_until": self.now + timedelta(seconds=60)}
        with connected():
            assert OutboxRow.update(**held).where(here).execute() == 1
            row = OutboxRow.get(here)
        return OutboxItem(**{name: getattr(row, name) for name in OutboxItem.__slots__})

    def retry(self, vorgang: Vorgang) -> None:
        """Do what the operator does about a parked row."""
        with connected():
            delivery.retry(vorgang, now=self.now)

    def states(self) -> list[tuple[str, str]]:
        with connected():
            return [(row.state, row.last_error) for row in OutboxRow.select().order_by(OutboxRow.id)]

    def put(self, place: str, name: str, data: bytes, marker: str | None = "digest") -> Path:
        """Write a file as an ERP does, with its digest in the marker, an empty marker (""), or none (None)."""
        path = self.root / place / name
        path.write_bytes(data)
        if marker is not None:
            text = f"{hashlib.sha256(data).hexdigest()}  {name}\n" if marker == "digest" else marker
            path.with_name(f"{name}.ok").write_bytes(os.fsencode(text))
        return path

    def acknowledge(self, *records: dict[str, str], name: str = "Q.xml", mandant: str = MANDANT) -> Path:
        return self.put("quittung", name, quittung(*records, mandant=mandant))

    def read(self) -> int:
        """Do what the worker does in one round; returns how many events were new."""
        return read_events(MANDANT, self.channel, wait=0, clock=lambda: self.now)

    def events(self) -> list[dict[str, object]]:
        with connected():
            return [dict(one.body) for one in inbox.waiting(MANDANT, limit=5000)]

    def names(self, place: str) -> list[str]:
        return sorted(path.name for path in (self.root / place).iterdir())

    def reason(self) -> str:
        (path,) = (self.root / "fehler").glob("*.grund.txt")
        return path.read_text(encoding="utf-8")


def quittung(*records: dict[str, str], mandant: str = MANDANT) -> bytes:
    lines = "".join(
        "<quittung " + " ".join(f'{name}="{value}"' for name, value in record.items()) + "/>" for record in records
    )
    return f'<quittungen xmlns="{NAMESPACE}" mandant="{mandant}">{lines}</quittungen>'.encode()


def ok(paket: str, **changes: str) -> dict[str, str]:
    given = {"paket": paket, "ergebnis": "OK", "vorgangsnummer": "V-1", "zeit": "2026-11-23T12:00:00Z"}
    return {name: value for name, value in (given | changes).items() if value}


def index(*documents: dict[str, str], mandant: str = MANDANT) -> bytes:
    lines = "".join(
        "<dokument " + " ".join(f'{name}="{value}"' for name, value in one.items()) + "/>" for one in documents
    )
    return f'<dokumente xmlns="{NAMESPACE}" mandant="{mandant}">{lines}</dokumente>'.encode()


def document(vorgang_id: UUID, data: bytes, **changes: str) -> dict[str, str]:
    given = {
        "externeId": str(vorgang_id),
        "dokumentId": "D-1",
        "titel": "Bescheid",
        "zeit": "2026-11-23T12:00:00+01:00",
        "sichtbarkeit": "MIETER",
        "datei": "a.pdf",
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    return {name: value for name, value in (given | changes).items() if value}


def packed(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return made.getvalue()


@pytest.fixture
def drop(tmp_path: Path) -> Iterator[Drop]:
    opened = open_database(f"sqlite:///{tmp_path}/portal.db")
    migrate()
    root = make_folders(tmp_path / "ablage")
    started = datetime.fromtimestamp(root.stat().st_ctime).astimezone()
    made = Drop(root, started + timedelta(seconds=5))
    yield made
    made.channel.close()
    opened.close_all()
