"""Checks a JSON value against the part of JSON Schema that the interface uses, and names every field that is wrong."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from service.standin.problems import Feld
from service.standin.words import is_uuid, parse_time

Schema = Mapping[str, Any]
_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}


def check(value: object, schema: Schema, path: str = "") -> Iterator[Feld]:
    """Yield what is wrong with the value; `path` is the JSON Pointer that leads to it."""
    if "type" in schema and not _is_a(value, schema["type"]):
        yield Feld(path, "TYP")
        return
    if "enum" in schema and value not in schema["enum"]:
        yield Feld(path, "WERT")
    elif isinstance(value, str):
        yield from _check_text(value, schema, path)
    elif isinstance(value, dict):
        yield from _check_object(value, schema, path)
    elif isinstance(value, list):
        yield from _check_list(value, schema, path)
    elif isinstance(value, int | float) and not _in_bounds(value, schema):
        yield Feld(path, "WERT")


def _is_a(value: object, names: str | list[str]) -> bool:
    if isinstance(names, list):
        return any(_is_a(value, name) for name in names)
    if names == "null":
        return value is None
    return isinstance(value, _TYPES[names]) and (names == "boolean" or not isinstance(value, bool))


def _in_bounds(value: float, schema: Schema) -> bool:
    return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))


def _check_text(value: str, schema: Schema, path: str) -> Iterator[Feld]:
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        yield Feld(path, "LAENGE")
    elif "format" in schema and not _has_format(value, schema["format"]):
        yield Feld(path, "FORMAT")


def _has_format(value: str, name: str) -> bool:
    if name == "uuid":
        return is_uuid(value)
    parse: Callable[[str], object] = parse_time if name == "date-time" else date.fromisoformat
    try:
        parse(value)
    except ValueError:
        return False
    return True


def _check_object(value: Mapping[str, Any], schema: Schema, path: str) -> Iterator[Feld]:
    properties: Mapping[str, Schema] = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield Feld(f"{path}/{name}", "PFLICHT")
    for name, inner in properties.items():
        if name in value:
            yield from check(value[name], inner, f"{path}/{name}")


def _check_list(value: list[Any], schema: Schema, path: str) -> Iterator[Feld]:
    if len(value) > schema.get("maxItems", len(value)):
        yield Feld(path, "LAENGE")
        return
    for index, item in enumerate(value):
        yield from check(item, schema.get("items", {}), f"{path}/{index}")
