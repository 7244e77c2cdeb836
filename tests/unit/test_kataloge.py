"""immotion's catalogs are mirrored, and a drift from ours wants a person."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from service.doctor import examine
from service.files.storage import Folder
from service.house import house_of
from service.settings import MandantSettings, load_settings
from service.store import alarms, mirrors
from service.store.database import connected, open_database
from service.store.migrate import migrate
from service.store.records import OutboxItem
from service.sync.delivery import Parcel, Sent, send
from service.sync.feed import read_events
from service.sync.immotion.channel import Accepted, FeedPage, Kataloge, NotOffered, Permanent, Temporary
from service.sync.kataloge import drift_of, mirror, with_version_in_force
from service.vorgang.catalog import default_catalog
from tests.support.databases import new_database
from tests.support.immotion import Immotion
from tests.support.portal import MANDANT, Installation
from tests.support.vorgaenge import NOW, some_vorgang

CATALOG = default_catalog()
SETTINGS = MandantSettings(
    name="M",
    connections={"website": {"kind": "generic", "origins": ["https://x.de"], "keys": ["k" * 32]}},  # type: ignore[dict-item]
)
HOUSE = house_of(MANDANT, SETTINGS, ZoneInfo("Europe/Berlin"), CATALOG)


@pytest.fixture(autouse=True)
def store(tmp_path: Path) -> Iterator[str]:
    url = new_database(tmp_path)
    opened = open_database(url)
    migrate()
    yield url
    opened.close_all()


def theirs(version: str = "1", **changes: Any) -> Kataloge:
    """immotion's catalogs, the same as ours but for the changes."""
    tables = ("vorgangsarten", "schadensorte", "schadenskategorien", "schadensarten")
    body = {table: [{"code": code} for code in getattr(CATALOG, table)] for table in tables}
    return Kataloge(version, f'"{version}"', {"version": version} | body | changes)


def without(table: str, code: str) -> list[dict[str, str]]:
    return [{"code": one} for one in getattr(CATALOG, table) if one != code] + [{"code": "NEU.DORT"}]


def look(channel: Immotion, now: datetime = NOW, **more: bool) -> bool:
    return mirror(HOUSE, channel, clock=lambda: now, **more)


def standing() -> set[tuple[str, str]]:
    with connected():
        return {(alarm.kind, alarm.detail) for alarm in alarms.standing([MANDANT])}


def test_they_are_read_at_once_then_hourly_by_their_etag() -> None:
    channel = Immotion(catalog=theirs())
    times = [0, 1, 59, 61, 62, 122]
    assert [look(channel, NOW + timedelta(minutes=m)) for m in times] == [True, False, False, True, False, True]
    assert channel.asked == ["", '"1"', '"1"']
    assert look(channel, NOW + timedelta(minutes=123), force=True)
    with connected():
        mirrored = mirrors.of(MANDANT)
    assert mirrored is not None
    assert (mirrored.version, mirrored.changed_at, mirrored.body) == ("1", NOW, theirs().body)


def test_the_event_of_a_new_catalog_has_them_read_at_the_next_opportunity() -> None:
    channel = Immotion(catalog=theirs())
    look(channel)
    event = {"ereignisId": uuid4().hex, "typ": "KATALOG_NEU", "mandant": MANDANT, "sichtbarkeit": "INTERN"}
    channel.page = lambda _: FeedPage((event,), "c", more=False)
    for expected in (True, False):
        read_events(MANDANT, channel, wait=0, clock=lambda: NOW)
        assert look(channel, NOW + timedelta(minutes=1)) == expected


def test_codes_that_one_side_has_alone_raise_an_alarm_until_they_are_gone() -> None:
    drifting = theirs("2", schadensorte=without("schadensorte", "W_BAD"))
    look(Immotion(catalog=drifting))
    assert standing() == {("catalog_drift", "schadensorte")}
    with connected():
        mirrored = mirrors.of(MANDANT)
    assert mirrored is not None
    assert mirrored.drift == {"schadensorte": {"only_immotion": ["NEU.DORT"], "only_portal": ["W_BAD"]}}
    look(Immotion(catalog=drifting), NOW + timedelta(hours=2))
    with connected():
        (alarm,) = alarms.standing([MANDANT])
    assert alarm.count == 1
    look(Immotion(catalog=theirs("3")), NOW + timedelta(hours=4))
    assert standing() == set()


def test_a_catalog_of_ours_put_in_force_is_compared_without_asking_immotion() -> None:
    channel = Immotion(catalog=theirs("2", schadensorte=without("schadensorte", "W_BAD")))
    look(channel)
    orte = {code: ort for code, ort in CATALOG.schadensorte.items() if code != "W_BAD"}
    orte["NEU.DORT"] = replace(CATALOG.schadensorte["W_BAD"], code="NEU.DORT")
    other = replace(HOUSE, catalog=replace(CATALOG, schadensorte=orte, digest="other"))
    assert not mirror(other, channel, clock=lambda: NOW + timedelta(minutes=1))
    assert (len(channel.asked), standing()) == (1, set())


def test_a_table_that_immotion_does_not_keep_does_not_drift() -> None:
    assert drift_of({"schadensorte": [], "vorgangsarten": "x"}, CATALOG) == {}
    assert drift_of({"schadensorte": [{"code": ""}, "x", {"name": "y"}]}, CATALOG) == {}
    assert list(drift_of({"schadensorte": [{"code": "x"}]}, CATALOG)) == ["schadensorte"]


def test_a_channel_without_catalogs_and_one_that_fails_change_nothing() -> None:
    assert not look(Immotion(catalog=NotOffered()))  # type: ignore[arg-type]
    with pytest.raises(Temporary):
        look(Immotion(catalog=Temporary("down")))  # type: ignore[arg-type]
    with connected():
        assert mirrors.of(MANDANT) is None


def test_a_body_that_was_refused_as_out_of_date_names_the_version_in_force() -> None:
    body = {"typ": "SCHADEN", "schaden": {"schadensort": "W_BAD", "katalogVersion": "old"}}
    assert with_version_in_force(body, Immotion(catalog=theirs("9")))["schaden"] == {
        "schadensort": "W_BAD",
        "katalogVersion": "9",
    }
    assert body["schaden"]["katalogVersion"] == "old"  # type: ignore[index]
    assert with_version_in_force({"typ": "KONTAKT"}, Immotion(catalog=theirs("9"))) == {"typ": "KONTAKT"}
    assert with_version_in_force(body, Immotion(catalog=NotOffered())) == body  # type: ignore[arg-type]


def test_doctor_says_what_differs(tmp_path: Path, store: str) -> None:
    settings = load_settings(Installation(tmp_path, database=store).config)

    def found() -> list[tuple[bool, str]]:
        return [(f.good, f.text) for f in examine(settings) if f.subject == f"{MANDANT} immotion's catalogs"]

    assert found() == []
    look(Immotion(catalog=theirs("2", schadensorte=without("schadensorte", "W_BAD"))))
    ((good, text),) = found()
    assert not good
    assert "schadensorte: NEU.DORT, W_BAD" in text
    look(Immotion(catalog=theirs("3")), NOW + timedelta(hours=2))
    assert found() == [(True, "immotion's version 3 has the same codes")]


class Refusing(Immotion):
    """Refuses catalog versions other than its own as out of date, and some codes whatever their version."""

    def __init__(self, kataloge: Kataloge, *, codes_too: bool) -> None:
        super().__init__(catalog=kataloge)
        self.versions: list[str] = []
        self.codes_too = codes_too

    def put_vorgang(self, vorgang_id: UUID, body: Any, request_id: str) -> Accepted:
        self.versions.append(body["schaden"]["katalogVersion"])
        if self.versions[-1] != "9":
            raise Permanent("KATALOG_VERALTET")
        if self.codes_too:
            raise Permanent("KATALOG_UNBEKANNT")
        return Accepted("im-1", "V-1")


def parcel() -> Parcel:
    codes = {"schadensort": "W_BAD", "schadenskategorie": "SANITAER", "schadensart": "SANITAER.TROPFT"}
    vorgang = some_vorgang(typ="SCHADEN", details=codes)
    item = OutboxItem(1, MANDANT, vorgang.id, None, NOW, NOW, 0, False, 1, "", "r", "waiting", None)
    return Parcel(item, vorgang, None, ())


def test_a_vorgang_refused_for_an_old_catalog_is_tried_once_more(tmp_path: Path) -> None:
    channel = Refusing(theirs("9"), codes_too=False)
    sent = send(parcel(), channel, Folder(tmp_path))
    assert (channel.versions, sent) == (["1", "9"], Sent(Accepted("im-1", "V-1"), catalog_outdated=True))


def test_a_vorgang_refused_again_is_refused_for_good(tmp_path: Path) -> None:
    channel = Refusing(theirs("9"), codes_too=True)
    with pytest.raises(Permanent, match="KATALOG_UNBEKANNT"):
        send(parcel(), channel, Folder(tmp_path))
    assert channel.versions == ["1", "9"]
