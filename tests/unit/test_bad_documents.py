"""Bad documents as an ERP sends them, by the feed over HTTP and by the file drop: each put aside, the others go on."""

import json
import threading
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests

from service.settings import load_settings
from service.store import dokumente, stammdaten
from service.store.database import connected, database, open_database
from service.store.dokument_records import DokumentFilter
from service.store.migrate import migrate
from service.store.models import DokumentRow
from service.store.owner import owner_of_person
from service.sync.documents import TRIES
from service.sync.worker import _Worker
from service.vorgang.dokumente import leser_of
from tests.support.cli import run
from tests.support.dokumente import NOW, daten, pdf, person, tell
from tests.support.filedrop import DropInstallation
from tests.support.portal import MANDANT, Installation
from tests.unit.filedrop.conftest import document, index, packed

GOOD = pdf("good")


def bomb() -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(50 * 2**20))
    return made.getvalue()


@dataclass(frozen=True)
class Bad:
    """A document with its bytes, what is said otherwise than they are, and why it must be put aside."""

    reason: str
    content: bytes
    said: Mapping[str, Any] = field(default_factory=dict)


def bad(samples: Path) -> dict[str, Bad]:
    return {
        "digest": Bad("DIGEST", pdf("one"), {"sha256": sha256(b"another").hexdigest()}),
        "person": Bad("UNKNOWN_PERSON", pdf("two"), {"personNr": "P-99"}),
        "locked": Bad("ENCRYPTED", (samples / "locked.pdf").read_bytes()),
        "empty": Bad("EMPTY", b""),
        "bomb": Bad("TYPE", bomb()),
        "path": Bad("NAME", pdf("three"), {"dateiname": "../../etc/passwd.pdf"}),
        "turned": Bad("NAME", pdf("four"), {"dateiname": "Brief\u202efdp.exe"}),
    }


def until_parked(installation: Installation) -> None:
    """Run the worker until whatever is tried again has been tried often enough."""
    worker = _Worker(load_settings(installation.config))
    for _ in range(TRIES):
        with connected():
            DokumentRow.update(fetch_at=None).where(DokumentRow.stored_at.is_null()).execute()
        worker.round(threading.Event())


def listed(nr: str = "P1") -> list[str]:
    with connected():
        leser = leser_of(MANDANT, [owner_of_person(MANDANT, nr)], stammdaten.vertraege(MANDANT, nr), NOW.date())
        return [one.titel for one in dokumente.page(leser, DokumentFilter(), limit=99)]


def check(installation: Installation, wanted: list[str], reasons: dict[str, int], alarm: tuple[str, str]) -> None:
    """Look at what residents see, what the operator reads, and what lies on the disk."""
    assert sorted(listed()) == wanted
    status = json.loads(run(installation, "sync", "status", "--json").output)[0]
    assert status["documents_parked"] == reasons
    assert alarm in {(one["kind"], one["detail"]) for one in status["alarms"]}
    words = run(installation, "sync", "status").output
    assert all(f"DOCUMENTS {MANDANT}: {count} parked, {reason}" in words for reason, count in reasons.items())
    files = [path for path in (installation.directory / "files").rglob("*") if path.is_file()]
    assert len(files) == len(set(wanted)), "orphans"
    assert not list(installation.directory.parent.rglob("passwd*"))


@pytest.fixture
def feed(installation: Installation) -> Iterator[Installation]:
    installation.start_standin()
    yield installation
    installation.stop("standin")


def test_by_the_feed_each_bad_document_is_put_aside_and_the_rest_goes_on(feed: Installation, samples: Path) -> None:
    url, hostile, told = f"{feed.standin_url}/_standin", bad(samples), []
    for nr in ("P1", "P2"):
        tell_standin = {"art": "PERSON", "nr": nr, "geloescht": False, "daten": {"personNr": nr}}
        requests.post(f"{url}/stammdaten", json=[tell_standin], timeout=30).raise_for_status()
    contents = {name: one.content for name, one in hostile.items()} | {"good": GOOD, "late": pdf("late"), "huge": GOOD}
    for name, content in contents.items():
        kind = {"Content-Type": "application/pdf"}
        requests.put(f"{url}/dokumente/{name}?dateiname=a.pdf", content, headers=kind, timeout=30).raise_for_status()
    for name, one in hostile.items():
        more = dict(one.said)
        told.append(daten(name, one.content, empfaenger=[{"personNr": more.pop("personNr", "P1")}], titel=name) | more)
    told.insert(0, daten("huge", GOOD, empfaenger=[{"personNr": "P1"}], bytes=400 * 2**20))
    told.append(daten("good", pdf("other bytes"), empfaenger=[{"personNr": "P1"}], titel="other"))
    told.append(daten("late", pdf("late"), empfaenger=[{"personNr": "P1"}], titel="late"))
    # of two documents of one id the first that is read counts, and within a page that may be either
    for some in ([daten("good", GOOD, empfaenger=[{"personNr": "P1"}], titel="good")], told):
        events = [{"typ": "DOKUMENT", "mandant": MANDANT, "sichtbarkeit": "MIETER", "daten": one} for one in some]
        requests.post(f"{url}/ereignisse", json=events, timeout=30).raise_for_status()
        _Worker(load_settings(feed.config)).round(threading.Event())
    until_parked(feed)
    reasons = {"DIGEST": 1, "EMPTY": 1, "ENCRYPTED": 1, "NAME": 2, "TOO_LARGE": 1, "TYPE": 1, "UNKNOWN_PERSON": 1}
    check(feed, ["good", "late"], reasons, ("event_parked", "OTHER_CONTENT"))


@pytest.fixture
def drop(tmp_path: Path) -> Iterator[DropInstallation]:
    made = DropInstallation(tmp_path)
    open_database(made.database)
    migrate()
    yield made
    database.obj.close_all()


def put(drop: DropInstallation, name: str, data: bytes) -> None:
    path = drop.drop / "out" / name
    path.write_bytes(data)
    path.with_name(f"{name}.ok").write_text(f"{sha256(data).hexdigest()}  {name}\n")


def entry(name: str, content: bytes, **more: str) -> dict[str, str]:
    told = document(None, content, dokumentId=name, titel=name, datei=f"{name}.pdf")  # type: ignore[arg-type]
    told = {key: value for key, value in told.items() if key != "externeId"}
    return told | {"personNr": "P1", "sha256": sha256(content).hexdigest()} | more


def test_by_the_file_drop_each_bad_document_is_put_aside_and_the_rest_goes_on(
    drop: DropInstallation, samples: Path
) -> None:
    tell(MANDANT, person("P1"))
    hostile = bad(samples)
    entries = [entry(name, one.content, **one.said) for name, one in hostile.items()]
    members = {f"{name}.pdf": one.content for name, one in hostile.items()} | {"good.pdf": GOOD}
    listing = index(*entries, entry("good", GOOD))
    put(drop, "a.zip", packed({"index.xml": listing, **members}, zipfile.ZIP_STORED))
    put(drop, "b.zip", packed({"index.xml": index(entry("../x", GOOD)), "../x.pdf": GOOD}))
    put(drop, "c.zip", packed({"index.xml": index(entry("bomb", bytes(40 * 2**20))), "bomb.pdf": bytes(40 * 2**20)}))
    put(drop, "d.zip", packed({"index.xml": index(entry("late", pdf("late"))), "late.pdf": pdf("late")}))
    until_parked(drop)
    reasons = {"DIGEST": 1, "EMPTY": 1, "ENCRYPTED": 1, "NAME": 2, "TYPE": 1, "UNKNOWN_PERSON": 1}
    check(drop, ["good", "late"], reasons, ("filedrop_file_refused", ""))
    grounds = {path.read_text() for path in (drop.drop / "fehler").glob("*.grund.txt")}
    assert any("plain relative path" in one for one in grounds)
    assert any("far more than it is" in one for one in grounds)
