"""Looks after what the ERP has not answered, with alarms, and after what workers that died or slept have left."""

from datetime import datetime, timedelta

import structlog

from service.settings import FileDropSettings
from service.store import filedrop
from service.store.database import connected
from service.store.records import Paket
from service.sync.alarms import raise_alarm
from service.sync.immotion.filedrop.answers import put_away
from service.sync.immotion.filedrop.folders import Folders, Place

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
        self._incomplete_s = settings.incomplete_s
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
        self._sweep(now)
        self._put_away_answered(now)

    def _sweep(self, now: datetime) -> None:
        moment = now.timestamp()
        for kind, names in (
            ("unfinished_packages_removed", self._folders.sweep_unfinished(moment - _LEFT_AGE_S)),
            ("lone_markers_removed", self._folders.sweep_markers(moment - self._incomplete_s)),
        ):
            if names:
                log.warning(kind, mandant=self._mandant, files=names[:_NAMED], count=len(names))

    def _put_away_answered(self, now: datetime) -> None:
        """Take packages out of in/ that were answered long ago: a worker that woke up late brought them back."""
        arrived = self._folders.arrived(Place.IN, (".zip",), now.timestamp())
        old = [file.path.stem for file in arrived if file.age > self._incomplete_s]
        for begin in range(0, len(old), _BATCH):
            with connected():
                pakete = filedrop.by_names(self._mandant, old[begin : begin + _BATCH])
            for paket in pakete.values():
                if paket.result:
                    put_away(paket, self._folders)
                    log.warning("answered_package_put_away", mandant=self._mandant, paket=paket.name)

    def _alarm(self, kind: str, pakete: list[Paket], now: datetime) -> None:
        names = [paket.name for paket in pakete[:_NAMED]]
        raise_alarm(kind, mandant=self._mandant, now=now, pakete=names, count=len(pakete))
