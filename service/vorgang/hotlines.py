"""Whom to call where homes in question lie in buildings whose emergency numbers differ."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from service.vorgang.catalog import Label
from service.vorgang.emergency import Call
from service.vorgang.types import House


def hotlines(house: House, gebaeude: Iterable[str]) -> tuple[Call, ...]:
    """Return every emergency number of these buildings; "" stands for the house's own."""
    return merged({nr: _calls_at(house, nr) for nr in gebaeude})


def merged(calls: Mapping[str, Sequence[Call]]) -> tuple[Call, ...]:
    """Put the numbers of several buildings into one list, in their order.

    A number that all of them have stands there once and names none; any other names the buildings that it is for.
    """
    codes = dict.fromkeys(call.code for of_one in calls.values() for call in of_one)
    return tuple(call for code in codes for call in _by_number(code, calls))


def only_at(calls: Iterable[Call], gebaeude: Collection[str]) -> tuple[Call, ...]:
    """Return of merged numbers those for these buildings, and no other building's name."""
    known = ((call, tuple(nr for nr in call.gebaeude if nr in gebaeude)) for call in calls)
    return tuple(replace(call, gebaeude=here) for call, here in known if here or not call.gebaeude)


def _by_number(code: str, calls: Mapping[str, Sequence[Call]]) -> Iterable[Call]:
    found: dict[str, Call] = {}
    for nr, of_one in calls.items():
        for call in of_one:
            if call.code == code:
                earlier = found.get(call.number, call)
                found[call.number] = replace(earlier, gebaeude=(*earlier.gebaeude, nr))
    alike = [call for call in found.values() if len(call.gebaeude) == len(calls)]
    return [replace(call, gebaeude=()) for call in alike] or found.values()


def _calls_at(house: House, gebaeude_nr: str) -> Sequence[Call]:
    labels = house.catalog.call_labels
    numbers = house.notfall_for(gebaeude_nr).notrufnummern
    return [Call(code, labels.get(code, Label(code)), number) for code, number in numbers.items()]
