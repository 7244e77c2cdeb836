"""Which channel a Mandant's settings mean."""

import threading

from service.settings import ChannelSettings, FileDropSettings
from service.sync.immotion.channel import Channel
from service.sync.immotion.filedrop.channel import FileDropChannel
from service.sync.immotion.http import HttpChannel, Shared, shared_of


class Channels:
    """Makes the channels of a process, and keeps what all of a Mandant's share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shared = dict[str, Shared]()

    def of(self, mandant: str, settings: ChannelSettings) -> Channel:
        """Return a channel for one thread of this Mandant."""
        if isinstance(settings, FileDropSettings):
            return FileDropChannel(mandant, settings)
        with self._lock:
            if mandant not in self._shared:
                self._shared[mandant] = shared_of(settings)
            shared = self._shared[mandant]
        return HttpChannel(settings, shared, mandant=mandant)
