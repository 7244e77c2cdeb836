"""The use case "publish": a folder of files and a list become documents that residents see.

Line by line, in batches: whatever is wrong with one stops no other, and the same list again does nothing again.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from uuid import UUID, uuid4

from service.files.names import clean_name
from service.files.papers import SIZE_MAX, check_paper
from service.files.refusal import Unfit
from service.files.scan import ScanState
from service.files.storage import Incoming, Kept, Storage
from service.store import clean, dateien, dokumente
from service.store.database import connected, in_transaction
from service.store.dokument_records import NeuesDokument, Stored, Ziel
from service.store.records import Datei
from service.vorgang.catalog import Catalog
from service.vorgang.dokumente import DokumentRefused, strangers, unmet, ziele_of
from service.vorgang.publish_list import Bad, Posten, bad

BATCH = 200
_CHUNK = 256 * 1024
_REMEMBERED = 1000
_THREADS = 8
_NO_FILE = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Told:
    """What a batch came to: lines read, documents and recipients that are new, lines refused.

    `waiting` files of these documents nobody sees before the virus scan has called them clean.
    """

    lines: int = 0
    documents: int = 0
    recipients: int = 0
    refused: tuple[Bad, ...] = ()
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class _Ready:
    """A line whose bytes are kept."""

    posten: Posten
    neu: NeuesDokument
    stored: Stored


@dataclass
class Publisher:
    """Publishes one list of a Mandant; with `dry`, looks at everything and keeps nothing."""

    mandant: str
    catalog: Catalog
    storage: Storage
    now: datetime
    dry: bool = False
    _seen: OrderedDict[Path, Stored] = field(default_factory=OrderedDict)
    _fresh: dict[str, UUID] = field(default_factory=dict)
    _kept: dict[UUID, Kept] = field(default_factory=dict)
    _bad: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def publish(self, lines: Iterable[Posten | Bad]) -> Iterator[Told]:
        """Work off the lines, so many at a time; yields what each batch came to. Raises OSError of the storage."""
        whole = iter(lines)
        while batch := list(islice(whole, BATCH)):
            yield self._publish(batch)

    def check_only(self, lines: Iterable[Posten | Bad]) -> Iterator[Told]:
        """Look at the lines without opening a file: what can be told before anything is done."""
        whole = iter(lines)
        while batch := list(islice(whole, BATCH)):
            good, refused = self._known_recipients(batch)
            yield Told(len(batch), len({posten.path for posten in good}), len(good), tuple(refused))

    def _publish(self, batch: Sequence[Posten | Bad]) -> Told:
        good, refused = self._known_recipients(batch)
        try:
            unfit = self._take_in_all(good)
        except OSError:
            self._drop_unnamed()
            raise
        ready: list[_Ready] = []
        for posten in good:
            try:
                ready.append(self._ready(posten, unfit))
            except DokumentRefused as fault:
                refused.append(bad(posten, fault.code))
        documents, recipients, waiting, clashes = self._commit(ready)
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        bads = tuple(sorted([*refused, *clashes], key=lambda one: one.line))
        return Told(len(batch), documents, recipients, bads, waiting)

    def _known_recipients(self, batch: Sequence[Posten | Bad]) -> tuple[list[Posten], list[Bad]]:
        postens = [one for one in batch if isinstance(one, Posten)]
        named = list(dict.fromkeys(one.empfaenger for one in postens))
        codes = dict.fromkeys(strangers(self.mandant, named), "NO_PARTY") | unmet(self.mandant, named)
        good = [one for one in postens if one.empfaenger not in codes]
        refused = [bad(one, codes[one.empfaenger]) for one in postens if one.empfaenger in codes]
        return good, [*(one for one in batch if isinstance(one, Bad)), *refused]

    def _take_in_all(self, postens: Sequence[Posten]) -> dict[Path, DokumentRefused]:
        """Keep the files of a batch, several at a time, since each waits for the disk; returns those that are unfit."""
        paths = list(dict.fromkeys(one.path for one in postens if one.path not in self._seen))
        unfit: dict[Path, DokumentRefused] = {}
        with ThreadPoolExecutor(_THREADS) as threads:
            for path, took in zip(paths, threads.map(self._take_in, paths), strict=True):
                if isinstance(took, Stored):
                    self._seen[path] = took
                else:
                    unfit[path] = took
        return unfit

    def _ready(self, posten: Posten, unfit: Mapping[Path, DokumentRefused]) -> _Ready:
        if posten.path in unfit:
            raise unfit[posten.path]
        neu, stored = posten.neu, self._seen[posten.path]
        if stored.sha256 in self._bad:
            raise DokumentRefused(self._bad[stored.sha256])
        if neu.sha256 and neu.sha256 != stored.sha256:
            raise DokumentRefused("DIGEST")
        name = clean_name(neu.dateiname, stored.paper.mime)
        named = replace(neu, dokument_id=clean.key(neu.dokument_id or _id_of(neu, stored)), dateiname=name)
        return _Ready(posten, named, stored)

    def _take_in(self, path: Path) -> Stored | DokumentRefused:
        """Copy a file and keep it, unless its bytes are kept already; returns why not, if it is unfit."""
        with self.storage.incoming() as incoming:
            try:
                _copy(path, incoming)
                incoming.finish()
                paper = check_paper(incoming.path)
            except DokumentRefused as refused:
                return refused
            except Unfit as unfit:
                return DokumentRefused(unfit.refusal.name)
            size, digest = incoming.bytes, incoming.sha256
            file_id, is_new = self._file_id(digest)
            if is_new:
                self._keep(incoming, file_id)
            if digest in self._bad:
                return DokumentRefused(self._bad[digest])
        return Stored(file_id, paper, size, digest)

    def _keep(self, incoming: Incoming, file_id: UUID) -> None:
        """Keep a file; of one that the scan calls bad, note it for every line that has these bytes."""
        try:
            self._kept[file_id] = self.storage.keep_fit(incoming, file_id)
        except Unfit as unfit:
            self._bad[incoming.sha256] = unfit.refusal.name

    def _file_id(self, digest: str) -> tuple[UUID, bool]:
        """Return under which id these bytes are kept, and whether they are to be kept now."""
        if self.dry:
            return _NO_FILE, False
        with connected():
            known = dokumente.kept_file(self.mandant, digest)
            quarantined = dateien.quarantined(known) if known is not None else ""
        if quarantined:
            self._bad[digest] = quarantined.upper()
        if known is not None:
            return known, False
        with self._lock:
            is_new = digest not in self._fresh
            return self._fresh.setdefault(digest, uuid4()), is_new

    def _commit(self, ready: Sequence[_Ready]) -> tuple[int, int, int, list[Bad]]:
        """Store a batch's rows together.

        Returns how many documents and recipients are new, how many files wait for the scan, and lines that clash.
        """
        fit, clashes = self._without_clashes(ready)
        if self.dry:
            return len({one.neu.dokument_id for one in fit}), len(fit), 0, clashes
        documents, recipients, gone = in_transaction(lambda: self._store(fit))
        waiting = self._drop_unnamed()
        return documents, recipients, waiting, [*clashes, *gone]

    def _drop_unnamed(self) -> int:
        """Delete what this batch has kept for lines that came to nothing; the same file may be good for a later one.

        Returns how many of the files that stay wait for the virus scan.
        """
        with connected():
            unnamed = set(self._fresh.values()) - dokumente.known_files(list(self._fresh.values()))
        for file_id in unnamed:
            self.storage.discard(file_id)
        for path in [path for path, stored in self._seen.items() if stored.file_id in unnamed]:
            del self._seen[path]
        waiting = sum(kept.scan is ScanState.PENDING for key, kept in self._kept.items() if key not in unnamed)
        self._fresh.clear()
        self._kept.clear()
        self._bad.clear()
        return waiting

    def _store(self, fit: Sequence[_Ready]) -> tuple[int, int, list[Bad]]:
        names = sorted({one.neu.dokument_id for one in fit})
        before = dokumente.find(self.mandant, names)
        new = {one.neu.dokument_id: (one.neu, one.stored) for one in fit if one.neu.dokument_id not in before}
        there = {name: pair for name, pair in new.items() if self._is_kept(pair[1])}
        dokumente.add_stored(self.mandant, list(there.values()), now=self.now)
        dateien.add(self._dateien({stored.file_id for _, stored in there.values()}))
        known = dokumente.find(self.mandant, names)
        rows = [
            (known[one.neu.dokument_id].id, self._ziel(one), one.neu.von, one.neu.bis)
            for one in fit
            if one.neu.dokument_id in known
        ]
        gone = [bad(one.posten, "GONE") for one in fit if one.neu.dokument_id not in known]
        return len(known) - len(before), dokumente.add_ziele(rows, now=self.now), gone

    def _dateien(self, ids: Iterable[UUID]) -> Iterator[Datei]:
        for file_id in ids:
            kept = self._kept.get(file_id)
            if kept is not None:
                yield Datei(file_id, self.mandant, self.now, kept.sealed_key, kept.scan, found=kept.found)

    def _is_kept(self, stored: Stored) -> bool:
        """Tell whether bytes that were kept before this batch still are, and hold them until the transaction ends."""
        return stored.sha256 in self._fresh or dokumente.kept_file(self.mandant, stored.sha256) is not None

    def _without_clashes(self, ready: Sequence[_Ready]) -> tuple[list[_Ready], list[Bad]]:
        """Leave out lines whose dokumentId stands for other bytes, or other limits, here or already."""
        names = sorted({one.neu.dokument_id for one in ready})
        known = dokumente.find(self.mandant, names)
        digests = {name: there.sha256 for name, there in known.items()}
        limits = {name: (there.level, there.loeschen_nach) for name, there in known.items()}
        fit, clashes = [], []
        for one in ready:
            name, told = one.neu.dokument_id, (one.neu.level, one.neu.loeschen_nach)
            if digests.setdefault(name, one.stored.sha256) != one.stored.sha256:
                clashes.append(bad(one.posten, "OTHER_CONTENT"))
            elif limits.setdefault(name, told) != told:
                clashes.append(bad(one.posten, "OTHER_LIMITS"))
            else:
                fit.append(one)
        return fit, clashes

    def _ziel(self, one: _Ready) -> Ziel:
        (ziel,) = ziele_of(self.mandant, [one.posten.empfaenger], one.neu.art, self.catalog)
        return ziel


def _copy(path: Path, incoming: Incoming) -> None:
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                if incoming.bytes + len(chunk) > SIZE_MAX:
                    raise DokumentRefused("TOO_LARGE")
                incoming.write(chunk)
    except (FileNotFoundError, PermissionError, IsADirectoryError) as gone:
        raise DokumentRefused("UNREADABLE") from gone


def _id_of(neu: NeuesDokument, stored: Stored) -> str:
    """Return the id of a document that the list gives none: the same file as the same document is one, for ever."""
    told = [stored.sha256, neu.art, neu.titel, neu.datum, neu.von, neu.bis, neu.level, neu.loeschen_nach]
    return "ordner-" + sha256(json.dumps(told).encode()).hexdigest()[:48]
