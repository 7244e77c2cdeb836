"""Notices for tests, put up as the command line does it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from service.house import house_of
from service.store.aushang_records import Aushang
from service.store.database import connected
from service.vorgang.aushang import Entwurf, Haus, put_up
from service.vorgang.house import Houses
from tests.support.inprocess import Portal
from tests.support.portal import MANDANT


def hang(
    portal: Portal, titel: str | Mapping[str, str] = "Heizung ausgefallen", *, mandant: str = MANDANT, **more: Any
) -> Aushang:
    """Put up a fault for all of the Mandant, unless `more` says otherwise."""
    given = {"art": "STOERUNG", "titel": {"de": titel} if isinstance(titel, str) else titel, "text": {}} | more
    with connected():
        return put_up(Entwurf(**given), haus(portal, mandant), now=portal.now, within=lambda _id: None)


def haus(portal: Portal, mandant: str = MANDANT) -> Haus:
    """Return where the Mandant's notices are put up."""
    settings = portal.settings.mandanten[mandant]
    zone = ZoneInfo(portal.settings.service.timezone)
    houses = Houses({mandant: lambda catalog: house_of(mandant, settings, zone, catalog)}, lambda: 0.0)
    return Haus(houses.of(mandant), settings.languages, frozenset(settings.gebaeude))


def local(portal: Portal, text: str) -> datetime:
    """Return a time as clocks show it where residents are."""
    return datetime.fromisoformat(text).replace(tzinfo=haus(portal).house.zone)
