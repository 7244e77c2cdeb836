"""Emergency numbers in the reader's words; where several houses have different ones, each with the house it is for."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from service.store.records import Vertrag
from service.vorgang.emergency import Call
from service.vorgang.hotlines import hotlines
from service.web.context import Reader
from service.web.pages import Rufnummer

# More numbers of single houses are no help on a page about something else: the one for emergencies has them all.
_SHOWN = 6


def calls_of_homes(reader: Reader, vertraege: Iterable[Vertrag]) -> tuple[Rufnummer, ...]:
    """Return the numbers of the buildings of these contracts; where there are none, those that anybody may need."""
    buildings = dict.fromkeys(vertrag.gebaeude_nr for vertrag in vertraege)
    if not buildings:
        return calls_anywhere(reader)
    return in_words(hotlines(reader.house, buildings), reader, houses_of(reader))


def calls_anywhere(reader: Reader) -> tuple[Rufnummer, ...]:
    """Return the numbers for a page that knows nobody's home; it asks no store, as faults have such pages, too."""
    found = _everywhere(reader)
    if sum(bool(call.gebaeude) for call in found) > _SHOWN:
        return calls_elsewhere(reader)
    return in_words(found, reader, _named(reader))


def calls_elsewhere(reader: Reader) -> tuple[Rufnummer, ...]:
    """Return the Mandant's own numbers, and of each that not all buildings have, that it is for the others."""
    of_others = (call for call in _everywhere(reader) if call.gebaeude in {(), ("",)})
    return in_words(of_others, reader, _named(reader))


def calls_at(reader: Reader, gebaeude_nr: str) -> tuple[Rufnummer, ...]:
    """Return the numbers of a building."""
    return in_words(hotlines(reader.house, [gebaeude_nr]), reader, {})


def in_words(calls: Iterable[Call], reader: Reader, houses: Mapping[str, str]) -> tuple[Rufnummer, ...]:
    """Return numbers as the templates show them; `houses` says what each building is called."""
    return tuple(_rufnummer(call, reader, houses) for call in calls)


def tel_of(number: str) -> str:
    """Return what stands behind tel: (RFC 3966): digits and a leading plus."""
    return "".join(sign for sign in number if sign.isdigit() or sign == "+")


def houses_of(reader: Reader) -> dict[str, str]:
    """Return what the buildings of the reader's contracts are called: by name and address, as far as known."""
    return {
        vertrag.gebaeude_nr: _house(reader, vertrag.gebaeude_nr, vertrag.adresse) or vertrag.wohnung or vertrag.nr
        for vertrag in reversed(reader.vertraege)
    }


def _everywhere(reader: Reader) -> list[Call]:
    """Return the numbers of all buildings that have some of their own; "" stands for the others."""
    own = (nr for nr, settings in reader.mandant.gebaeude.items() if settings.notfall.nummern)
    found = hotlines(reader.house, ["", *own])
    return [replace(call, gebaeude=("",)) if "" in call.gebaeude else call for call in found]


def _house(reader: Reader, nr: str, adresse: str) -> str:
    settings = reader.mandant.gebaeude.get(nr)
    name = settings.name if settings else ""
    if adresse.partition(",")[0] in name:
        return name or nr
    return f"{name}, {adresse}" if name else adresse


def _named(reader: Reader) -> dict[str, str]:
    names = {nr: settings.name or nr for nr, settings in reader.mandant.gebaeude.items()}
    return names | {"": reader.words("Alle anderen Häuser")}


def _rufnummer(call: Call, reader: Reader, houses: Mapping[str, str]) -> Rufnummer:
    house = "; ".join(houses.get(nr, nr) for nr in call.gebaeude)
    return Rufnummer(call.label.text(reader.lang), call.number, tel_of(call.number), house)
