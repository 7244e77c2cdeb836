"""Fetches the bytes of files that immotion has announced; checked before anybody sees them."""

from collections.abc import Callable
from datetime import datetime

import structlog

from service.files.documents import media_type_of
from service.files.storage import Folder
from service.store import vorgaenge
from service.store.database import connected
from service.store.records import Anhang
from service.sync.immotion.channel import Channel, Permanent, Temporary

log = structlog.get_logger()

SIZE_MAX = 100 * 2**20
_BATCH = 50


def fetch_announced(mandant: str, channel: Channel, storage: Folder, *, clock: Callable[[], datetime]) -> int:
    """Fetch what is announced and not here; returns how many files came. A bad one is logged and tried later."""
    with connected():
        wanted = [anhang for anhang in vorgaenge.unfetched(_BATCH) if anhang.mandant == mandant]
    fetched = 0
    for anhang in wanted:
        try:
            _fetch(anhang, channel, storage, clock)
            fetched += 1
        except (Temporary, Permanent) as fault:
            log.warning("document_not_fetched", mandant=mandant, anhang=str(anhang.id), error=str(fault))
    return fetched


def _fetch(anhang: Anhang, channel: Channel, storage: Folder, clock: Callable[[], datetime]) -> None:
    with storage.incoming() as incoming, channel.dokument(anhang.dokument_id or "") as chunks:
        for chunk in chunks:
            if incoming.bytes + len(chunk) > SIZE_MAX:
                raise Permanent("larger than any document may be")
            incoming.write(chunk)
        if anhang.sha256 and incoming.sha256 != anhang.sha256.lower():
            raise Temporary("digest differs")
        incoming.finish()
        mime = media_type_of(incoming.path)
        storage.keep(incoming, anhang.id)
        with connected():
            vorgaenge.mark_fetched(anhang.id, mime=mime, size=incoming.bytes, sha256=incoming.sha256, now=clock())
