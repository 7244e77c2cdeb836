"""`melden/beschwerde`: a complaint; for noise, the facts that suffice."""

from collections.abc import Mapping
from typing import ClassVar

import falcon
from typing_extensions import override

from service.vorgang.types import Vorgangstyp
from service.web.context import Reader
from service.web.fields import options
from service.web.kontakt import beschreibung_field, betreff_field
from service.web.melden import Melden
from service.web.pages import Field


class Beschwerde(Melden):
    typ: ClassVar = Vorgangstyp.BESCHWERDE

    @override
    def title(self, reader: Reader, values: Mapping[str, str]) -> str:
        return reader.words("Beschwerde melden")

    @override
    def chosen(self, req: falcon.Request, reader: Reader) -> dict[str, str]:
        art = req.get_param("beschwerdeart", default="")
        return {"beschwerdeart": art} if art in reader.house.catalog.beschwerdearten else {}

    @override
    def fields(self, reader: Reader, values: Mapping[str, str]) -> tuple[Field, ...]:
        arten = reader.house.catalog.beschwerdearten
        pairs = [(art.code, art.label.text(reader.lang)) for art in arten.values()]
        label = reader.words("Worüber möchten Sie sich beschweren?")
        chosen = options(pairs, values.get("beschwerdeart", ""))
        return (
            Field("beschwerdeart", "select", label, required=True, options=chosen),
            betreff_field(reader, values),
            beschreibung_field(values, reader.words("Was ist passiert?")),
            *_noise_fields(reader, values),
        )


def _noise_fields(reader: Reader, values: Mapping[str, str]) -> tuple[Field, ...]:
    """Ask for kind, time, duration and frequency, which suffice for a notice of noise; a log is not needed."""
    words = reader.words
    asked = {
        "laerm_wann": words("Bei Lärm: Wann tritt er auf? (freiwillig)"),
        "laerm_dauer": words("Bei Lärm: Wie lange dauert er? (freiwillig)"),
        "laerm_haeufigkeit": words("Bei Lärm: Wie oft kommt er vor? (freiwillig)"),
    }
    return tuple(Field(name, "text", label, values.get(name, ""), maxlength=200) for name, label in asked.items())
