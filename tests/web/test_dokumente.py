"""What residents and owners see: their documents, nobody else's; opening one is noted, and told to immotion once."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from service.files.storage import Folder
from service.store import outbox
from service.store.database import connected, database
from service.store.dokument_records import FEED, Ziel
from service.store.owner import key_of_alle, key_of_gebaeude, key_of_vertrag, owner_of_person
from tests.support.dokumente import NOW, einheit, forget_everything, gebaeude, pdf, person, publish, tell, vertrag
from tests.support.inprocess import EMBEDDINGS, Portal, Visitor
from tests.support.portal import MANDANT

PERSON, NEXT, OWNER, MATE = "P1", "P2", "P3", "P4"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    portal = Portal(tmp_path_factory.mktemp("portal"))
    yield portal
    portal.close()


@pytest.fixture
def portal(opened: Portal) -> Portal:
    forget_everything()
    opened.now = NOW
    tell(
        MANDANT,
        *(person(nr) for nr in (PERSON, NEXT, OWNER, MATE)),
        gebaeude("G1"),
        gebaeude("G2"),
        einheit("E1", "G1"),
        einheit("E2", "G2"),
        vertrag("V1", PERSON, "E1", ende="2024-12-31", mitmieter=[{"personNr": MATE, "beginn": "2023-01-01"}]),
        vertrag("V2", NEXT, "E1", beginn="2025-01-01"),
        vertrag("V3", OWNER, "E1", rolle="EIGENTUEMER", beginn="2015-01-01"),
        vertrag("V4", PERSON, "E2", beginn="2025-01-01"),
    )
    return opened


def put(portal: Portal, *ziele: Ziel, **more: Any) -> UUID:
    titel = more.get("titel", "Ein Brief")
    return publish(Folder(portal.settings.service.files), MANDANT, pdf(f"{titel} {uuid4()}"), *ziele, **more)


def of_person(nr: str, vertrag_nr: str = "") -> Ziel:
    return Ziel(owner_of_person(MANDANT, nr), vertrag_nr)


def resident(portal: Portal, nr: str = PERSON, embedding: str = "fragment") -> Visitor:
    return portal.visitor(embedding, person=nr)


def titles(visitor: Visitor, query: str = "") -> list[str]:
    page = visitor.get(f"dokumente{query}")
    assert page.status_code == 200, page.text[:500]
    return re.findall(r'<h2><a href="[^"]+">([^<]+)</a></h2>', page.text)


def owed(portal: Portal) -> int:
    with connected():
        return sum(row.waiting for row in outbox.counts())


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_a_letter_is_listed_unread_opened_with_its_pages_and_downloaded(portal: Portal, embedding: str) -> None:
    key, visitor = put(portal, of_person(PERSON), titel="Mieterhöhung"), resident(portal, embedding=embedding)
    assert "Ein neues Dokument" in visitor.get("").text
    assert "Ungelesen" in visitor.get("dokumente").text
    page = visitor.get(f"dokumente/{key}")
    assert page.status_code == 200
    assert "Zum ersten Mal geöffnet: 23. November 2026, 13:00 Uhr." in page.text
    assert f'dokumente/{key}/seiten/1"' in page.text
    picture = visitor.get(f"dokumente/{key}/seiten/1")
    assert picture.headers["content-type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")
    file = visitor.get(f"dokumente/{key}/datei")
    assert file.content.startswith(b"%PDF")
    assert "Ungelesen" not in visitor.get("dokumente").text
    assert "neues Dokument" not in visitor.get("").text


def test_a_file_is_never_html_or_script(portal: Portal) -> None:
    key = put(portal, of_person(PERSON))
    for path in (f"dokumente/{key}/datei", f"dokumente/{key}/seiten/1"):
        headers = resident(portal).get(path).headers
        assert headers["content-type"] in {"application/pdf", "image/png"}
        assert headers["x-content-type-options"] == "nosniff"
        policy = "default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox"
        assert headers["content-security-policy"] == policy
    assert resident(portal).get(f"dokumente/{key}/datei").headers["content-disposition"].startswith("attachment;")


@pytest.mark.parametrize(
    "asked,status,begin,end",
    [("bytes=0-3", 206, 0, 4), ("bytes=4-", 206, 4, None), ("bytes=-5", 206, -5, None), ("bytes=5-4", 200, 0, None),
     ("bytes=0-1,4-5", 200, 0, None), ("lines=1-2", 200, 0, None), ("bytes=999999-", 416, 0, 0)],
)  # fmt: skip
def test_a_part_of_a_file_is_given_where_one_range_is_asked_for(
    portal: Portal, asked: str, status: int, begin: int, end: int | None
) -> None:
    key, visitor = put(portal, of_person(PERSON)), resident(portal)
    whole = visitor.get(f"dokumente/{key}/datei")
    part = visitor.send("GET", f"dokumente/{key}/datei", headers={"Range": asked})
    assert (part.status_code, part.content) == (status, whole.content[begin:end])
    if status == 206:
        first, last, size = map(int, re.findall(r"\d+", part.headers["content-range"]))
        assert whole.content[first : last + 1] == part.content
        assert size == len(whole.content)


def test_a_range_for_another_version_of_the_file_is_answered_with_the_whole(portal: Portal) -> None:
    key, visitor = put(portal, of_person(PERSON)), resident(portal)
    etag = visitor.get(f"dokumente/{key}/datei").headers["etag"]
    ranged = {"Range": "bytes=0-3"}
    same = visitor.send("GET", f"dokumente/{key}/datei", headers=ranged | {"If-Range": etag})
    other = visitor.send("GET", f"dokumente/{key}/datei", headers=ranged | {"If-Range": '"other"'})
    assert (same.status_code, other.status_code) == (206, 200)


@pytest.mark.parametrize(
    "name,value,status",
    [("If-None-Match", "{etag}", 304), ("If-None-Match", 'W/{etag}, "x"', 304), ("If-None-Match", "*", 304),
     ("If-None-Match", '"x"', 206), ("If-None-Match", "x", 206), ("If-Match", "{etag}", 206), ("If-Match", "*", 206),
     ("If-Match", '"x"', 412), ("If-Match", "W/{etag}", 412)],
)  # fmt: skip
def test_a_file_goes_out_where_the_requests_condition_holds(portal: Portal, name: str, value: str, status: int) -> None:
    key, visitor = put(portal, of_person(PERSON)), resident(portal)
    etag = visitor.get(f"dokumente/{key}/datei").headers["etag"]
    asked = {name: value.format(etag=etag), "Range": "bytes=0-3"}
    answer = visitor.send("GET", f"dokumente/{key}/datei", headers=asked)
    assert (answer.status_code, answer.headers["etag"]) == (status, etag)
    assert answer.content == (b"%PDF" if status == 206 else b"")


def test_a_file_that_cannot_be_read_now_is_asked_for_again_in_a_minute(portal: Portal) -> None:
    key, visitor = put(portal, of_person(PERSON)), resident(portal)
    shutil.rmtree(portal.directory / "files")
    for path in (f"dokumente/{key}/datei", f"dokumente/{key}/seiten/1"):
        answer = visitor.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
        assert "Wir können das gerade nicht zeigen. Bitte versuchen Sie es in einer Minute noch einmal." in answer.text
        assert "content-disposition" not in answer.headers
    english = visitor.get(f"dokumente/{key}/datei?lang=en").text
    assert "We cannot show this just now. Please try again in a minute." in english


def test_what_is_somebody_elses_is_not_found_by_any_way(portal: Portal) -> None:
    key, stranger = put(portal, of_person(PERSON), titel="Geheim"), resident(portal, NEXT)
    for path in (f"dokumente/{key}", f"dokumente/{key}/datei", f"dokumente/{key}/seiten/1"):
        assert stranger.get(path).status_code == 404
    assert stranger.send("GET", f"dokumente/{key}/datei", headers={"Range": "bytes=0-9"}).status_code == 404
    assert titles(stranger, "?suche=geheim") == []


def test_what_is_for_a_contract_is_its_tenants_and_not_the_next_ones(portal: Portal) -> None:
    put(portal, Ziel(key_of_vertrag(MANDANT, "V1")), titel="Abrechnung", datum="2025-10-01")
    assert titles(resident(portal)) == ["Abrechnung"]
    assert titles(resident(portal, NEXT)) == []
    assert titles(resident(portal, OWNER)) == []


def test_a_co_resident_sees_of_the_contract_what_falls_into_their_own_time(portal: Portal) -> None:
    put(portal, Ziel(key_of_vertrag(MANDANT, "V1")), titel="Davor", datum="2022-05-01")
    put(portal, Ziel(key_of_vertrag(MANDANT, "V1")), titel="Dabei", datum="2023-05-01")
    put(portal, of_person(PERSON), titel="Persönlich")
    assert titles(resident(portal, MATE)) == ["Dabei"]
    assert sorted(titles(resident(portal))) == ["Dabei", "Davor", "Persönlich"]
    tell(MANDANT, vertrag("V1", PERSON, "E1", ende="2024-12-31"))  # no longer names them
    assert titles(resident(portal, MATE)) == []


def test_what_is_for_a_building_is_for_those_who_lived_there_then(portal: Portal) -> None:
    house = Ziel(key_of_gebaeude(MANDANT, "G1"))
    put(portal, house, titel="Aushang 2019", datum="2019-01-01")
    put(portal, house, titel="Aushang 2023", datum="2023-01-01")
    put(portal, house, titel="Aushang 2026", datum="2026-01-01")
    put(portal, house, titel="Hausordnung", datum="2018-01-01", bis="9999-12-31")
    put(portal, Ziel(house.key, rolle="EIGENTUEMER"), titel="Protokoll", datum="2023-02-01")
    assert titles(resident(portal)) == ["Aushang 2023", "Hausordnung"]
    assert titles(resident(portal, NEXT)) == ["Aushang 2026", "Hausordnung"]
    assert titles(resident(portal, OWNER)) == [
        "Aushang 2026",
        "Protokoll",
        "Aushang 2023",
        "Aushang 2019",
        "Hausordnung",
    ]


def test_a_contract_begins_and_ends_on_its_day_however_that_is_written(portal: Portal) -> None:
    tell(MANDANT, vertrag("V2", NEXT, "E1", beginn="20250101", ende="20251231"))
    for day in ("2024-12-31", "2025-01-01", "2025-12-31", "2026-01-01"):
        put(portal, Ziel(key_of_gebaeude(MANDANT, "G1"), viele=True), titel=day, datum=day)
    assert titles(resident(portal, NEXT)) == ["2025-12-31", "2025-01-01"]


def test_what_is_for_all_reaches_every_tenant_of_the_time_and_no_other_mandant(portal: Portal) -> None:
    put(portal, Ziel(key_of_alle(MANDANT)), titel="Rundbrief")
    assert titles(resident(portal)) == titles(resident(portal, NEXT)) == ["Rundbrief"]
    assert titles(portal.visitor(person=None)) == []


def test_a_document_whose_time_is_over_is_gone(portal: Portal) -> None:
    key = put(portal, of_person(PERSON), loeschen_nach="2026-11-23")
    assert resident(portal).get(f"dokumente/{key}").status_code == 200
    portal.later(days=1)
    assert resident(portal).get(f"dokumente/{key}").status_code == 404


def test_a_search_takes_every_character_as_it_is(portal: Portal) -> None:
    for titel in ("Haus_A", "Haus-A", "Achtung!", "Achtung", "5!_%", "Ein\\Aus"):
        put(portal, of_person(PERSON), titel=titel)
    visitor = resident(portal)
    assert titles(visitor, "?suche=haus_a") == ["Haus_A"]
    assert sorted(titles(visitor, "?suche=!")) == ["5!_%", "Achtung!"]
    assert titles(visitor, "?suche=!_%25") == ["5!_%"]
    assert titles(visitor, "?suche=%5C") == ["Ein\\Aus"]
    assert titles(visitor, "?suche=n%25a") == []
    put(portal, of_person(PERSON), titel="Übergabe")
    assert titles(visitor, "?suche=U%CC%88BERGABE") == ["Übergabe"]  # as a Mac may write it


def test_year_kind_home_words_and_unread_narrow_the_list(portal: Portal) -> None:
    put(portal, of_person(PERSON, "V1"), titel="Abrechnung Heizung", art="HK_ABRECHNUNG", datum="2024-02-01")
    key = put(portal, of_person(PERSON, "V4"), titel="Abrechnung 100% Wasser", art="BK_ABRECHNUNG", datum="2025-02-01")
    put(portal, of_person(PERSON), titel="Mitglied", art="MITGLIED", datum="2025-03-01")
    visitor = resident(portal)
    assert titles(visitor, "?jahr=2024") == ["Abrechnung Heizung"]
    assert titles(visitor, "?art=BK_ABRECHNUNG") == ["Abrechnung 100% Wasser"]
    assert titles(visitor, "?wohnung=V4") == ["Mitglied", "Abrechnung 100% Wasser"]
    assert titles(visitor, "?suche=ABRECHNUNG+heiz") == ["Abrechnung Heizung"]
    assert titles(visitor, "?suche=100%25") == ["Abrechnung 100% Wasser"]
    assert titles(visitor, "?suche=%25") == ["Abrechnung 100% Wasser"]
    visitor.get(f"dokumente/{key}")
    assert titles(visitor, "?neu=1") == ["Mitglied", "Abrechnung Heizung"]
    assert titles(visitor, "?wohnung=V2&jahr=x&art=%00x&vor=x_y") == []
    page = visitor.get("dokumente?jahr=2024").text
    assert 'value="2025"' in page
    assert "Wohnung E2" in page


def test_who_has_several_homes_sees_which_one_a_document_is_for(portal: Portal) -> None:
    put(portal, Ziel(key_of_vertrag(MANDANT, "V1")), titel="Alt", datum="2024-01-01")
    put(portal, of_person(PERSON, "V4"), titel="Neu", datum="2026-01-01")
    key = put(portal, Ziel(key_of_gebaeude(MANDANT, "G2")), titel="Aushang", datum="2026-02-01")
    put(portal, of_person(PERSON), titel="Brief", datum="2026-03-01")
    page = resident(portal).get("dokumente").text
    cards = re.findall(r'<h2><a href="[^"]+">(\w+)</a></h2>(.*?)</li>', page, re.DOTALL)
    homes = {title: [home for home in ("Wohnung E1", "Wohnung E2") if home in card] for title, card in cards}
    assert homes == {"Brief": [], "Aushang": ["Wohnung E2"], "Neu": ["Wohnung E2"], "Alt": ["Wohnung E1"]}
    assert "Wohnung E2" in resident(portal).get(f"dokumente/{key}").text
    put(portal, of_person(NEXT), titel="Brief")
    assert "Wohnung E1" not in resident(portal, NEXT).get("dokumente").text


@pytest.mark.parametrize(
    "rollen,asked",
    [
        (("EIGENTUEMER", "EIGENTUEMER"), "Um welche Einheit geht es?"),
        (("MIETER", "EIGENTUEMER"), "Um welche Wohnung oder Einheit geht es?"),
        (("MIETER", "MIETER"), "Um welche Wohnung geht es?"),
    ],
)
def test_owners_are_asked_about_their_units_and_tenants_about_their_homes(
    portal: Portal, rollen: tuple[str, str], asked: str
) -> None:
    first, second = rollen
    tell(MANDANT, vertrag("V5", MATE, "E1", rolle=first), vertrag("V6", MATE, "E2", rolle=second))
    tell(MANDANT, vertrag("V1", PERSON, "E1", ende="2024-12-31"))  # names them no longer
    assert asked in resident(portal, MATE).get("melden/dokument").text


def test_in_english_a_vorgang_is_named_in_english_and_what_immotion_named_is_marked_as_german(portal: Portal) -> None:
    house = Ziel(key_of_gebaeude(MANDANT, "G2"))
    put(portal, house, titel="Hausordnung", art="HAUSORDNUNG", datum="2018-01-01", bis="9999-12-31")
    visitor = resident(portal)
    path = ask(visitor)
    page = visitor.get(f"{path}?lang=en").text
    assert "<h1>House rules</h1>" in page
    assert '<p class="mp-text" lang="de">Hausordnung</p>' in page
    assert "House rules</a></h2>" in visitor.get("vorgaenge?lang=en").text
    assert 'lang="de">Hausordnung</a></h2>' in visitor.get("dokumente?lang=en").text
    assert "<h1>Hausordnung</h1>" in visitor.get(path).text


def test_a_long_list_is_turned_by_key_and_shows_each_document_once(portal: Portal) -> None:
    for number in range(45):
        put(portal, of_person(PERSON), titel=f"Brief {number:02d}", datum=f"2026-01-{number % 9 + 1:02d}")
    visitor, seen, query = resident(portal), [], ""
    while True:
        page = visitor.get(f"dokumente{query}").text
        seen += re.findall(r"Brief (\d\d)</a>", page)
        older = re.search(r'vor=([^"&]+)"[^>]*>Ältere', page)
        if older is None:
            break
        query = f"?vor={older[1]}"
    assert sorted(seen) == [f"{number:02d}" for number in range(45)]


def test_the_list_takes_as_many_queries_for_one_document_as_for_twenty(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor, counts, asked = resident(portal), [], []
    original = database.obj.execute_sql

    def recorded(sql: str, params: list[object] | None = None):
        if "digest" not in sql:  # the catalog's: asked for once in ten seconds, whoever's page it is
            asked.append(sql)
        return original(sql, params)

    visitor.get("dokumente")
    for number in (1, 19):
        for _ in range(number):
            put(portal, of_person(PERSON))
        monkeypatch.setattr(database.obj, "execute_sql", recorded)
        asked.clear()
        visitor.get("dokumente")
        counts.append(len(asked))
        monkeypatch.setattr(database.obj, "execute_sql", original)
    assert counts[0] == counts[1] <= 5
    assert not [sql for sql in asked if "OFFSET" in sql]


def test_opening_is_noted_once_for_each_reader_and_owed_to_immotion_once(portal: Portal) -> None:
    key = put(portal, Ziel(key_of_vertrag(MANDANT, "V1")), datum="2023-05-01", quelle=FEED)
    for _ in range(3):
        resident(portal).get(f"dokumente/{key}")
        resident(portal).get(f"dokumente/{key}/datei")
    assert owed(portal) == 1
    assert "Die Verwaltung erfährt" in resident(portal).get(f"dokumente/{key}").text
    resident(portal, MATE).get(f"dokumente/{key}/seiten/1")
    assert owed(portal) == 2


def test_nothing_is_owed_for_what_the_operator_published_from_a_folder(portal: Portal) -> None:
    key = put(portal, of_person(PERSON))
    assert "Die Verwaltung erfährt" not in resident(portal).get(f"dokumente/{key}").text
    assert owed(portal) == 0


def test_somebody_with_a_second_factor_confirms_before_anything_is_shown_or_noted(portal: Portal) -> None:
    key, free = put(portal, of_person(PERSON), quelle=FEED), put(portal, of_person(PERSON), level=1)
    visitor = resident(portal, embedding="cookie")
    visitor.set_up()
    portal.later(minutes=20)
    for path in (f"dokumente/{key}", f"dokumente/{key}/datei", f"dokumente/{key}/seiten/1"):
        assert "bestaetigen" in visitor.where(visitor.get(path))
    assert owed(portal) == 0
    assert visitor.get(f"dokumente/{free}").status_code == 200


def ask(visitor: Visitor, **fields: str) -> str:
    form = visitor.form("melden/dokument") | {"dokumentart": "HAUSORDNUNG", "vertrag": "V4"} | fields
    return visitor.where(visitor.post("melden/dokument", form))


def test_a_requested_document_that_exists_is_there_at_once_and_the_vorgang_is_closed(portal: Portal) -> None:
    house = Ziel(key_of_gebaeude(MANDANT, "G2"))
    key = put(portal, house, titel="Hausordnung", art="HAUSORDNUNG", datum="2018-01-01", bis="9999-12-31")
    visitor = resident(portal)
    path = ask(visitor)
    page = visitor.get(path).text
    assert "quittung" not in path
    assert f"dokumente/{key}" in page
    assert "Dokument liegt bereit" in page
    assert owed(portal) == 0
    assert "Zurzeit ist nichts offen" in visitor.get("").text


def test_who_writes_to_such_a_vorgang_has_it_filed_with_immotion_after_all(portal: Portal) -> None:
    put(portal, of_person(PERSON), art="HAUSORDNUNG", bis="9999-12-31")
    visitor = resident(portal)
    path = ask(visitor)
    answer = visitor.post(path, visitor.form(path) | {"aktion": "nachricht", "nachricht": "Das ist die alte."})
    assert answer.status_code == 303, answer.text[:1000]
    assert owed(portal) == 2
    assert "Gespeichert, wird übermittelt" in visitor.get(path).text


@pytest.mark.parametrize(
    "art,document,asked,answered",
    [
        (
            "BK_ABRECHNUNG",
            {"datum": "2025-10-01", "von": "2024-01-01", "bis": "2024-12-31"},
            {"zeitraum": "2024"},
            True,
        ),
        (
            "BK_ABRECHNUNG",
            {"datum": "2025-10-01", "von": "2024-01-01", "bis": "2024-12-31"},
            {"zeitraum": "2025"},
            False,
        ),
        ("BK_ABRECHNUNG", {"datum": "2025-10-01", "titel": "Abrechnung 2024"}, {"zeitraum": "für 2024 bitte"}, True),
        ("BK_ABRECHNUNG", {"datum": "2025-10-01"}, {"zeitraum": "2025"}, False),
        ("BK_ABRECHNUNG", {"datum": "2025-10-01"}, {"zeitraum": "letztes Jahr"}, False),
        ("BK_ABRECHNUNG", {"datum": "2025-10-01"}, {}, True),
        ("MIETBESCHEINIGUNG", {"datum": "2026-11-10"}, {"zweck": "Wohngeld"}, True),
        ("MIETBESCHEINIGUNG", {"datum": "2026-09-10"}, {}, False),
        ("MIETBESCHEINIGUNG", {"datum": "2026-11-10"}, {"beschreibung": "mit Unterschrift"}, False),
        ("MIETVERTRAG", {"datum": "2025-01-01", "andere": "V1"}, {}, False),
    ],
)
def test_a_request_is_answered_only_by_what_was_asked_for(
    portal: Portal, art: str, document: dict[str, str], asked: dict[str, str], answered: bool
) -> None:
    told = dict(document)
    put(portal, of_person(PERSON, told.pop("andere", "V4")), art=art, **told)
    path = ask(resident(portal), dokumentart=art, **asked)
    assert ("quittung" not in path, owed(portal) == 0) == (answered, answered)


@pytest.mark.parametrize(
    "document,asked,told",
    [
        ({"datum": "2026-01-01"}, {"beschreibung": "Bitte die Fassung von Haus 7"}, True),
        ({"datum": "2026-01-01"}, {"beschreibung": "Bitte", "zeitraum": "vor dem Umbau"}, False),
        ({"datum": "2026-01-01", "andere": "V1"}, {"beschreibung": "Bitte"}, False),
    ],
)
def test_the_receipt_of_a_request_with_a_remark_leads_to_the_document_that_is_there(
    portal: Portal, document: dict[str, str], asked: dict[str, str], told: bool
) -> None:
    given = dict(document)
    key = put(
        portal, of_person(PERSON, given.pop("andere", "V4")), art="HAUSORDNUNG", titel="Hausordnung 2026", **given
    )
    visitor = resident(portal)
    page = visitor.get(ask(visitor, **asked)).text
    assert owed(portal) == 1
    assert (f'dokumente/{key}"' in page, "liegt schon unter" in page) == (told, told)


def test_the_receipt_shows_nobody_elses_document(portal: Portal) -> None:
    put(portal, of_person(OWNER, "V3"), art="HAUSORDNUNG")
    visitor = resident(portal)
    assert "liegt schon unter" not in visitor.get(ask(visitor, beschreibung="Bitte")).text


# A portal of its own stands last: it takes the database from the one above


def test_a_document_of_level_2_needs_it_whatever_the_mandant_asks_for(tmp_path: Path) -> None:
    portal = Portal(tmp_path, level2='actions = ["nachrichten"]')
    try:
        plain, sealed = put(portal, of_person(PERSON)), put(portal, of_person(PERSON), level=2)
        visitor = resident(portal, embedding="cookie")
        visitor.set_up()
        portal.later(minutes=20)
        assert visitor.get(f"dokumente/{plain}").status_code == 200
        assert "bestaetigen" in visitor.where(visitor.get(f"dokumente/{sealed}"))
    finally:
        portal.close()


def test_one_account_fetches_so_many_files_and_pages_in_a_time_and_reads_on(tmp_path: Path) -> None:
    strict = Portal(tmp_path, rates='file_account = "2/minute", preview_account = "3/minute"')
    try:
        tell(MANDANT, person(PERSON))
        key, visitor, other = put(strict, of_person(PERSON)), resident(strict), resident(strict)
        files = [visitor.get(f"dokumente/{key}/datei").status_code for _ in range(3)]
        pages = [visitor.get(f"dokumente/{key}/seiten/1").status_code for _ in range(4)]
        assert (files, pages) == ([200, 200, 429], [200, 200, 200, 429])
        assert visitor.get(f"dokumente/{key}").status_code == 200
        assert other.get(f"dokumente/{key}/datei").status_code == 200
    finally:
        strict.close()
