"""Which channel a Mandant's settings mean."""

from service.settings import ChannelSettings, FileDropSettings
from service.sync.immotion.channel import Channel
from service.sync.immotion.filedrop.channel import FileDropChannel
from service.sync.immotion.http import HttpChannel


def channel_of(mandant: str, settings: ChannelSettings) -> Channel:
    """Return a channel for one thread of this Mandant."""
    if isinstance(settings, FileDropSettings):
        return FileDropChannel(mandant, settings)
    return HttpChannel(settings)
