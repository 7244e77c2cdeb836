"""Tokens and codes of every kind, changed, cut short and mixed up, shown where they belong: none opens, or is a fault.

HYPOTHESIS_EXAMPLES=100000 makes 100,000 of them in all, as `make faults` does.
"""

import os
from collections.abc import Callable, Iterator
from itertools import chain

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.invariants.kinds import KINDS, Kind
from tests.invariants.world import World

EACH = max(12, int(os.environ.get("HYPOTHESIS_EXAMPLES", "0")) // len(KINDS))
_SPELLED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/,:; "
ANYTHING = st.sampled_from(_SPELLED) | st.characters(exclude_categories=["Cs"])
PLACES = st.integers(0, 400)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("tokens"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def all_good(world: World) -> dict[str, list[str]]:
    """Return what is good of each kind, to be shown where another kind belongs."""
    return {make.__name__: list(make(world).good) for make in KINDS}


def changed(good: str, place: int, removed: int, added: str) -> str:
    """Return it with some characters in place of others."""
    place %= len(good) + 1
    return good[:place] + added + good[place + removed :]


def cut(good: str, start: int, length: int) -> str:
    return good[start % len(good) :][:length]


def mixed(good: str, other: str, choice: int) -> str:
    """Return it with some of its parts, or its rear half, from another one."""
    parts, others = good.split("."), other.split(".")
    if len(parts) > 1 and len(parts) == len(others):
        return ".".join(
            (one, two)[choice >> number & 1] for number, (one, two) in enumerate(zip(parts, others, strict=True))
        )
    half = choice % (len(good) + 1)
    return good[:half] + other[half:]


@st.composite
def spoilt(draw: st.DrawFn, good: list[str], others: list[str]) -> str:
    """Draw what may come of a good token on its way, or of whoever tries."""
    one = draw(st.sampled_from(good))
    how = draw(st.integers(0, 6))
    if how <= 2:
        return changed(one, draw(PLACES), draw(st.integers(0, 3)), draw(st.text(ANYTHING, max_size=3)))
    if how == 3:
        return cut(one, draw(PLACES), draw(st.integers(0, 400)))
    if how == 4:
        return mixed(one, draw(st.sampled_from(good + others)), draw(PLACES))
    if how == 5:
        return draw(st.sampled_from([*others, one.swapcase(), one[::-1], one * 2, f"{one}.{one}", f"'{one}'", ""]))
    return draw(st.text(ANYTHING, max_size=60))


def sendable(text: str, kind: Kind) -> str:
    """Return what of it can stand in a header, if that is where it is shown."""
    if not kind.in_header:
        return text
    return "".join(letter for letter in text if " " <= letter <= "~" or "\xa0" <= letter <= "\xff")


@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)
def test_nothing_but_a_good_one_opens_and_nothing_is_a_fault(
    world: World, all_good: dict[str, list[str]], make: Callable[[World], Kind]
) -> None:
    world.begin_anew()
    kind = make(world)
    others = list(chain.from_iterable(good for name, good in all_good.items() if name != make.__name__))

    @settings(max_examples=EACH, deadline=None, suppress_health_check=list(HealthCheck))
    @given(spoilt(list(kind.good), others))
    def search(drawn: str) -> None:
        text = sendable(drawn, kind)
        assume(not kind.same(text))
        answer, opened = kind.show(text)
        assert not opened, (text, answer.status_code)
        assert answer.status_code < 500, (text, answer.status_code)

    search()
    world.begin_anew()
    fresh = make(world)  # some are good for minutes only
    answer, opened = fresh.show(fresh.good[0])  # or nothing would show that the others were looked at
    assert opened, (answer.status_code, answer.text[:1000])
