"""What a resident adds to a Vorgang: an answer, files, withdrawal, "not fixed", a rating."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from service.files.intake import StoredFile
from service.store import drafts, outbox, vorgaenge
from service.store.database import in_transaction
from service.store.records import Aktivitaet, Vorgang
from service.vorgang.anforderung import ANSWERED
from service.vorgang.filing import STORED, anhang_rows
from service.vorgang.status import DELETED
from service.vorgang.types import AlreadyFiledDifferently, MeldungRefused, Problem, Submission

REOPEN_WITHIN = timedelta(days=14)
TEXT_MAX = 4000
CLOSED_BY_RESIDENT = "ZURUECKGEZOGEN"


class Art(StrEnum):
    """The resident's activities of the Vorgang interface v1."""

    ANTWORT = "ANTWORT"
    ANHANG = "ANHANG"
    RUECKZUG = "RUECKZUG"
    WIEDEROEFFNUNG = "WIEDEROEFFNUNG"
    BEWERTUNG = "BEWERTUNG"


@dataclass(frozen=True, slots=True)
class Addition:
    """What the resident adds; `bewertung` is 1 to 5, for a rating only."""

    art: Art
    text: str = ""
    bewertung: int | None = None


def allowed(vorgang: Vorgang, entries: Sequence[Aktivitaet], *, now: datetime) -> frozenset[Art]:
    """Return what the resident may do now with this Vorgang; nothing that immotion could not take any more."""
    if vorgang.status == DELETED:
        return frozenset()
    if vorgang.status == ANSWERED:
        return frozenset({Art.ANTWORT, Art.ANHANG})
    done = {entry.art for entry in entries if entry.author == "MIETER"}
    may = {Art.ANTWORT, Art.ANHANG}
    if vorgang.offen and withdrawn_at(entries) is None:
        may.add(Art.RUECKZUG)
    if vorgang.status == "ERLEDIGT":
        reopened = any(e.art == Art.WIEDEROEFFNUNG and e.zeit >= vorgang.status_at for e in entries)
        if now - vorgang.status_at <= REOPEN_WITHIN and not reopened:
            may.add(Art.WIEDEROEFFNUNG)
        if Art.BEWERTUNG not in done:
            may.add(Art.BEWERTUNG)
    return frozenset(may)


def withdrawn_at(entries: Sequence[Aktivitaet]) -> datetime | None:
    """Return when the resident withdrew the Vorgang with these entries, unless they have reopened it since."""
    last = next((e for e in reversed(entries) if e.art in {Art.RUECKZUG, Art.WIEDEROEFFNUNG}), None)
    return last.zeit if last and last.art == Art.RUECKZUG else None


def add_to_vorgang(  # noqa: PLR0913 - each argument is a different thing
    addition: Addition,
    *,
    vorgang: Vorgang,
    submission: Submission,
    files: Sequence[StoredFile],
    now: datetime,
    spend: Callable[[], None],
) -> bool:
    """Store what the resident adds, and that immotion is owed it, in one transaction; True if it is new.

    The form key is the aktivitaetId; the same key with the same body stores nothing again. Raises MeldungRefused,
    AlreadyFiledDifferently, and whatever `spend` raises.
    """
    if _already_there(submission, vorgang):
        in_transaction(spend)
        return False
    entries = [entry for entry, _ in vorgaenge.timeline(vorgang.id)]
    _check(addition, bool(files or vorgaenge.draft_anhaenge(submission.form_key)), allowed(vorgang, entries, now=now))

    def store() -> bool:
        spend()
        if not vorgaenge.add_aktivitaet(_entry(addition, vorgang, submission, now)):
            return False
        vorgaenge.give_anhaenge(submission.form_key, vorgang.id, submission.form_key)
        rows = anhang_rows(files, vorgang.mandant, now, vorgang_id=vorgang.id, aktivitaet_id=submission.form_key)
        vorgaenge.add_anhaenge(rows)
        drafts.drop(submission.form_key)
        if vorgang.status == ANSWERED:
            _owe_after_all(vorgang, submission, now)
        outbox.owe(
            vorgang.mandant,
            vorgang.id,
            aktivitaet_id=submission.form_key,
            request_id=submission.request_id,
            now=now,
        )
        return True

    return in_transaction(store)


def _owe_after_all(vorgang: Vorgang, submission: Submission, now: datetime) -> None:
    """Have immotion receive a request that a document had answered: the resident has more to say about it."""
    if not outbox.owed(vorgang.id):
        outbox.owe(vorgang.mandant, vorgang.id, request_id=submission.request_id, now=now)
        vorgaenge.set_facts(vorgang.id, {"status": STORED, "status_at": now, "offen": True})


def _already_there(submission: Submission, vorgang: Vorgang) -> bool:
    before = vorgaenge.aktivitaet(submission.form_key)
    if before is None:
        return False
    if before.vorgang_id != vorgang.id or before.daten.get("fingerprint") != submission.fingerprint:
        raise AlreadyFiledDifferently(before.vorgang_id)
    return True


def _entry(addition: Addition, vorgang: Vorgang, submission: Submission, now: datetime) -> Aktivitaet:
    daten: dict[str, object] = {"fingerprint": submission.fingerprint}
    if addition.bewertung is not None:
        daten["bewertung"] = addition.bewertung
    return Aktivitaet(
        id=submission.form_key,
        vorgang_id=vorgang.id,
        zeit=now,
        art=addition.art,
        author="MIETER",
        author_name="",
        text=addition.text,
        daten=daten,
    )


def _check(addition: Addition, has_files: bool, may: frozenset[Art]) -> None:  # noqa: FBT001 - a plain fact
    problems = []
    if addition.art not in may:
        problems.append(Problem("aktion", "not_possible_now"))
    if addition.art is Art.ANTWORT and not addition.text and not has_files:
        problems.append(Problem("nachricht", "required"))
    if addition.art is Art.WIEDEROEFFNUNG and not addition.text:
        problems.append(Problem("nachricht", "describe"))
    if addition.art is Art.BEWERTUNG and addition.bewertung not in range(1, 6):
        problems.append(Problem("bewertung", "choose"))
    if len(addition.text) > TEXT_MAX:
        problems.append(Problem("nachricht", "too_long", {"max": TEXT_MAX, "length": len(addition.text)}))
    if problems:
        raise MeldungRefused(problems)
