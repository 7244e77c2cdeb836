"""Posted fields become frozen values; what is wrong with them is said by the domain."""

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import EXCLUDE, Schema, fields, post_load, pre_load

from service.vorgang.messages import Addition, Art
from service.vorgang.types import Meldung, Vorgangstyp

ANSWER_PREFIX = "antwort_"
_STARS = {str(stars): stars for stars in range(1, 6)}
_ZUSATZ = ("zeitraum", "zweck", "laerm_wann", "laerm_dauer", "laerm_haeufigkeit")


def _text() -> fields.String:
    return fields.String(load_default="")


class _FormSchema(Schema):
    class Meta:
        unknown = EXCLUDE

    @pre_load
    def _strip(self, data: Mapping[str, str], **_: object) -> dict[str, str]:
        return {name: value.strip() for name, value in data.items()}


class MeldungSchema(_FormSchema):
    """The fields of all four kinds of report."""

    betreff = _text()
    beschreibung = _text()
    erreichbar = _text()
    telefon = _text()
    vertrag_nr = fields.String(load_default="", data_key="vertrag")
    schadensort = _text()
    schadenskategorie = _text()
    schadensart = _text()
    kontaktthema = _text()
    beschwerdeart = _text()
    dokumentart = _text()
    notfall_bestaetigt = fields.Function(deserialize=bool, load_default=False)

    def __init__(self, typ: Vorgangstyp) -> None:
        super().__init__()
        self._typ = typ

    @post_load(pass_original=True)
    def _meldung(self, data: dict[str, Any], original: Mapping[str, str], **_: object) -> Meldung:
        antworten = {
            name.removeprefix(ANSWER_PREFIX): value.strip()
            for name, value in original.items()
            if name.startswith(ANSWER_PREFIX)
        }
        zusatz = {name: original[name].strip() for name in _ZUSATZ if original.get(name, "").strip()}
        return Meldung(typ=self._typ, antworten=antworten, zusatz=zusatz, **data)


class AdditionSchema(_FormSchema):
    """What a resident adds to a Vorgang; `aktion` says what it is."""

    ARTEN: ClassVar = {
        "nachricht": Art.ANTWORT,
        "rueckzug": Art.RUECKZUG,
        "wiedereroeffnung": Art.WIEDEROEFFNUNG,
        "bewertung": Art.BEWERTUNG,
    }

    nachricht = _text()
    bewertung = fields.Function(deserialize=_STARS.get, load_default=None)
    aktion = _text()

    @post_load
    def _addition(self, data: dict[str, Any], **_: object) -> Addition:
        art = self.ARTEN.get(data["aktion"], Art.ANTWORT)
        return Addition(art=art, text=data["nachricht"], bewertung=data["bewertung"])
