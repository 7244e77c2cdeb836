"""Documents for residents: what immotion says of one, whom it is for, who may see it, and that it was opened."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from service.store import clean, dokumente, lesungen, outbox, stammdaten
from service.store.database import in_transaction
from service.store.dokument_records import (
    BENACHRICHTIGT,
    EINGESTELLT,
    FEED,
    FIRST_DAY,
    LAST_DAY,
    Dokument,
    Empfaenger,
    Leser,
    NeuesDokument,
    Neuigkeit,
    Ziel,
    Zugang,
)
from service.store.owner import key_of_alle, key_of_gebaeude, key_of_vertrag, owner_of_person
from service.store.records import Vertrag
from service.vorgang.catalog import Catalog
from service.vorgang.tenancy import day_of

LETTER = "ANSCHREIBEN"
# Papers that hold until there is another: they concern whoever moves in later, too.
_STANDING = {"HAUSORDNUNG", "ENERGIEAUSWEIS", "TEILUNG"}
_ROLLEN = {"OWNER": "EIGENTUEMER", "TENANT": "MIETER"}
_KINDS = (("PERSON", "person_nr"), ("VERTRAG", "vertrag_nr"), ("GEBAEUDE", "gebaeude_nr"))
_NAMES = {"person_nr": "personNr", "vertrag_nr": "vertragNr", "gebaeude_nr": "gebaeudeNr"}
_SIZE_END = 2**62
_DAY = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ].*)?", re.ASCII | re.DOTALL)
_LEVELS = {1, 2}


class DokumentRefused(ValueError):
    """What is said of a document cannot be taken; `code` names why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def announce(  # noqa: PLR0913 - what is said of it, when, and where it belongs
    mandant: str,
    daten: Mapping[str, Any],
    catalog: Catalog,
    *,
    zeit: datetime,
    now: datetime,
    of: tuple[UUID, str] | None,
) -> UUID:
    """Note a document of immotion's feed or file drop; its bytes are fetched later, and nobody sees it before.

    `daten` is the Dokument of the Vorgang interface, `of` the Vorgang that it belongs to and its owner key. Inside a
    transaction; returns our id of it. Raises DokumentRefused, also when the same id stands for other bytes.
    """
    empfaenger = _empfaenger(daten.get("empfaenger"))
    if not empfaenger and of is None:
        raise DokumentRefused("NO_RECIPIENT")
    neu = _neu(daten, catalog, zeit, of[0] if of else None)
    ziele = [*ziele_of(mandant, empfaenger, neu.art, catalog), *([Ziel(of[1])] if of else [])]
    try:
        return dokumente.announce(mandant, neu, ziele, list(unmet(mandant, empfaenger)), now=now)
    except dokumente.OtherContent as other:
        raise DokumentRefused("OTHER_CONTENT") from other


def _neu(daten: Mapping[str, Any], catalog: Catalog, zeit: datetime, vorgang_id: UUID | None) -> NeuesDokument:
    art = clean.text(daten.get("dokumentart") or LETTER, 40)
    datum = day(daten.get("datum")) or zeit.date().isoformat()
    titel = clean.shown(daten.get("titel") or "", 255)
    dateiname = clean.text(daten.get("dateiname") or titel or "Dokument", 255)
    zeitraum = daten.get("zeitraum")
    von, bis = period(zeitraum if isinstance(zeitraum, Mapping) else {}, art, datum)
    size = daten.get("bytes")
    return NeuesDokument(
        dokument_id=clean.key(daten["dokumentId"]),
        quelle=FEED,
        art=art,
        titel=titel,
        dateiname=dateiname,
        suche=search_text(titel, dateiname, art, catalog),
        datum=datum,
        von=von,
        bis=bis,
        level=level_of(daten.get("stufe")),
        loeschen_nach=_given_day(daten.get("loeschenNach")),
        mime=clean.text(daten.get("mime") or "application/octet-stream", 100),
        bytes=size if isinstance(size, int) and 0 <= size < _SIZE_END else 0,
        sha256=clean.text(daten.get("sha256") or "", 64).lower(),
        vorgang_id=vorgang_id,
    )


def period(given: Mapping[str, Any], art: str, datum: str) -> tuple[str, str]:
    """Return first and last day of what a document is about: as told, else its own day; papers that hold go on."""
    von = _given_day(given.get("von")) or datum
    bis = _given_day(given.get("bis")) or (LAST_DAY if art in _STANDING else max(von, datum))
    if bis < von:
        raise DokumentRefused("PERIOD")
    return von, bis


def level_of(value: object) -> int | None:
    """Return the security level that a document needs; None leaves it to the Mandant. Raises DokumentRefused."""
    if value is None:
        return None
    if isinstance(value, int) and value in _LEVELS:
        return value
    raise DokumentRefused("LEVEL")


def day(value: object) -> str | None:
    """Return a day as YYYY-MM-DD, also of a moment; None for anything else, a week or 20260301 among it."""
    match = _DAY.fullmatch(str(value))
    try:
        return date.fromisoformat(match[1]).isoformat() if match else None
    except ValueError:
        return None


def _given_day(value: object) -> str | None:
    found = day(value)
    if value and found is None:
        raise DokumentRefused("DATE")
    return found


def search_text(titel: str, dateiname: str, art: str, catalog: Catalog) -> str:
    """Return what a search looks into: title, file name, and the names of the kind."""
    known = catalog.dokumentarten.get(art)
    label = f"{known.label.de} {known.label.en}" if known else ""
    return searched(f"{titel} {label} {dateiname}")[:600]


def searched(words: str) -> str:
    """Return words as they are looked for: however they were typed, in capitals or with an accent of its own."""
    return unicodedata.normalize("NFC", words).casefold()


def _empfaenger(value: object) -> list[Empfaenger]:
    entries = value if isinstance(value, list) else []
    return [_one(entry) for entry in entries if isinstance(entry, Mapping)]


def _one(entry: Mapping[str, Any]) -> Empfaenger:
    texts = {name: clean.key(entry.get(key) or "") for name, key in _NAMES.items()}
    if not any(texts.values()) and entry.get("alle") is not True:
        raise DokumentRefused("NO_RECIPIENT")
    return Empfaenger(**texts, alle=entry.get("alle") is True)


def ziele_of(mandant: str, empfaenger: Sequence[Empfaenger], art: str, catalog: Catalog) -> list[Ziel]:
    """Return the keys of whom a document is for; what is for a building or all may concern owners or tenants only."""
    known = catalog.dokumentarten.get(art)
    rolle = _ROLLEN.get(known.audience, "") if known else ""
    return [_ziel(mandant, one, rolle) for one in empfaenger]


def _ziel(mandant: str, one: Empfaenger, rolle: str) -> Ziel:
    if one.person_nr:
        return Ziel(owner_of_person(mandant, one.person_nr), one.vertrag_nr)
    if one.vertrag_nr:
        return Ziel(key_of_vertrag(mandant, one.vertrag_nr), one.vertrag_nr)
    key = key_of_gebaeude(mandant, one.gebaeude_nr) if one.gebaeude_nr else key_of_alle(mandant)
    return Ziel(key, rolle=rolle, viele=True)


def unmet(mandant: str, empfaenger: Sequence[Empfaenger]) -> dict[Empfaenger, str]:
    """Return those of these recipients that the master data do not know, each with the reason why its document waits.

    Nobody, where there are no master data.
    """
    if not empfaenger or not stammdaten.has_persons(mandant):
        return {}
    found: dict[Empfaenger, str] = {}
    for art, name in _KINDS:
        numbers = {number for one in empfaenger if (number := getattr(one, name))}
        gone = stammdaten.missing(mandant, art, sorted(numbers)) if numbers else set()
        found = {one: f"UNKNOWN_{art}" for one in empfaenger if getattr(one, name) in gone} | found
    return found


def strangers(mandant: str, empfaenger: Sequence[Empfaenger]) -> set[Empfaenger]:
    """Return those who are no party to the contract they are named with; nobody, where there are no master data."""
    both = [one for one in empfaenger if one.person_nr and one.vertrag_nr]
    if not both or not stammdaten.has_persons(mandant):
        return set()
    theirs = stammdaten.vertraege_of(mandant, sorted({one.person_nr for one in both}))
    return {one for one in both if one.vertrag_nr not in {v.nr for v in theirs.get(one.person_nr, ())}}


def leser_of(
    mandant: str, owners: Sequence[str], vertraege: Sequence[Vertrag], today: date, *, home: str = ""
) -> Leser:
    """Return what somebody may read: what is theirs, their contracts', and of buildings and all what falls into these.

    `owners` are their owner keys. A co-resident who belongs to a contract for a part of its time sees what falls into
    that. With `home`, only what belongs to this contract.
    """
    mine = [v for v in vertraege if home in {"", v.nr}]
    personal = [Zugang(owner, vertrag_nr=home) for owner in owners]
    contracts = [Zugang(key_of_vertrag(mandant, v.nr), *(_time(v) if v.eigene_zeit else ())) for v in mine]
    shared = [Zugang(key_of_gebaeude(mandant, v.gebaeude_nr), *_time(v), v.rolle) for v in mine if v.gebaeude_nr]
    everybody = [Zugang(key_of_alle(mandant), *_time(v), v.rolle) for v in mine]
    zugaenge = dict.fromkeys([*personal, *contracts, *shared, *everybody])
    return Leser(mandant, owners[0], tuple(zugaenge), today.isoformat())


def reaches(zugang: Zugang, one: Neuigkeit) -> bool:
    """Tell whether what is for somebody is seen by this way: what `store.dokumente` asks of the database, of one."""
    return one.ziel == zugang.key and (zugang == Zugang(zugang.key) or _is_within(zugang, one))


def _is_within(zugang: Zugang, one: Neuigkeit) -> bool:
    period = one.bis >= zugang.beginn and one.von <= zugang.ende
    named = not zugang.vertrag_nr or one.vertrag_nr in {"", zugang.vertrag_nr}
    return period and named and one.rolle in {"", zugang.rolle}


def _time(vertrag: Vertrag) -> tuple[str, str]:
    beginn, ende = day_of(vertrag.beginn), day_of(vertrag.ende)
    return beginn.isoformat() if beginn else FIRST_DAY, ende.isoformat() if ende else LAST_DAY


def owe_provided(mandant: str, *, report: bool, limit: int, now: datetime) -> int:
    """Note of documents that residents see from now on, and owe immotion that it hears of those of its feed.

    Not without `report`. Inside a transaction; returns how many: 0 also where somebody else was at it.
    """
    found = dokumente.provided(mandant, limit=limit)
    if not found or not dokumente.note_provided([key for key, _ in found], now):
        return 0
    of_feed = [key for key, quelle in found if quelle == FEED and report]
    outbox.owe_zustellungen(mandant, of_feed, EINGESTELLT, request_id=uuid4().hex, now=now)
    return len(found)


def owe_notified(mandant: str, ids: Sequence[UUID], *, now: datetime) -> None:
    """Owe immotion that somebody was told by mail of these documents of its feed: the first time of each.

    Inside the transaction that notes that the mail was taken.
    """
    first = dokumente.note_notified(mandant, ids, now)
    outbox.owe_zustellungen(mandant, first, BENACHRICHTIGT, request_id=uuid4().hex, now=now)


def note_opened(  # noqa: PLR0913 - who opened what, when, and by which request
    dokument: Dokument, leser: Leser, *, person: str | None, report: bool, request_id: str, now: datetime
) -> None:
    """Note that somebody has opened a document for the first time and, with `report`, that immotion is owed that.

    The same again does nothing.
    """
    if dokument.opened_at is not None:
        return

    def note() -> None:
        key = lesungen.note(dokument, leser.key, person, now)
        if key is not None and report:
            outbox.owe_quittung(dokument.mandant, key, request_id=request_id, now=now)

    in_transaction(note)
