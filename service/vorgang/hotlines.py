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
    found: dict[str, dict[str, tuple[Call, list[str]]]] = {}
    for nr, of_one in calls.items():
        for call in of_one:
            found.setdefault(call.code, {}).setdefault(call.number, (call, []))[1].append(nr)
    return tuple(
        replace(call, gebaeude=() if len(buildings) == len(calls) else tuple(buildings))
        for numbers in found.values()
        for call, buildings in numbers.values()
    )


def only_at(calls: Iterable[Call], gebaeude: Collection[str]) -> tuple[Call, ...]:
    """Return of merged numbers those for these buildings, and no other building's name."""
    known = ((call, tuple(nr for nr in call.gebaeude if nr in gebaeude)) for call in calls)
    return tuple(replace(call, gebaeude=here) for call, here in known if here or not call.gebaeude)


def _calls_at(house: House, gebaeude_nr: str) -> Sequence[Call]:
    labels = house.catalog.call_labels
    numbers = house.notfall_for(gebaeude_nr).notrufnummern
    return [Call(code, labels.get(code, Label(code)), number) for code, number in numbers.items()]
