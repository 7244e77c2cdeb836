"""Triggers in the database that note what is written, whoever writes it: no word of the product has to be believed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from service.store.database import connected, database, engine

_TABLE = "CREATE TABLE noted (what VARCHAR(20), of_vorgang VARCHAR(40))"
_FORMS = {
    "sqlite": [
        (
            "CREATE TRIGGER {name} AFTER {event} ON {table} WHEN {when} "
            "BEGIN INSERT INTO noted VALUES ('{what}', NEW.{key}); END"
        )
    ],
    "mysql": [
        (
            "CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW "
            "INSERT INTO noted SELECT '{what}', NEW.{key} FROM DUAL WHERE {when}"
        )
    ],
    "postgresql": [
        (
            "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN INSERT INTO noted VALUES ('{what}', NEW.{key}::text); RETURN NULL; END $$"
        ),
        "CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {name}()",
    ],
}
TAKEN_OVER, WRITTEN = "taken over", "written"


@dataclass(frozen=True, slots=True)
class _Trigger:
    name: str
    what: str
    event: str
    table: str
    key: str = "vorgang_id"
    when: str = "1 = 1"


_CLAIMS = (
    _Trigger(
        "note_take_over", TAKEN_OVER, "UPDATE", "outbox", when="NEW.fence > OLD.fence AND OLD.lease_until IS NOT NULL"
    ),
)
_WRITES = (
    _Trigger("note_vorgang", WRITTEN, "UPDATE", "vorgang", key="id"),
    _Trigger("note_entry", WRITTEN, "INSERT", "aktivitaet"),
    _Trigger("note_entry_changed", WRITTEN, "UPDATE", "aktivitaet"),
)


def note_take_overs() -> None:
    """Note from now on each claim of a row that somebody else held."""
    _create(_CLAIMS)


def note_writes() -> None:
    """Note from now on each write to a Vorgang and its timeline, even one that changes no value."""
    _create(_WRITES)


def _create(triggers: Iterable[_Trigger]) -> None:
    with connected():
        database.execute_sql(_TABLE)
        for trigger in triggers:
            for form in _FORMS[engine()]:
                named = {name: getattr(trigger, name) for name in trigger.__slots__}
                database.execute_sql(form.format(**named))


def noted(what: str) -> Counter[UUID]:
    """Return how often this was noted of each Vorgang."""
    with connected():
        cursor = database.execute_sql(
            f"SELECT of_vorgang, COUNT(*) FROM noted WHERE what = '{what}' GROUP BY of_vorgang"
        )
        return Counter({UUID(str(key)): int(count) for key, count in cursor.fetchall()})
