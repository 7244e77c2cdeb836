"""The use case "file": a report becomes a Vorgang that immotion is owed, in one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from service.files.intake import StoredFile
from service.store import drafts, outbox, stammdaten, vorgaenge
from service.store.database import in_transaction
from service.store.dokument_records import Dokument
from service.store.records import Anhang, Vertrag, Vorgang
from service.vorgang.anforderung import ANSWERED, ANSWERED_BY, answer_to, answered, is_answered
from service.vorgang.assess import Assessed, assess
from service.vorgang.types import AlreadyFiledDifferently, House, Melder, Meldung, Submission

STORED = "UEBERMITTLUNG"
GEMELDET = "gemeldet"  # among the details: what the receipt says of whom and which home, as it was at that time


@dataclass(frozen=True, slots=True)
class Filed:
    """`fresh` is False when this form had been filed before, so that nothing was stored now.

    `answered` when a document that is there already was what was asked for: then immotion is owed nothing.
    """

    vorgang_id: UUID
    fresh: bool
    answered: bool = False


def file_vorgang(  # noqa: PLR0913 - the one use case everything else exists for; each argument is a different thing
    meldung: Meldung,
    *,
    melder: Melder,
    submission: Submission,
    files: Sequence[StoredFile],
    house: House,
    now: datetime,
    spend: Callable[[], None],
) -> Filed:
    """Store a Vorgang with its files and what immotion is owed.

    `spend` runs first inside the transaction and uses up the request's token. The same form key with the same
    fingerprint returns the Vorgang filed before, and stores nothing. Raises MeldungRefused, AlreadyFiledDifferently,
    and whatever `spend` raises; then nothing is stored.
    """
    if (before := vorgaenge.by_form_key(submission.form_key)) is not None:
        return _filed_before(before, melder, submission, spend)
    assessed = assess(meldung, melder, house, now=now)
    has_files = bool(files or vorgaenge.draft_anhaenge(submission.form_key))
    today = now.astimezone(house.zone).date()
    answer = None if has_files else answer_to(meldung, assessed, melder, house, today=today)

    def store() -> UUID:
        spend()
        vorgang = vorgang_of(meldung, assessed, melder, submission, house, now)
        if answer is not None:
            return _store_answered(vorgang, answer, now)
        vorgaenge.insert(vorgang)
        vorgaenge.give_anhaenge(submission.form_key, vorgang.id)
        vorgaenge.add_anhaenge(anhang_rows(files, house.mandant, now, vorgang_id=vorgang.id))
        drafts.drop(submission.form_key)
        outbox.owe(house.mandant, vorgang.id, request_id=submission.request_id, now=now)
        return vorgang.id

    try:
        return Filed(in_transaction(store), fresh=True, answered=answer is not None)
    except vorgaenge.FormAlreadyFiled:
        winner = vorgaenge.by_form_key(submission.form_key)
        if winner is None:
            raise
        return _filed_before(winner, melder, submission, spend)


def _store_answered(vorgang: Vorgang, answer: Dokument, now: datetime) -> UUID:
    """Store a request that a document answers: closed, with the document in its timeline."""
    details = {**vorgang.details, ANSWERED_BY: str(answer.id)}
    vorgaenge.insert(replace(vorgang, status=ANSWERED, offen=False, details=details))
    vorgaenge.add_aktivitaet(answered(vorgang.id, answer, now))
    if vorgang.form_key is not None:
        drafts.drop(vorgang.form_key)
    return vorgang.id


def anhang_rows(  # noqa: PLR0913 - one of the three last says what the files belong to
    files: Sequence[StoredFile],
    mandant: str,
    now: datetime,
    *,
    vorgang_id: UUID | None = None,
    aktivitaet_id: UUID | None = None,
    draft_id: UUID | None = None,
) -> list[Anhang]:
    """Return the rows of files whose bytes are kept already."""
    return [
        Anhang(
            id=file.id,
            mandant=mandant,
            dateiname=file.dateiname,
            mime=file.mime,
            bytes=file.bytes,
            sha256=file.sha256,
            position=position,
            created_at=now,
            stored_at=now,
            vorgang_id=vorgang_id,
            aktivitaet_id=aktivitaet_id,
            draft_id=draft_id,
            sealed_key=file.sealed_key,
            scan=file.scan,
        )
        for position, file in enumerate(files)
    ]


def _filed_before(before: Vorgang, melder: Melder, submission: Submission, spend: Callable[[], None]) -> Filed:
    if before.owner != melder.owner or before.fingerprint != submission.fingerprint:
        raise AlreadyFiledDifferently(before.id)
    in_transaction(spend)
    return Filed(before.id, fresh=False, answered=is_answered(before))


def vorgang_of(  # noqa: PLR0913, PLR0917 - gathers everything known at the moment of filing
    meldung: Meldung, assessed: Assessed, melder: Melder, submission: Submission, house: House, now: datetime
) -> Vorgang:
    """Return the Vorgang that an assessed report becomes, with a number of its own; inside a transaction."""
    year = now.astimezone(house.zone).year
    return Vorgang(
        id=uuid7(),
        mandant=house.mandant,
        owner=melder.owner,
        form_key=submission.form_key,
        fingerprint=submission.fingerprint,
        meldenummer=vorgaenge.next_meldenummer(house.mandant, year),
        typ=meldung.typ,
        kanal=melder.kanal,
        betreff=assessed.betreff,
        beschreibung=meldung.beschreibung,
        erreichbar=meldung.erreichbar,
        labels=assessed.labels,
        details={**assessed.details, GEMELDET: _gemeldet(melder, assessed.vertrag, house)},
        melder=_melder(meldung, melder, assessed.vertrag),
        objekt=_objekt(assessed.vertrag),
        routing=_routing(assessed),
        catalog_version=f"{house.catalog.version}/{house.catalog.digest[:12]}",
        meldezeit=now,
        request_id=submission.request_id,
        status=STORED,
        status_at=now,
    )


def _melder(meldung: Meldung, melder: Melder, vertrag: Vertrag | None) -> dict[str, str]:
    known = {
        "personNr": melder.person or "",
        "rolle": vertrag.rolle if vertrag else melder.rolle,
        "vertragNr": vertrag.nr if vertrag else meldung.vertrag_nr,
        "einheitNr": vertrag.einheit_nr if vertrag else "",
        "name": melder.name,
        "email": melder.email,
        "telefon": meldung.telefon,
        "sprache": melder.sprache,
    }
    return {key: value for key, value in known.items() if value}


def _gemeldet(melder: Melder, vertrag: Vertrag | None, house: House) -> dict[str, str]:
    """Return for whom, by the name that immotion knows, and for which home, as the resident was shown it."""
    names = stammdaten.namen(house.mandant, [melder.person]) if melder.person else {}
    known = {"fuer": names.get(melder.person or "", ""), "wohnung": vertrag.wohnung if vertrag else ""}
    return {key: value for key, value in known.items() if value}


def _objekt(vertrag: Vertrag | None) -> dict[str, str]:
    if vertrag is None:
        return {}
    known = {
        "wirtschaftseinheitNr": vertrag.wirtschaftseinheit_nr,
        "gebaeudeNr": vertrag.gebaeude_nr,
        "einheitNr": vertrag.einheit_nr,
    }
    return {key: value for key, value in known.items() if value}


def _routing(assessed: Assessed) -> dict[str, Any]:
    routing = assessed.routing
    known = {
        "regel": routing.regel,
        "vorgangsart": routing.vorgangsart,
        "aufgabentraeger": routing.team,
        "sachbearbeiter": routing.sachbearbeiter,
        "prioritaet": routing.prioritaet,
        "ausfuehrungsfrist": routing.frist.isoformat(),
        "begruendung": routing.begruendung,
    }
    return {key: value for key, value in known.items() if value}
