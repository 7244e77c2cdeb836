"""An installation that comes from a version which told persons alone: what it owes is told, nothing old is."""

from pathlib import Path

from service.store.database import connected, open_database
from service.store.database import database as pool
from service.store.migrate import migrate
from service.store.owner import owner_of_person
from tests.support.databases import empty_database

_DOKUMENT = {
    "mandant": "m", "quelle": "feed", "art": "X", "titel": "", "dateiname": "", "suche": "", "datum": "", "jahr": 2026,
    "von": "", "bis": "", "mime": "", "bytes": 1, "sha256": "", "seiten": 1, "fetch_attempts": 0, "created_at": 5,
}  # fmt: skip


def put(table: str, **row: object) -> None:
    names = ", ".join(row)
    marks = ", ".join([pool.obj.param] * len(row))
    pool.execute_sql(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))


def document(number: int, **more: object) -> None:
    key = f"{number:032x}"
    put("dokument", id=key, dokument_id=f"D{number}", **_DOKUMENT | more)
    put("dokument_ziel", ziel="z", dokument=key, vertrag_nr="", rolle="", von="", bis="")


def test_recipients_of_what_is_news_or_not_here_yet_are_told_and_persons_are_known(tmp_path: Path) -> None:
    opened = open_database(empty_database(tmp_path))
    migrate("0023_scan_index")
    key = owner_of_person("m", "Pü")
    with connected():
        document(1, news=True, stored_at=7)
        document(2, news=False, stored_at=7)
        document(3)
        for number in range(1200):
            put("stammdaten", mandant="m", art="PERSON", nr=f"A{number}", parent="", einheit_nr="", daten="{}")
        put("stammdaten", mandant="m", art="PERSON", nr="Pü", parent="", einheit_nr="", daten="{}")
        told = {"connection": "w", "owner": "o", "email": "x", "lang": "de", "asked_at": 1}
        for account, owner in (("a", key), ("b", None), ("c", owner_of_person("n", "Pü"))):
            row = {"account": account, "key": f"{ord(account):032x}", "owner_person": owner}
            put("benachrichtigung", mandant="m", **row | told)
    migrate()
    with connected():
        news = pool.execute_sql("SELECT dokument, news_at FROM dokument_ziel ORDER BY dokument").fetchall()
        persons = pool.execute_sql("SELECT account, person FROM benachrichtigung ORDER BY account").fetchall()
    opened.close_all()
    assert [at for _, at in news] == [5, None, 5]
    assert [tuple(row) for row in persons] == [("a", "Pü"), ("b", None), ("c", None)]
