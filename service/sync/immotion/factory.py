"""Which channel a Mandant's settings mean."""

import threading

from service.settings import ChannelSettings, FileDropSettings
from service.sync.immotion.access import Access
from service.sync.immotion.channel import Channel
from service.sync.immotion.filedrop.channel import FileDropChannel
from service.sync.immotion.http import HttpChannel, access_of


class Channels:
    """Makes the channels of a process, and keeps what all of a Mandant's share: what it shows immotion."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._access = dict[str, Access]()

    def of(self, mandant: str, settings: ChannelSettings) -> Channel:
        """Return a channel for one thread of this Mandant."""
        if isinstance(settings, FileDropSettings):
            return FileDropChannel(mandant, settings)
        with self._lock:
            if mandant not in self._access:
                self._access[mandant] = access_of(settings)
            access = self._access[mandant]
        return HttpChannel(settings, access)
