"""A checked catalog file becomes a Catalog."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from service.vorgang.catalog import (
    Catalog,
    Dokumentart,
    EmergencyRule,
    Entry,
    ErpStatus,
    Label,
    Prioritaet,
    Question,
    Schadensart,
    Schadensort,
    TenantStatus,
    Thema,
    Vorgangsart,
)

Raw = Mapping[str, Any]
T = TypeVar("T")


def read_catalog(raw: Raw, shipped: Raw, digest: str) -> Catalog:
    """Return the catalog; words that a Mandant's file lacks are taken from the shipped one where the codes agree."""
    more = _Shipped(shipped)
    emergency = next(iter(raw["priority_overrides"]), {"to": "P1", "vorgangsart": "VA330"})
    return Catalog(
        version=str(raw["version"]),
        digest=digest,
        source=raw,
        prioritaeten=_table(raw["priorities"], lambda e: Prioritaet(e["code"], _label(e), e["target_business_days"])),
        rollen=_table(raw["aufgabentraeger_roles"], _entry),
        vorgangsarten=_table(
            raw["vorgangsarten"], lambda e: Vorgangsart(e["code"], _label(e), e["default_role"], e["default_priority"])
        ),
        vorgangstypen=_table(raw["vorgangstypen"], _entry),
        area_groups=_table(raw["area_groups"], _entry),
        schadensorte=_table(raw["schadensorte"], lambda e: Schadensort(e["code"], _label(e), e["group"])),
        schadenskategorien=_table(raw["schadenskategorien"], _entry),
        schadensarten=_table(raw["schadensarten"], lambda e: _schadensart(e, more)),
        vorgangsart_overrides=tuple((o["from"], o["group"], o["to"]) for o in raw["vorgangsart_overrides"]),
        emergency_priority=(emergency["to"], emergency["vorgangsart"]),
        questions=_table(raw["questions"], lambda e: _question(e, more.option_label(raw)), key="id"),
        emergency_rules=_table(raw["emergency_rules"], lambda e: _emergency_rule(e, more), key="id"),
        beschwerdearten=_table(raw["beschwerdearten"], lambda e: _beschwerdeart(e, more)),
        kontaktthemen=_table(raw["kontaktthemen"], lambda e: _kontaktthema(e, more.thema(e))),
        dokumentarten=_table(raw["dokumentarten"], lambda e: _dokumentart(e, more)),
        tenant_statuses=_table(raw["tenant_statuses"], lambda e: _tenant_status(e, more)),
        erp_statuses=_table(
            raw["erp_statuses"], lambda e: ErpStatus(e["code"], e["tenant_status"], bool(e.get("notify", False)))
        ),
        call_labels={code: _label(e) for code, e in {**shipped["call_labels"], **raw.get("call_labels", {})}.items()},
    )


class _Shipped:
    """The shipped catalog's additions, by code."""

    def __init__(self, shipped: Raw) -> None:
        self._options: Raw = shipped["option_labels"]
        self._rules = {rule["id"]: rule for rule in shipped["emergency_rules"]}
        self._statuses = {status["code"]: status for status in shipped["tenant_statuses"]}
        self._arten = {art["code"]: art for art in shipped["schadensarten"]}
        self._complaints = {art["code"]: art for art in shipped["beschwerdearten"]}
        self._themen = {thema["code"]: thema for thema in shipped["kontaktthemen"]}
        self._keep_years = {art["code"]: art["retention_years_default"] for art in shipped["dokumentarten"]}

    def option_label(self, raw: Raw) -> Callable[[str], Label]:
        labels = {**self._options, **raw.get("option_labels", {})}

        def label(code: str) -> Label:
            return _label(labels[code]) if code in labels else Label(code.replace("_", " ").capitalize())

        return label

    def steps_en(self, rule: Raw) -> tuple[str, ...]:
        known = self._rules.get(rule["id"], {})
        same = known.get("steps_de") == rule["steps_de"]
        return tuple(rule.get("steps_en") or (known.get("steps_en", ()) if same else ()))

    def text_en(self, status: Raw) -> str:
        return str(status.get("text_en") or self._same(status).get("text_en", ""))

    def texts_by_typ(self, status: Raw) -> Mapping[str, Label]:
        texts = status.get("text_by_typ") or self._same(status).get("text_by_typ", {})
        return {typ: _label(text) for typ, text in texts.items()}

    def _same(self, status: Raw) -> Raw:
        """Return the shipped status if it says the same in German: what it says more holds then, too."""
        known: Raw = self._statuses.get(status["code"], {})
        return known if known.get("text_de") == status["text_de"] else {}

    def thema(self, thema: Raw) -> Raw:
        known: Raw = self._themen.get(thema["code"], {})
        return known

    def keep_years(self, art: Raw) -> int:
        return int(art.get("retention_years_default", self._keep_years.get(art["code"], 0)))

    def complaint_words(self, art: Raw) -> str:
        return str(art.get("search_words") or self._complaints.get(art["code"], {}).get("search_words", ""))

    def search_words(self, art: Raw) -> str:
        return str(art.get("search_words") or self._arten.get(art["code"], {}).get("search_words", ""))


def _dokumentart(entry: Raw, more: _Shipped) -> Dokumentart:
    return Dokumentart(
        code=entry["code"],
        label=_label(entry),
        vorgangsart=entry["vorgangsart"],
        audience=entry.get("audience", "ALL"),
        group=entry.get("group", ""),
        keep_years=more.keep_years(entry),
    )


def _table(rows: list[Raw], read: Callable[[Raw], T], key: str = "code") -> dict[str, T]:
    return {row[key]: read(row) for row in rows}


def _label(entry: Raw) -> Label:
    return Label(entry["de"], entry.get("en", ""))


def _entry(entry: Raw) -> Entry:
    return Entry(entry["code"], _label(entry))


def _thema(entry: Raw) -> Thema:
    return Thema(entry["code"], _label(entry), entry["vorgangsart"], bool(entry.get("noise_log", False)))


def _beschwerdeart(entry: Raw, more: _Shipped) -> Thema:
    return replace(_thema(entry), search_words=more.complaint_words(entry))


def _kontaktthema(entry: Raw, shipped: Raw) -> Thema:
    """Return a topic; what residents read may differ from the name that a file gives it for clerks."""
    named = entry if "resident_de" in entry or entry["de"] != shipped.get("de") else shipped
    label = Label(named["resident_de"], named.get("resident_en", "")) if "resident_de" in named else _label(entry)
    told = entry if "information_de" in entry else shipped
    german, english = told.get("information_de", ()), told.get("information_en", ())
    both = zip(german, english if len(english) == len(german) else [""] * len(german), strict=True)
    return replace(_thema(entry), label=label, information=tuple(Label(de, en) for de, en in both))


def _schadensart(entry: Raw, more: _Shipped) -> Schadensart:
    return Schadensart(
        code=entry["code"],
        label=_label(entry),
        kategorie=entry["category"],
        orte=tuple(entry["places"]),
        prioritaet=entry["priority"],
        vorgangsart=entry["vorgangsart"],
        emergency_rule=entry.get("emergency_rule"),
        questions=tuple(entry.get("questions", ())),
        building_wide=bool(entry.get("building_wide_dedup", False)),
        search_words=more.search_words(entry),
    )


def _question(entry: Raw, label: Callable[[str], Label]) -> Question:
    return Question(
        id=entry["id"],
        label=_label(entry),
        type=entry["type"],
        options=tuple((code, label(code)) for code in entry.get("options", ())),
        optional=bool(entry.get("optional", False)),
        special_category=bool(entry.get("special_category", False)),
    )


def _emergency_rule(entry: Raw, more: _Shipped) -> EmergencyRule:
    return EmergencyRule(
        id=entry["id"],
        title=Label(entry["title_de"], entry.get("title_en", "")),
        mode=entry["mode"],
        call=tuple(entry["call"]),
        steps_de=tuple(entry["steps_de"]),
        steps_en=more.steps_en(entry),
        condition=entry.get("condition"),
    )


def _tenant_status(entry: Raw, more: _Shipped) -> TenantStatus:
    text = Label(entry["text_de"], more.text_en(entry))
    return TenantStatus(entry["code"], _label(entry), text, more.texts_by_typ(entry))
