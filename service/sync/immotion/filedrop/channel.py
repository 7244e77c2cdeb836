"""The channel to an ERP that only reads a folder: packages go in, answers, status files and documents come out."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from tempfile import TemporaryFile
from typing import Any, BinaryIO
from uuid import UUID

from service.settings import FileDropSettings
from service.store import filedrop, outbox
from service.store.database import StoreUnavailable, connected
from service.store.records import Anhang, OutboxItem, Paket
from service.sync.immotion.channel import (
    Accepted,
    Dokument,
    FeedPage,
    Kataloge,
    NotOffered,
    Part,
    Permanent,
    Stand,
    TakenOver,
    Temporary,
)
from service.sync.immotion.filedrop.folders import Folders, Place
from service.sync.immotion.filedrop.inbound import Inbound
from service.sync.immotion.filedrop.packages import Content, envelope, envelope_problems, member_of, write_package
from service.sync.immotion.filedrop.safexml import Element
from service.sync.immotion.filedrop.unreadable import Unreadable

_CHUNK = 256 * 1024
_LOOK_EVERY_S = 0.5


def utc_now() -> datetime:
    """Return the time, aware."""
    return datetime.now(UTC)


class FileDropChannel:
    """One Mandant's folders. One channel per thread: it keeps the attachments that the next body refers to."""

    def __init__(self, mandant: str, settings: FileDropSettings, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._mandant = mandant
        self._clock = clock
        self._folders = Folders(settings.directory)
        self._inbound = Inbound(mandant, settings, self._folders, clock=clock)
        self._files: dict[str, BinaryIO] = {}
        self._claimed: OutboxItem | None = None

    def begin(self, item: OutboxItem) -> None:
        """Take note of the claim: a package is numbered and written only while its row is held under it."""
        self._claimed = item

    def put_anhang(self, anhang: Anhang, content: BinaryIO, request_id: str) -> None:
        """Keep a file, outside the ERP's folder, until its Vorgang or Aktivität is handed over."""
        kept: BinaryIO = TemporaryFile()  # noqa: SIM115 - closed when it is packed
        self._forget(str(anhang.id))
        self._files[str(anhang.id)] = kept
        digest = sha256()
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            kept.write(chunk)
        if digest.hexdigest() != anhang.sha256:  # the manifest would vouch for what the resident never sent
            raise Permanent("a stored file is not what was uploaded")

    def put_vorgang(self, vorgang_id: UUID, body: Mapping[str, Any], request_id: str) -> Accepted:
        """Write the package of a Vorgang; its number follows as an event."""
        return _accepted(self._hand_over("vorgang", body))

    def put_aktivitaet(self, vorgang_id: UUID, aktivitaet_id: UUID, body: Mapping[str, Any], request_id: str) -> None:
        """Write the package of what a resident added; it has a higher number than its Vorgang's."""
        named = {"externeId": str(vorgang_id), "aktivitaetId": str(aktivitaet_id), **body}
        self._hand_over("aktivitaet", named)

    def find_vorgang(self, vorgang_id: UUID, request_id: str) -> Accepted | None:
        """Return what the ERP has acknowledged; None when it has not: then the same package is written again."""
        with _store():
            paket = filedrop.find(self._mandant, vorgang_id)
        return _accepted(paket) if paket and _taken(paket) else None

    def ereignisse(self, cursor: str, *, wait: int) -> FeedPage:
        """Return what lies in quittung/ and out/ and is not stored yet, waiting up to `wait` seconds for it.

        There is no cursor: a file is put away once the inbox holds all its events, and until then read again.
        """
        until = time.monotonic() + wait
        while True:
            entries = self._inbound.look()
            if entries or time.monotonic() >= until:
                return FeedPage(tuple(entries), cursor, more=bool(entries))
            time.sleep(_LOOK_EVERY_S)

    def stammdaten(self, cursor: str) -> FeedPage:
        """Return nothing: the file drop carries no master data."""
        return FeedPage((), cursor, more=False)

    def stand(self, key: str) -> Stand | None:
        """Refuse: an ERP that only reads a folder cannot be asked."""
        raise NotOffered

    def kataloge(self, etag: str) -> Kataloge | None:
        """Refuse: the file drop carries no catalogs."""
        raise NotOffered

    @contextmanager
    def dokument(self, dokument_id: str, part: Part | None = None) -> Iterator[Dokument]:
        """Open a document inside the ZIP that it came in; always from its beginning."""
        try:
            yield Dokument(self._inbound.open_dokument(dokument_id))
        except Unreadable as broken:
            raise Permanent(broken.reason) from broken
        except FileNotFoundError as gone:
            raise Temporary("the ZIP of this document is gone from out/ and archiv/") from gone

    def put_quittung(self, dokument_id: str, body: Mapping[str, Any], request_id: str) -> None:
        """Refuse: files carry no receipts of documents, and none are owed but those of an earlier road."""
        raise Permanent("the file drop carries no receipts of documents")

    def close(self) -> None:
        """Let go of kept files."""
        for anhang_id in list(self._files):
            self._forget(anhang_id)

    def _hand_over(self, kind: str, body: Mapping[str, Any]) -> Paket:
        """Give the package its number and write it, unless the ERP has it; the same record, the same name and bytes.

        Raises TakenOver when the row is no longer held under the claim.
        """
        try:
            inner = envelope(kind, body)
            if wrong := envelope_problems(inner):
                raise Permanent(f"not valid by vorgang.xsd: {'; '.join(wrong)}")
            contents = self._contents(body)
            item = self._item()
            with _store():
                paket = filedrop.number_held(item, now=self._clock())
            if paket is None:
                raise TakenOver
            if paket.result == filedrop.REFUSED:  # only the operator's retry opens it again
                raise Permanent(f"{filedrop.REFUSED}: {paket.grund}")
            if not _taken(paket):
                self._write(item, paket, inner, contents)
            return paket
        finally:
            self.close()

    def _item(self) -> OutboxItem:
        if self._claimed is None:
            raise LookupError("nothing was claimed")
        return self._claimed

    def _write(self, item: OutboxItem, paket: Paket, inner: Element, contents: list[Content]) -> None:
        def fill(file: BinaryIO) -> None:
            write_package(file, paket, inner, contents)

        try:
            self._folders.write(Place.IN, f"{paket.name}.zip", fill, before=lambda: _require_held(item))
        except OSError as fault:
            raise Temporary(f"in/ cannot be written ({fault.strerror})", scope="connection") from fault
        with _store():
            if not filedrop.mark_written(item, paket, self._clock()):
                raise TakenOver

    def _contents(self, body: Mapping[str, Any]) -> list[Content]:
        anhaenge = body.get("anhaenge", [])
        missing = [member_of(anhang) for anhang in anhaenge if anhang["anhangId"] not in self._files]
        if missing:
            raise Permanent(f"{len(missing)} attachments were not handed over before")
        return [Content(anhang, self._files[anhang["anhangId"]]) for anhang in anhaenge]

    def _forget(self, anhang_id: str) -> None:
        if file := self._files.pop(anhang_id, None):
            file.close()


@contextmanager
def _store() -> Iterator[None]:
    """Hold a connection; a database that does not answer is a temporary fault of this delivery."""
    try:
        with connected():
            yield
    except StoreUnavailable as fault:
        raise Temporary("the portal's database does not answer", scope="connection") from fault


def _require_held(item: OutboxItem) -> None:
    """Raise TakenOver if another worker, the operator or the ERP's answer has moved the row on since it was claimed.

    Between this look and the renaming that follows, a worker may still be stopped, and its package then comes to in/
    after somebody else's: no database can be asked in the same breath as a folder. That is harmless. The package has
    the number, name and externeId of its record, as the other had: an ERP that has booked it answers DUBLETTE; one that
    refused it refuses again, or books it, and says so in a new answer, which parks the row again or ends the parking.
    What no answer takes away, because the ERP looks at a name only once, is put away by `Watch`.
    """
    with _store():
        if not outbox.hold(item):
            raise TakenOver


def _taken(paket: Paket) -> bool:
    return paket.result not in {"", filedrop.REFUSED}


def _accepted(paket: Paket) -> Accepted:
    if not _taken(paket):
        return Accepted(None, None)
    return Accepted(paket.immotion_id or None, paket.vorgangsnummer or None)
