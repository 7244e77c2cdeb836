"""What contracts are about, as pages call it (a tenant's homes, an owner's units), and which one a document is for."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from service.store import dokumente
from service.store.dokument_records import Dokument, Leser
from service.store.owner import key_of_gebaeude, key_of_vertrag
from service.store.records import Vertrag
from service.web.context import Reader

_OWNER = "EIGENTUEMER"


@dataclass(frozen=True, slots=True)
class HomeWords:
    """One of them, whose they are, and the question which."""

    one: str
    yours: str
    which: str


def home_words(reader: Reader, vertraege: Sequence[Vertrag]) -> HomeWords:
    """Return what these contracts are about in the reader's words: nobody who only owns is told of their home."""
    words, rollen = reader.words, {vertrag.rolle == _OWNER for vertrag in vertraege}
    if rollen == {True}:
        return HomeWords(words("Einheit"), words("Ihre Einheiten"), words("Um welche Einheit geht es?"))
    if rollen == {True, False}:
        return HomeWords(
            words("Wohnung oder Einheit"),
            words("Ihre Wohnungen und Einheiten"),
            words("Um welche Wohnung oder Einheit geht es?"),
        )
    return HomeWords(words("Wohnung"), words("Ihre Wohnungen"), words("Um welche Wohnung geht es?"))


def homes_of(found: Sequence[Dokument], leser: Leser, reader: Reader) -> Mapping[UUID, str]:
    """Return which of the reader's homes each of these documents is for, in one query; none for whoever has one only.

    What is for a building is for the one home that they have in it, and for none in particular if there are several.
    """
    if len(reader.vertraege) < 2 or not found:  # noqa: PLR2004
        return {}
    names = dict(_names(reader))
    homes: defaultdict[UUID, dict[str, None]] = defaultdict(dict)
    for dokument, ziel, vertrag_nr in dokumente.ways(leser, [one.id for one in found]):
        name = names.get(vertrag_nr or ziel)
        if name:
            homes[dokument][name] = None
    return {dokument: "; ".join(several) for dokument, several in homes.items()}


def _names(reader: Reader) -> Iterator[tuple[str, str]]:
    mandant, buildings = reader.mandant_id, [vertrag.gebaeude_nr for vertrag in reader.vertraege]
    for vertrag in reader.vertraege:
        yield vertrag.nr, vertrag.wohnung
        yield key_of_vertrag(mandant, vertrag.nr), vertrag.wohnung
        if vertrag.gebaeude_nr and buildings.count(vertrag.gebaeude_nr) == 1:
            yield key_of_gebaeude(mandant, vertrag.gebaeude_nr), vertrag.wohnung
