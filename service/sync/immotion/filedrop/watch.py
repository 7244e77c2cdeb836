"""Looks after what the ERP has not answered: hands it over again, and raises the alarms."""

from datetime import datetime, timedelta

import structlog

from service.settings import FileDropSettings
from service.store import filedrop
from service.store.database import connected
from service.store.records import Paket
from service.sync.alarms import raise_alarm
from service.sync.immotion.filedrop.folders import Folders

log = structlog.get_logger()

_EVERY = timedelta(minutes=1)
_LEFT_AGE_S = 3600
_BATCH = 500
_NAMED = 10


class Watch:
    """One Mandant's. Several may watch at once: each package is handed over again by one of them."""

    def __init__(self, mandant: str, settings: FileDropSettings, folders: Folders) -> None:
        self._mandant = mandant
        self._patience = timedelta(hours=settings.acknowledgement_h)
        self._gap = timedelta(minutes=settings.gap_min)
        self._every = min(_EVERY, self._patience / 4, self._gap / 4)
        self._folders = folders
        self._looked: datetime | None = None
        self._gaps: list[str] = []

    def look(self, now: datetime) -> None:
        """Do what is due; at most once a minute. Raises OSError when in/ cannot be read."""
        if self._looked is not None and now - self._looked < self._every:
            return
        self._looked = now
        with connected():
            late = filedrop.unanswered(self._mandant, written_before=now - self._patience, limit=_BATCH)
            again = [paket for paket in late if filedrop.owe_again(paket, now)]
            gaps = filedrop.skipped(self._mandant, passed_before=now - self._gap, limit=_BATCH)
        if again:
            self._alarm("acknowledgement_missing", again, now)
        names = [paket.name for paket in gaps]
        if gaps and names != self._gaps:
            self._alarm("acknowledgement_gap", gaps, now)
        self._gaps = names
        self._folders.sweep(now.timestamp() - _LEFT_AGE_S)

    def _alarm(self, kind: str, pakete: list[Paket], now: datetime) -> None:
        names = [paket.name for paket in pakete[:_NAMED]]
        raise_alarm(kind, mandant=self._mandant, now=now, pakete=names, count=len(pakete))
