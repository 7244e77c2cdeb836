"""`melden/dokument`: asking for a document."""

from collections.abc import Mapping
from typing import ClassVar

from typing_extensions import override

from service.vorgang.tenancy import offered
from service.vorgang.types import Vorgangstyp
from service.web.context import Reader
from service.web.fields import options
from service.web.kontakt import beschreibung_field
from service.web.melden import Melden, melder_of
from service.web.pages import Field

_AUDIENCE = {"MIETER": "TENANT", "EIGENTUEMER": "OWNER"}


class Dokument(Melden):
    typ: ClassVar = Vorgangstyp.DOKUMENT

    @override
    def title(self, reader: Reader, values: Mapping[str, str]) -> str:
        return reader.words("Dokument anfordern")

    @override
    def fields(self, reader: Reader, values: Mapping[str, str]) -> tuple[Field, ...]:
        words = reader.words
        chosen = options(_offered(reader), values.get("dokumentart", ""))
        return (
            Field("dokumentart", "select", words("Welches Dokument brauchen Sie?"), required=True, options=chosen),
            Field(
                "zeitraum",
                "text",
                words("Für welchen Zeitraum? (freiwillig)"),
                values.get("zeitraum", ""),
                hint=words("Zum Beispiel: 2025"),
                maxlength=100,
            ),
            Field(
                "zweck", "text", words("Wofür brauchen Sie es? (freiwillig)"), values.get("zweck", ""), maxlength=200
            ),
            beschreibung_field(values, words("Anmerkung (freiwillig)"), required=False),
        )


def _offered(reader: Reader) -> list[tuple[str, str]]:
    """Offer what concerns the reader's roles; the catalog decides about anything else that is posted."""
    vertraege = offered(reader.vertraege, Vorgangstyp.DOKUMENT, reader.today)
    rollen = {vertrag.rolle for vertrag in vertraege} or {melder_of(reader).rolle}
    audiences = {_AUDIENCE.get(rolle, "TENANT") for rolle in rollen} | {"ALL", "MEMBER"}
    arten = reader.house.catalog.dokumentarten.values()
    return [(art.code, art.label.text(reader.lang)) for art in arten if art.audience in audiences]
