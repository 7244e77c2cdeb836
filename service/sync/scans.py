"""Scans the files that the virus scanner could not look into when they came, and lets go on what waited for it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import structlog

from service.access.vault import Vault
from service.files.scan import ScannerAway, ScanState, Verdict
from service.files.sealing import Tampered
from service.files.storage import Storage
from service.keys import encryption_keys
from service.settings import Settings
from service.storage import storage_of
from service.store import dateien, vorgaenge
from service.store.database import connected, in_transaction
from service.store.records import NACHRICHT, Datei
from service.sync.alarms import raise_alarm
from service.vorgang.notices import Sammelzeit, owe_news

log = structlog.get_logger()

# A file at which the scanner fails so often, though it is there, is one that it cannot look into.
TRIES = 5
_BATCH = 20
_REST = timedelta(seconds=10)
_AGAIN = timedelta(minutes=1)


def _utc_now() -> datetime:
    return datetime.now(UTC)


def scans_for(settings: Settings) -> "Scans | None":
    """Return what scans this installation's files; None without a scanner."""
    if settings.service.scan is None:
        return None
    storage = storage_of(settings.service, Vault(encryption_keys(settings.service)))
    return Scans(storage, zone=ZoneInfo(settings.service.timezone))


class Scans:
    """An errand of the sync worker. While the scanner is away, it rests ten seconds at a time."""

    def __init__(self, storage: Storage, *, zone: ZoneInfo, clock: Callable[[], datetime] = _utc_now) -> None:
        self._storage = storage
        self._zeit = Sammelzeit(zone)
        self._clock = clock
        self._rests_until: datetime | None = None

    def step(self, told_to_stop: Callable[[], bool]) -> int:
        """Scan what is due, until told to stop or the scanner is away; returns how many files it looked into.

        Raises StoreUnavailable.
        """
        now, until = self._clock(), self._rests_until
        if until is not None and timedelta(0) < until - now <= _REST:
            return 0
        with connected():
            files = dateien.to_scan(now, limit=_BATCH)
        looked = 0
        for file in files:
            if told_to_stop() or not self._take(file):
                break
            looked += 1
        return looked

    def owes(self) -> bool:
        """Tell whether any file still waits."""
        with connected():
            return bool(dateien.to_scan(datetime.max.replace(tzinfo=UTC) - timedelta(days=1), limit=1))

    def _take(self, file: Datei) -> bool:
        """Scan one file; False when no other need be tried now, since it was not this file's fault that it failed."""
        try:
            self._settle(file, self._storage.look(file))
        except ScannerAway as away:
            log.warning("scan_failed", mandant=file.mandant, file=str(file.id), error=str(away))
            if not self._storage.scanner_answers():
                return self._rest()
            self._put_off(file)
        except FileNotFoundError:
            self._settle(file, Verdict(ScanState.UNSCANNABLE, "GONE"))
        except Tampered:
            self._settle(file, Verdict(ScanState.UNSCANNABLE, "DAMAGED"))
        except OSError as fault:
            log.warning("scan_failed", mandant=file.mandant, file=str(file.id), error=type(fault).__name__)
            return self._rest()
        return True

    def _rest(self) -> bool:
        self._rests_until = self._clock() + _REST
        return False

    def _put_off(self, file: Datei) -> None:
        """Try a file again later at which the scanner has failed, though it is there."""
        if file.scan_attempts + 1 >= TRIES:
            self._settle(file, Verdict(ScanState.UNSCANNABLE, "TRIES"))
            return
        with connected():
            dateien.scan_later(file, self._clock() + _AGAIN * (file.scan_attempts + 1))

    def _settle(self, file: Datei, verdict: Verdict) -> None:
        """Write what was found; the Vorgang that waited for it goes on, and is new to its resident if it was bad."""
        now = self._clock()
        with connected():
            settled = in_transaction(partial(_write, file, verdict, self._zeit, now))
        if not settled:
            return
        log.info("file_scanned", mandant=file.mandant, file=str(file.id), state=verdict.state)
        if verdict.state.is_bad:
            facts = {"file": str(file.id), "found": verdict.found}
            raise_alarm("file_quarantined", mandant=file.mandant, detail=verdict.state, now=now, **facts)


def _write(file: Datei, verdict: Verdict, zeit: Sammelzeit, now: datetime) -> bool:
    if not dateien.settle_scan(file.id, verdict.state, verdict.found):
        return False
    vorgang_id = dateien.vorgang_of(file.id)
    vorgang = vorgaenge.by_id(file.mandant, vorgang_id) if vorgang_id else None
    if vorgang is not None:
        dateien.release(vorgang.id, now)
        if verdict.state.is_bad:
            owe_news(vorgang, NACHRICHT, zeit, now=now)
    return True
