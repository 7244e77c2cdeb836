"""`melden/kontakt`: a question or request."""

from collections.abc import Mapping
from typing import ClassVar

from typing_extensions import override

from service.vorgang.assess import BESCHREIBUNG_MAX, BETREFF_MAX
from service.vorgang.types import Vorgangstyp
from service.web.context import Reader
from service.web.fields import options
from service.web.melden import Melden
from service.web.pages import Field


class Kontakt(Melden):
    typ: ClassVar = Vorgangstyp.KONTAKT

    @override
    def title(self, reader: Reader, values: Mapping[str, str]) -> str:
        return reader.words("Kontakt aufnehmen")

    @override
    def fields(self, reader: Reader, values: Mapping[str, str]) -> tuple[Field, ...]:
        themen = [(thema.code, thema.label.text(reader.lang)) for thema in reader.house.catalog.kontaktthemen.values()]
        chosen = options(themen, values.get("kontaktthema", ""))
        label = reader.words("Worum geht es?")
        thema = Field("kontaktthema", "select", label, required=True, options=chosen)
        return (
            thema,
            betreff_field(reader, values),
            beschreibung_field(values, reader.words("Ihre Nachricht")),
        )


def betreff_field(reader: Reader, values: Mapping[str, str]) -> Field:
    """Return the voluntary subject line."""
    label = reader.words("Betreff (freiwillig)")
    return Field("betreff", "text", label, values.get("betreff", ""), maxlength=BETREFF_MAX)


def beschreibung_field(values: Mapping[str, str], label: str, *, required: bool = True) -> Field:
    """Return the room for words."""
    return Field(
        "beschreibung",
        "textarea",
        label,
        values.get("beschreibung", ""),
        required=required,
        maxlength=BESCHREIBUNG_MAX,
        rows=6,
    )
