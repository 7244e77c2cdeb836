"""Planned works as a calendar entry (RFC 5545), written by icalendar, which escapes and folds what is put in."""

from urllib.parse import urlsplit

from service.store.aushang_records import Aushang
from service.web.aushang_views import said
from service.web.context import Reader

MEDIA_TYPE = "text/calendar; charset=utf-8"


def calendar_entry(aushang: Aushang, reader: Reader, where: str) -> bytes:
    """Return the entry in the reader's language; a later download of the same works takes the place of this one."""
    from icalendar import Calendar, Event  # noqa: PLC0415 - a sixth of a second, only where a calendar is asked for

    event = Event()
    host = urlsplit(reader.room.settings.service.public_url).hostname
    event.add("uid", f"{aushang.id}@{host}")
    event.add("dtstamp", aushang.changed_at)
    event.add("last-modified", aushang.changed_at)
    event.add("sequence", aushang.changes)
    event.add("dtstart", aushang.von)
    event.add("dtend", aushang.bis)
    event.add("summary", said(aushang.titel, reader).text)
    if description := said(aushang.text, reader).text:
        event.add("description", description)
    if where:
        event.add("location", where)
    event.add("transp", "TRANSPARENT")
    calendar = Calendar()
    calendar.add("prodid", "-//Mieterportal//Aushang//DE")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", reader.mandant.name)
    calendar.add_component(event)
    entry: bytes = calendar.to_ical()
    return entry
