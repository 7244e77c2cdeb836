"""Column types that mean the same on SQLite, PostgreSQL and MariaDB."""

import json
from datetime import UTC, datetime, timedelta

import peewee
from typing_extensions import override

_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = 1_000_000


class UtcField(peewee.BigIntegerField):
    """An aware UTC time, kept as whole microseconds since 1970.

    One integer sorts and compares alike on every engine; MariaDB's DATETIME would drop the fraction and PostgreSQL's
    session zone would shift a naive value.
    """

    @override
    def db_value(self, value: datetime | int | None) -> int | None:
        """Turn an aware time into microseconds; naive times are refused with ValueError."""
        if value is None or isinstance(value, int):
            return value
        if value.tzinfo is None:
            raise ValueError("times in the store are aware")
        delta = value - _BEGIN
        return (delta.days * 86_400 + delta.seconds) * _MICROSECOND + delta.microseconds

    @override
    def python_value(self, value: int | None) -> datetime | None:
        """Turn microseconds back into an aware UTC time."""
        if value is None:
            return None
        return _BEGIN + timedelta(microseconds=int(value))


class LongTextField(peewee.TextField):
    """Text of any length; MariaDB's TEXT ends at 64 KiB, which a catalog passes."""

    field_type = "LONGTEXT"


class JsonField(LongTextField):
    """A JSON value as text; never queried inside, so no engine's JSON type is needed."""

    @override
    def db_value(self, value: object) -> str | None:
        """Serialise with sorted keys, so that equal values are equal texts."""
        return None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)

    @override
    def python_value(self, value: str | None) -> object:
        """Parse the stored text."""
        return None if value is None else json.loads(value)
