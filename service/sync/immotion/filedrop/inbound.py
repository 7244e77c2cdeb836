"""What comes back from the ERP: read when complete, put away when stored, refused with a reason when not understood."""

import errno
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from service.settings import FileDropSettings
from service.store import inbox
from service.store.database import connected
from service.sync.alarms import raise_alarm
from service.sync.immotion.filedrop import answers, dokumente
from service.sync.immotion.filedrop.folders import Arrived, Folders, Mark, Place, Signature, digest_of, mark_of
from service.sync.immotion.filedrop.inhalt import Event, Inhalt
from service.sync.immotion.filedrop.quittungen import read_quittungen
from service.sync.immotion.filedrop.safexml import SIZE_MAX as XML_MAX
from service.sync.immotion.filedrop.statuscsv import SIZE_MAX as CSV_MAX
from service.sync.immotion.filedrop.statuscsv import read_status
from service.sync.immotion.filedrop.unreadable import Unreadable
from service.sync.immotion.filedrop.watch import Watch

log = structlog.get_logger()

PAGE = 500
_SAY_EVERY_S = 600
_GONE = {errno.ENOENT, errno.ESTALE}
_DIGITS = 16
_REASON_MAX = 500
_NAME_MAX = 220


@dataclass(frozen=True, slots=True)
class _End:
    """Where a file goes whose content is stored, or refused."""

    signature: Signature
    place: Place
    name: str
    reason: str


class Inbound:
    """Reads quittung/ and out/; several may read the same folders, since every step may be done twice."""

    def __init__(
        self, mandant: str, settings: FileDropSettings, folders: Folders, *, clock: Callable[[], datetime]
    ) -> None:
        self._mandant = mandant
        self._settings = settings
        self._folders = folders
        self._clock = clock
        self._watch = Watch(mandant, settings, folders)
        self._digests: dict[str, Path] = {}
        self._ends: dict[Path, _End] = {}
        self._left: dict[Path, tuple[Signature, int, float]] = {}
        self._said: dict[tuple[str, str], float] = {}

    def look(self) -> list[Event]:
        """Return events that the inbox does not hold yet, a page at most; put away what it holds."""
        now = self._clock()
        fresh: list[Event] = []
        for file in self._arrived(now):
            if len(fresh) >= PAGE:
                break
            try:
                fresh += self._take(file, now)
            except OSError as fault:
                self._say_unusable(file.path, fault)
        try:
            self._watch.look(now)
        except OSError as fault:
            self._say_unusable(self._folders.path(Place.IN), fault)
        return fresh[:PAGE]

    def open_dokument(self, dokument_id: str) -> Iterator[bytes]:
        """Yield a document's bytes, from out/ or archiv/; raises Unreadable, FileNotFoundError, OSError."""
        place = dokumente.place_of(dokument_id)
        if place is None:
            raise Unreadable("an id that is none of the file drop's")
        digest, at = place
        kept = self._folders.path(Place.ARCHIV).glob(f"{digest[:_DIGITS]}_*")
        path = next((one for one in kept if one.suffix != ".tmp"), None) or self._digests.get(digest)
        if path is None:
            raise FileNotFoundError(digest)
        return dokumente.open_dokument(path, at, self._mandant)

    def _arrived(self, now: datetime) -> Iterator[Arrived]:
        for place, suffixes in ((Place.QUITTUNG, (".xml",)), (Place.OUT, (".csv", ".zip"))):
            try:
                yield from list(self._folders.arrived(place, suffixes, now.timestamp()))
            except OSError as fault:
                self._say_unusable(self._folders.path(place), fault)

    def _take(self, file: Arrived, now: datetime) -> list[Event]:
        """Return what is new in a file; when nothing is, carry out its answers and put it away."""
        end = self._ends.get(file.path)
        if end is not None and end.signature == file.signature:
            self._put_away(file.path, end)
            return []
        if self._may_be_unfinished(file):
            return []
        try:
            digest = self._digest(file)
            inhalt = self._read(file, digest)
        except Unreadable as broken:
            self._leave_or_refuse(file, broken)
            return []
        return self._take_over(file, digest, inhalt, now)

    def _take_over(self, file: Arrived, digest: str, inhalt: Inhalt, now: datetime) -> list[Event]:
        with connected():
            events = [*inhalt.events, *answers.announcements(self._mandant, inhalt.answers, now)]
            known = inbox.known(self._mandant, [str(event["ereignisId"]) for event in events])
        fresh = [event for event in events if event["ereignisId"] not in known]
        if not fresh:
            complaints = [*inhalt.complaints, *answers.carry_out(self._mandant, inhalt.answers, self._folders, now)]
            self._end(file, digest, "\n".join(complaints))
        return fresh

    def _may_be_unfinished(self, file: Arrived) -> bool:
        """Tell whether a file is to be left alone without reading it, again."""
        if not file.marked and file.age < self._settings.settle_s:
            return True
        left = self._left.get(file.path)
        return left is not None and left[:2] == (file.signature, file.marker_ns) and file.age < left[2]

    def _digest(self, file: Arrived) -> str:
        """Return a file's digest; raises Unreadable while the marker names another one."""
        digest = digest_of(file.path)
        if mark_of(file, digest) is Mark.OTHER:
            raise Unreadable("not the digest that its marker names")
        return digest

    def _read(self, file: Arrived, digest: str) -> Inhalt:
        suffix = file.path.suffix.lower()
        try:
            if suffix == ".zip":
                self._digests[digest] = file.path
                return dokumente.read_dokumente(file.path, digest, self._mandant)
            if suffix == ".csv":
                return read_status(_bytes(file, CSV_MAX), self._mandant)
            return read_quittungen(_bytes(file, XML_MAX), self._mandant)
        except (Unreadable, OSError):
            raise
        except Exception as broken:  # whatever a file does to us, it stops no other
            raise Unreadable(f"cannot be understood ({type(broken).__name__})") from broken

    def _leave_or_refuse(self, file: Arrived, broken: Unreadable) -> None:
        """Leave what may still be on its way; give up what its marker calls complete, or what has long stood still."""
        digest = digest_of(file.path)
        patience = {Mark.SAME: 0.0, Mark.EMPTY: self._settings.settle_s}.get(
            mark_of(file, digest), self._settings.incomplete_s
        )
        if patience and file.age < patience:
            self._left[file.path] = (file.signature, file.marker_ns, patience)
            return
        self._end(file, digest, broken.reason)

    def _end(self, file: Arrived, digest: str, reason: str) -> None:
        """Put a file away; what cannot be moved now is not read again, but moved later."""
        place = Place.FEHLER if reason else Place.ARCHIV
        end = _End(file.signature, place, f"{digest[:_DIGITS]}_{_fitting(file.path.name)}", reason)
        self._ends[file.path] = end
        self._left.pop(file.path, None)
        self._put_away(file.path, end)
        self._digests.pop(digest, None)

    def _put_away(self, path: Path, end: _End) -> None:
        self._folders.put_away(path, end.place, end.name, end.reason)
        del self._ends[path]
        if end.reason:
            reason = end.reason[:_REASON_MAX]
            now = self._clock()
            raise_alarm("filedrop_file_refused", mandant=self._mandant, now=now, file=end.name, reason=reason)

    def _say_unusable(self, path: Path, fault: OSError) -> None:
        """Raise an alarm about a folder, not at every look; a file that another worker took away is none."""
        if fault.errno in _GONE and path.parent.is_dir() and path.suffix:
            return
        key, now = (str(path.parent if path.suffix else path), str(fault.errno)), time.monotonic()
        if now - self._said.get(key, -_SAY_EVERY_S) >= _SAY_EVERY_S:
            self._said[key] = now
            error = f"{fault.strerror} ({fault.filename2 or fault.filename})"
            wall = self._clock()
            raise_alarm("filedrop_folder_unusable", mandant=self._mandant, now=wall, folder=key[0], error=error)


def _fitting(name: str) -> str:
    """Return a name short enough to have a digest before it and a reason behind it, with its suffix."""
    whole, suffix = os.fsencode(name), os.path.splitext(name)[1]  # noqa: PTH122 - a name, not a path
    if len(whole) <= _NAME_MAX:
        return name
    return whole[: _NAME_MAX - len(suffix)].decode(errors="ignore") + suffix


def _bytes(file: Arrived, limit: int) -> bytes:
    if file.signature.size > limit:
        raise Unreadable(f"more than {limit} bytes")
    with file.path.open("rb") as content:
        data = content.read(limit + 1)
    if len(data) > limit:
        raise Unreadable(f"more than {limit} bytes")
    return data
