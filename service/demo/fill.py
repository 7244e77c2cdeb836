"""Makes the example data by the real roads: filed by the domain, delivered by the worker, worked on at the stand-in."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import click

from service.access import audit
from service.access.audit import Actor, Event, Source
from service.access.vault import Vault
from service.demo.aushaenge import aushaenge
from service.demo.papers import letter
from service.demo.past import PastStandin, past_standin
from service.demo.people import BY_NR, MANDANT, PERSONEN, home_of, stammdaten
from service.demo.pictures import picture
from service.demo.stories import FAELLE
from service.demo.story import Fall, Schritt, no_sunday
from service.demo.unterlagen import UNTERLAGEN, addressee, daten_of
from service.files.intake import StoredFile, take_in
from service.files.refusal import Limits
from service.house import house_of
from service.log import configure_logging
from service.settings import ImmotionSettings, Settings, load_settings
from service.storage import storage_of
from service.store import dokumente, lesungen, vorgaenge
from service.store import stammdaten as stammdaten_store
from service.store.database import connected
from service.store.dokument_records import DokumentFilter
from service.store.owner import owner_of_person
from service.sync.worker import run
from service.vorgang.aushang import Haus, put_up
from service.vorgang.catalog import default_catalog
from service.vorgang.dokumente import leser_of
from service.vorgang.filing import file_vorgang
from service.vorgang.messages import Addition, Art, add_to_vorgang
from service.vorgang.types import Melder, Meldung, Submission, Vorgangstyp

_READ_AFTER_DAYS = 14
_DOCUMENTS = 100
_BATCH_S = 14 * 24 * 3600


@dataclass(frozen=True, slots=True)
class _Moment:
    """Something that happened: a report (`schritt` None) or what followed it."""

    zeit: datetime
    nummer: int
    fall: Fall
    schritt: Schritt | None


class Filler:
    def __init__(self, settings: Settings, standin: PastStandin, *, now: datetime, seed: int = 1921) -> None:
        self._settings = settings
        self._standin = standin
        self._now = now
        self._chance = random.Random(seed)  # noqa: S311 - repeatable on purpose, guards nothing
        self._zone = ZoneInfo(settings.service.timezone)
        self._house = house_of(MANDANT, settings.mandanten[MANDANT], self._zone, default_catalog())
        self._storage = storage_of(settings.service, Vault(settings.service.encryption_keys))
        self._ids: dict[int, UUID] = {}

    def fill(self) -> int:
        """Make everything, in the order in which it happened, and return how many Vorgänge there are."""
        self._standin.post("/_standin/stammdaten", stammdaten())
        self._deliver()
        for moment in sorted(self._moments(), key=lambda m: (m.zeit, m.nummer)):
            self._standin.now = moment.zeit
            if moment.schritt is None:
                self._file(moment)
            elif moment.schritt.typ == "MIETER":
                self._add(moment, moment.schritt)
            else:
                self._work(moment, moment.schritt)
        self._provide()
        self._standin.now = datetime.now(UTC)
        self._deliver()
        self._put_up()
        self._mark_read()
        self._mark_opened()
        return len(self._ids)

    def _moments(self) -> Iterator[_Moment]:
        for nummer, fall in enumerate(FAELLE):
            day = self._now.astimezone(self._zone).date() - timedelta(days=fall.tage)
            filed = self._local(day, fall.uhr) + timedelta(seconds=self._chance.randrange(60))
            yield _Moment(filed, nummer, fall, None)
            for schritt in fall.verlauf:
                zeit = filed + timedelta(hours=schritt.stunden, seconds=self._chance.randrange(180))
                yield _Moment(min(zeit, self._now), nummer, fall, schritt)

    def _local(self, day: date, uhr: str) -> datetime:
        return datetime.combine(day, time.fromisoformat(uhr), self._zone).astimezone(UTC)

    def _deliver(self) -> None:
        run(self._settings, once=True)

    def _file(self, moment: _Moment) -> None:
        fall = moment.fall
        if fall.stapel:
            batch = {"rate": 1, "kinds": ["202"], "calls": ["PUT /vorgaenge"], "batch_s": _BATCH_S}
            self._standin.post("/_standin/faults", batch)
        meldung = Meldung(
            typ=Vorgangstyp(fall.typ),
            vertrag_nr=fall.vertrag,
            antworten=fall.antworten,
            zusatz=fall.zusatz,
            notfall_bestaetigt=True,
            **fall.angaben,
        )
        with connected():
            filed = file_vorgang(
                meldung,
                melder=self._melder(fall),
                submission=self._submission(),
                files=[self._foto(name, taken) for taken, name in enumerate(fall.fotos)],
                house=self._house,
                now=moment.zeit,
                spend=_nothing_to_spend,
            )
        self._ids[moment.nummer] = filed.vorgang_id
        self._deliver()
        if fall.stapel:
            self._standin.post("/_standin/faults", {"rate": 0})

    def _melder(self, fall: Fall) -> Melder:
        person = BY_NR[fall.person]
        today = self._now.date().isoformat()
        vertraege = tuple(v for v in stammdaten_store.vertraege(MANDANT, person.nr) if (v.ende or today) >= today)
        return Melder(
            owner=owner_of_person(MANDANT, person.nr),
            person=person.nr,
            name=person.name,
            email=person.email,
            sprache=person.sprache,
            rolle=next((v.rolle for v in vertraege if v.nr == fall.vertrag), "MIETER"),
            kanal="PORTAL_IFRAME" if person.sprache == "en" else "PORTAL_WEB",
            vertraege=vertraege,
        )

    def _submission(self) -> Submission:
        key = UUID(int=self._chance.getrandbits(128), version=4)
        return Submission(key, sha256(key.bytes).hexdigest(), f"demo-{key.hex[:12]}")

    def _foto(self, name: str, taken: int = 0) -> StoredFile:
        content = BytesIO(picture(name, self._chance.randrange(2**32)))
        return take_in(content, f"{name}.jpg", storage=self._storage, limits=Limits(), taken_files=taken, taken_bytes=0)

    def _add(self, moment: _Moment, schritt: Schritt) -> None:
        self._deliver()
        with connected():
            vorgang = vorgaenge.by_id(MANDANT, self._ids[moment.nummer])
            if vorgang is None:
                raise LookupError("a Vorgang of the demo is gone")
            bewertung = schritt.daten["bewertung"]
            add_to_vorgang(
                Addition(
                    Art(str(schritt.daten["art"])),
                    str(schritt.daten["text"]),
                    bewertung if isinstance(bewertung, int) else None,
                ),
                vorgang=vorgang,
                submission=self._submission(),
                files=[self._foto(schritt.foto)] if schritt.foto else [],
                now=moment.zeit,
                spend=_nothing_to_spend,
            )
        self._deliver()

    def _work(self, moment: _Moment, schritt: Schritt) -> None:
        event = {
            "typ": schritt.typ,
            "externeId": str(self._ids[moment.nummer]),
            "zeit": moment.zeit.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "sichtbarkeit": "MIETER",
            "daten": self._daten(moment, schritt),
        }
        self._standin.post("/_standin/ereignisse", event)

    def _daten(self, moment: _Moment, schritt: Schritt) -> dict[str, object]:
        make: Callable[[_Moment, Schritt], dict[str, object]] = {
            "TERMIN": self._termin,
            "DOKUMENT": self._dokument,
        }.get(schritt.typ, lambda _moment, given: dict(given.daten))
        return make(moment, schritt)

    def _termin(self, moment: _Moment, schritt: Schritt) -> dict[str, object]:
        day = self._now.astimezone(self._zone).date() - timedelta(days=moment.fall.tage)
        agreed = no_sunday(day + timedelta(days=int(str(schritt.daten["tage"]))))
        begin = self._local(agreed, str(schritt.daten["uhr"]))
        end = begin + timedelta(hours=2)
        return {"termin": {"von": begin.isoformat(), "bis": end.isoformat(), "firma": schritt.daten["firma"]}}

    def _dokument(self, moment: _Moment, schritt: Schritt) -> dict[str, object]:
        person = BY_NR[moment.fall.person]
        titel = str(schritt.daten["titel"])
        day = moment.zeit.astimezone(self._zone)
        content = letter(
            titel,
            name=person.name,
            adresse=home_of(person),
            vertrag=self._melder_vertrag(moment.fall),
            datum=day.strftime("%d.%m.%Y"),
        )
        dokument_id = f"demo-{moment.nummer:02d}-{str(schritt.daten['dokumentart']).lower()}"
        return {
            **schritt.daten,
            "dokumentId": dokument_id,
            "version": 1,
            **self._put(dokument_id, titel, content),
            "datum": day.date().isoformat(),
            "empfaenger": [{"personNr": person.nr}],
            "zustellung": "PORTAL",
        }

    def _put(self, dokument_id: str, titel: str, content: bytes) -> dict[str, object]:
        """Give immotion a document's file; returns what events say of it."""
        dateiname = f"{titel}.pdf".replace(" ", "_")
        self._standin.put_file(
            f"/_standin/dokumente/{dokument_id}?dateiname={dateiname.encode('ascii', 'ignore').decode()}",
            "application/pdf",
            content,
        )
        digest = sha256(content).hexdigest()
        return {"dateiname": dateiname, "mime": "application/pdf", "bytes": len(content), "sha256": digest}

    def _provide(self) -> None:
        """Let immotion provide the documents that belong to no Vorgang."""
        today = self._now.astimezone(self._zone).date()
        for number, one in enumerate(UNTERLAGEN):
            daten, (name, adresse, vertrag) = daten_of(number, one, today), addressee(one)
            datum = date.fromisoformat(daten["datum"]).strftime("%d.%m.%Y")
            content = letter(daten["titel"], name=name, adresse=adresse, vertrag=vertrag, datum=datum)
            daten |= self._put(daten["dokumentId"], daten["titel"], content)
            event = {"typ": "DOKUMENT", "mandant": MANDANT, "sichtbarkeit": "MIETER", "daten": daten}
            self._standin.post("/_standin/ereignisse", event)

    def _mark_opened(self) -> None:
        """Let residents have opened what is older than two weeks."""
        today = self._now.astimezone(self._zone).date()
        before = (today - timedelta(days=_READ_AFTER_DAYS)).isoformat()
        for person in PERSONEN:
            with connected():
                owner = owner_of_person(MANDANT, person.nr)
                leser = leser_of(MANDANT, [owner], stammdaten_store.vertraege(MANDANT, person.nr), today)
                for one in dokumente.page(leser, DokumentFilter(), limit=_DOCUMENTS):
                    if one.datum < before:
                        lesungen.note(one, owner, person.nr, self._now - timedelta(days=_READ_AFTER_DAYS))

    def _put_up(self) -> None:
        """Put the notices up, as an operator would."""
        mandant = self._settings.mandanten[MANDANT]
        haus = Haus(self._house, mandant.languages, frozenset(mandant.gebaeude))
        source = Source(mandant=MANDANT, actor=Actor.OPERATOR, now=self._now)
        with connected():
            for entwurf in aushaenge(self._now, self._zone):
                put_up(entwurf, haus, now=self._now, within=partial(_note_notice, source))

    def _melder_vertrag(self, fall: Fall) -> str:
        with connected():
            return fall.vertrag or self._melder(fall).vertraege[0].nr

    def _mark_read(self) -> None:
        """Let residents have read what is older than two weeks."""
        with connected():
            for nummer, vorgang_id in self._ids.items():
                if FAELLE[nummer].tage > _READ_AFTER_DAYS:
                    vorgaenge.mark_read(vorgang_id)


def _note_notice(source: Source, aushang_id: UUID) -> None:
    audit.note(Event.AUSHANG_CHANGED, source, subject=str(aushang_id), facts={"what": "added"})


def _nothing_to_spend() -> None:
    """Stand for a browser session, which has no token to use up."""


def fill(settings: Settings, ledger: Path, *, now: datetime) -> int:
    """Fill a migrated, empty database and a new ledger; nothing else may run meanwhile. Returns the Vorgänge made."""
    immotion = settings.mandanten[MANDANT].immotion
    if not isinstance(immotion, ImmotionSettings):
        raise TypeError("the demo's Mandant has no immotion over HTTP")
    with past_standin(immotion.url, ledger, immotion.token) as standin:
        one_thread = immotion.model_copy(update={"threads": 1})
        mandant = settings.mandanten[MANDANT].model_copy(update={"immotion": one_thread})
        quiet = settings.model_copy(update={"mandanten": {MANDANT: mandant}})
        return Filler(quiet, standin, now=now).fill()


@click.command()
@click.option("--ledger", type=click.Path(dir_okay=False, path_type=Path), required=True)
def main(ledger: Path) -> None:
    """Make the example data of the demo."""
    configure_logging()
    made = fill(load_settings(), ledger, now=datetime.now(UTC).replace(microsecond=0))
    click.echo(f"{made} Vorgänge")


if __name__ == "__main__":
    main()
