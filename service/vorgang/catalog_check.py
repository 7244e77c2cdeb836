"""Finds every fault of a catalog file before it is used, each with its place in the file."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

SCHEMA = "mieterportal-catalog/1"
MODES = {"HOTLINE_ONLY", "HOTLINE_FIRST", "HOTLINE_IF", "INFO"}
QUESTION_TYPES = {"single", "number", "text", "date"}
CALENDARS = {"heating_period", "outside_office_hours"}
_CODE = re.compile(r"^[A-Z0-9_]+(\.[A-Z0-9_]+)*$")
_NAME = re.compile(r"^[a-z0-9_]+$")
# table: (key, texts that must be there, references to another table: field → table)
_TABLES: Mapping[str, tuple[str, tuple[str, ...], Mapping[str, str]]] = {
    "priorities": ("code", ("de",), {}),
    "aufgabentraeger_roles": ("code", ("de",), {}),
    "vorgangsarten": ("code", ("de",), {"default_role": "aufgabentraeger_roles", "default_priority": "priorities"}),
    "vorgangstypen": ("code", ("de",), {}),
    "area_groups": ("code", ("de",), {}),
    "schadensorte": ("code", ("de",), {"group": "area_groups"}),
    "schadenskategorien": ("code", ("de",), {}),
    "schadensarten": (
        "code",
        ("de",),
        {"category": "schadenskategorien", "priority": "priorities", "vorgangsart": "vorgangsarten"},
    ),
    "questions": ("id", ("de",), {}),
    "emergency_rules": ("id", ("title_de",), {}),
    "beschwerdearten": ("code", ("de",), {"vorgangsart": "vorgangsarten"}),
    "kontaktthemen": ("code", ("de",), {"vorgangsart": "vorgangsarten"}),
    "dokumentarten": ("code", ("de",), {"vorgangsart": "vorgangsarten"}),
    "tenant_statuses": ("code", ("de", "text_de"), {}),
    "erp_statuses": ("code", (), {"tenant_status": "tenant_statuses"}),
}
_NEEDED = {
    "tenant_statuses": ("UEBERMITTLUNG", "EINGEGANGEN", "IN_BEARBEITUNG", "ERLEDIGT"),
    "vorgangstypen": ("KONTAKT", "BESCHWERDE", "SCHADEN", "DOKUMENT"),
}
Codes = Mapping[str, set[str]]


def problems_of(raw: object) -> list[str]:
    """Return every fault; an empty list means that the catalog can be used."""
    if not isinstance(raw, dict):
        return ["the file must hold one JSON object"]
    shape = list(_shape(raw))
    if shape:
        return shape
    codes = {table: {row[key] for row in raw[table]} for table, (key, _, _) in _TABLES.items()}
    problems = [*_needed(codes)]
    for table, (key, texts, references) in _TABLES.items():
        problems += _rows(raw[table], table, key, texts)
        problems += _references(raw[table], table, references, codes)
    for position, art in enumerate(raw["schadensarten"]):
        problems += _schadensart(art, f"schadensarten[{position}]", codes)
    for position, question in enumerate(raw["questions"]):
        problems += _question(question, f"questions[{position}]")
    for position, rule in enumerate(raw["emergency_rules"]):
        problems += _rule(rule, f"emergency_rules[{position}]", codes)
    return [*problems, *_overrides(raw, codes), *_additions(raw)]


def _shape(raw: dict[str, Any]) -> Iterator[str]:
    if raw.get("schema") != SCHEMA:
        yield f'schema: must be "{SCHEMA}"'
    if not _is_text(raw.get("version")) or len(str(raw.get("version"))) > 80:  # noqa: PLR2004 - the column's width less the digest
        yield "version: must be a short text"
    for table, (key, _, _) in _TABLES.items():
        rows = raw.get(table)
        if not isinstance(rows, list) or not rows:
            yield f"{table}: must be a list with entries"
            continue
        for position, row in enumerate(rows):
            if not isinstance(row, dict) or not _is_text(row.get(key)):
                yield f"{table}[{position}]: must be an object with a text {key!r}"


def _needed(codes: Codes) -> Iterator[str]:
    for table, needed in _NEEDED.items():
        for code in needed:
            if code not in codes[table]:
                yield f'{table}: "{code}" is missing; the portal itself uses it'


def _rows(rows: list[dict[str, Any]], table: str, key: str, texts: tuple[str, ...]) -> Iterator[str]:
    seen: set[str] = set()
    pattern = _NAME if table == "questions" else _CODE
    for position, row in enumerate(rows):
        where, code = f"{table}[{position}]", row[key]
        if not pattern.match(code):
            yield f'{where}.{key}: "{code[:40]}" has characters that are not allowed'
        if code in seen:
            yield f'{where}.{key}: "{code[:40]}" is there twice'
        seen.add(code)
        for text in texts:
            if not _is_text(row.get(text)):
                yield f"{where}.{text}: must be a text"
        yield from _special(row, where, table)


def _special(row: dict[str, Any], where: str, table: str) -> Iterator[str]:
    if "en" in row and not isinstance(row["en"], str):
        yield f"{where}.en: must be a text"
    if table == "priorities" and not _is_count(row.get("target_business_days")):
        yield f"{where}.target_business_days: must be a whole number of days"
    if table == "kontaktthemen":
        yield from _thema(row, where)
    if table == "beschwerdearten" and not isinstance(row.get("search_words", ""), str):
        yield f"{where}.search_words: must be a text"
    if table == "dokumentarten" and not isinstance(row.get("audience", ""), str):
        yield f"{where}.audience: must be a text"
    if table == "dokumentarten" and not _is_count(row.get("retention_years_default", 0), most=100):
        yield f"{where}.retention_years_default: must be a whole number of years, at most 100"


def _thema(row: dict[str, Any], where: str) -> Iterator[str]:
    for name in ("information_de", "information_en"):
        if not _is_texts(row.get(name, [])):
            yield f"{where}.{name}: must be a list of texts"
    if "resident_de" in row and not _is_text(row["resident_de"]):
        yield f"{where}.resident_de: must be a text"
    if not isinstance(row.get("resident_en", ""), str):
        yield f"{where}.resident_en: must be a text"


def _references(rows: list[dict[str, Any]], table: str, references: Mapping[str, str], codes: Codes) -> Iterator[str]:
    for position, row in enumerate(rows):
        for field, target in references.items():
            yield from _known(row.get(field), f"{table}[{position}].{field}", target, codes)


def _schadensart(art: dict[str, Any], where: str, codes: Codes) -> Iterator[str]:
    places = art.get("places")
    if not isinstance(places, list) or not places:
        yield f"{where}.places: an Art needs at least one place"
    for position, place in enumerate(places if isinstance(places, list) else ()):
        yield from _known(place, f"{where}.places[{position}]", "schadensorte", codes)
    questions = art.get("questions", [])
    if not isinstance(questions, list):
        yield f"{where}.questions: must be a list"
    for position, name in enumerate(questions if isinstance(questions, list) else ()):
        yield from _known(name, f"{where}.questions[{position}]", "questions", codes)
    if art.get("emergency_rule") is not None:
        yield from _known(art["emergency_rule"], f"{where}.emergency_rule", "emergency_rules", codes)
    if not isinstance(art.get("search_words", ""), str):
        yield f"{where}.search_words: must be a text"


def _question(question: dict[str, Any], where: str) -> Iterator[str]:
    if not _is_one_of(question.get("type"), QUESTION_TYPES):
        yield f"{where}.type: must be one of {', '.join(sorted(QUESTION_TYPES))}"
    options = question.get("options", [])
    if not _is_texts(options) or (question.get("type") == "single" and not options):
        yield f"{where}.options: a single choice needs a list of codes"


def _rule(rule: dict[str, Any], where: str, codes: Codes) -> Iterator[str]:
    if not _is_one_of(rule.get("mode"), MODES):
        yield f"{where}.mode: must be one of {', '.join(sorted(MODES))}"
    for name in ("call", "steps_de"):
        if not _is_texts(rule.get(name)):
            yield f"{where}.{name}: must be a list of texts"
    if not _is_texts(rule.get("steps_en", [])):
        yield f"{where}.steps_en: must be a list of texts"
    if not isinstance(rule.get("title_en", ""), str):
        yield f"{where}.title_en: must be a text"
    if rule.get("condition") is not None:
        yield from _condition(rule["condition"], f"{where}.condition", codes, depth=0)


def _condition(condition: object, where: str, codes: Codes, *, depth: int) -> Iterator[str]:
    if not isinstance(condition, dict) or depth > 8:  # noqa: PLR2004 - nobody nests deeper, and a bomb would
        yield f"{where}: must be an object, not nested too deep"
        return
    for name in ("all", "any"):
        if name in condition:
            inner = condition[name]
            if not isinstance(inner, list) or not inner:
                yield f"{where}.{name}: must be a list of conditions"
                return
            for position, part in enumerate(inner):
                yield from _condition(part, f"{where}.{name}[{position}]", codes, depth=depth + 1)
            return
    yield from _leaf(condition, where, codes)


def _leaf(condition: dict[str, Any], where: str, codes: Codes) -> Iterator[str]:
    if "question" in condition:
        yield from _known(condition["question"], f"{where}.question", "questions", codes)
        if not _is_texts(condition.get("in")) and not _is_number(condition.get("lt")):
            yield f'{where}: needs "in" with a list of answers, or "lt" with a number'
    elif "kind" in condition:
        yield from _known(condition["kind"], f"{where}.kind", "schadensarten", codes)
    elif "calendar" in condition:
        if not _is_one_of(condition["calendar"], CALENDARS):
            yield f"{where}.calendar: must be one of {', '.join(sorted(CALENDARS))}"
    elif "setting" in condition:
        if condition["setting"] != "warmwasser_ist_notfall" or not isinstance(condition.get("eq"), bool):
            yield f'{where}.setting: must be "warmwasser_ist_notfall" with "eq" true or false'
    else:
        yield f"{where}: needs all, any, question, kind, calendar or setting"


def _overrides(raw: dict[str, Any], codes: Codes) -> Iterator[str]:
    tables = {
        "vorgangsart_overrides": {"from": "vorgangsarten", "group": "area_groups", "to": "vorgangsarten"},
        "priority_overrides": {"to": "priorities", "vorgangsart": "vorgangsarten"},
    }
    for table, references in tables.items():
        rows = raw.get(table)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            yield f"{table}: must be a list of objects"
            continue
        yield from _references(rows, table, references, codes)


def _additions(raw: dict[str, Any]) -> Iterator[str]:
    for table in ("option_labels", "call_labels"):
        yield from _labels(raw.get(table, {}), table)
    for position, status in enumerate(raw["tenant_statuses"]):
        yield from _labels(status.get("text_by_typ", {}), f"tenant_statuses[{position}].text_by_typ")


def _labels(labels: object, where: str) -> Iterator[str]:
    if not isinstance(labels, dict) or not all(_is_label(label) for label in labels.values()):
        yield f"{where}: must map codes to objects with a text 'de'"


def _is_label(value: object) -> bool:
    return isinstance(value, dict) and _is_text(value.get("de")) and isinstance(value.get("en", ""), str)


def _known(code: object, where: str, table: str, codes: Codes) -> Iterator[str]:
    if not isinstance(code, str) or code not in codes[table]:
        yield f'{where}: unknown in {table}: "{str(code)[:40]}"'


def _is_one_of(value: object, allowed: set[str]) -> bool:
    return isinstance(value, str) and value in allowed


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(_is_text(item) for item in value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: object, *, most: int = 365) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most
