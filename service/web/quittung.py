"""The receipt: number, time to the second, who and where, full text, names and SHA-256 of the files (§ 536c BGB)."""

from collections.abc import Sequence
from dataclasses import replace
from unicodedata import normalize

from service.store.records import Anhang, Vorgang
from service.vorgang.anforderung import there_already
from service.vorgang.filing import GEMELDET
from service.vorgang.types import Vorgangstyp
from service.web.context import Reader
from service.web.dokumente import reader_leser
from service.web.pages import QuittungPage, Way
from service.web.views import betreff_of, file_view, status_label

_LABELS = ("schadensort", "schadenskategorie", "schadensart", "kontaktthema", "beschwerdeart", "dokumentart")
_DETAILS = ("zeitraum", "zweck", "laerm_wann", "laerm_dauer", "laerm_haeufigkeit")


def quittung_page(vorgang: Vorgang, anhaenge: Sequence[Anhang], reader: Reader, *, fresh: bool) -> QuittungPage:
    """Return the receipt of a Vorgang as it was filed; `fresh` right after filing."""
    return QuittungPage(
        title=reader.words("Quittung"),
        fresh=fresh,
        number=vorgang.meldenummer,
        filed=reader.words.second(vorgang.meldezeit),
        filed_iso=vorgang.meldezeit.isoformat(),
        status=status_label(vorgang.status, reader),
        facts=(
            *who_of(vorgang, reader),
            (reader.words("Betreff"), betreff_of(vorgang, reader)),
            *facts_of(vorgang, reader),
        ),
        beschreibung=vorgang.beschreibung,
        files=tuple(file_view(anhang, reader) for anhang in anhaenge),
        vorgang_url=reader.link(f"vorgaenge/{vorgang.id}"),
        pdf_url=reader.link(f"vorgaenge/{vorgang.id}/quittung.pdf"),
        home_url=reader.link(""),
    )


def with_document(page: QuittungPage, vorgang: Vorgang, reader: Reader) -> QuittungPage:
    """Add to a receipt's page the document that was asked for, where the reader has it while a person looks at why."""
    if vorgang.typ != Vorgangstyp.DOKUMENT:
        return page
    asked = str(vorgang.melder.get("vertragNr", ""))
    home = asked if asked in {vertrag.nr for vertrag in reader.vertraege} else ""
    found = there_already(vorgang, reader_leser(reader, home), reader.house.catalog, today=reader.today)
    if found is None:
        return page
    return replace(page, there=Way(found.titel or found.dateiname, reader.link(f"dokumente/{found.id}")))


def who_of(vorgang: Vorgang, reader: Reader) -> tuple[tuple[str, str], ...]:
    """Return who reported, for whom if that is somebody else, and for which home, as far as it was kept then."""
    words, melder = reader.words, vorgang.melder
    gemeldet = vorgang.details.get(GEMELDET)
    name, fuer = str(melder.get("name", "")), str((gemeldet or {}).get("fuer", ""))
    number = "" if gemeldet is None else str(melder.get("personNr", ""))
    home = words("Einheit") if melder.get("rolle") == "EIGENTUEMER" else words("Wohnung")
    known = (
        (words("Gemeldet von"), name or fuer or number),
        (words("Gemeldet für"), fuer if name and _parts(name) != _parts(fuer) else ""),
        (home, str((gemeldet or {}).get("wohnung", ""))),
    )
    return tuple((label, value) for label, value in known if value)


def _parts(name: str) -> set[str]:
    """Return a name's parts, which systems put in different orders: "Müller, Zoë" is Zoë Müller."""
    return {*normalize("NFKC", name).casefold().replace(",", " ").split()}


def facts_of(vorgang: Vorgang, reader: Reader) -> tuple[tuple[str, str], ...]:
    """Return what was reported, by the labels it was filed with."""
    words = reader.words
    names = {
        "schadensort": words("Ort"),
        "schadenskategorie": words("Kategorie"),
        "schadensart": words("Schaden"),
        "kontaktthema": words("Thema"),
        "beschwerdeart": words("Art der Beschwerde"),
        "dokumentart": words("Dokument"),
        "zeitraum": words("Zeitraum"),
        "zweck": words("Zweck"),
        "laerm_wann": words("Lärm: wann"),
        "laerm_dauer": words("Lärm: wie lange"),
        "laerm_haeufigkeit": words("Lärm: wie oft"),
    }
    chosen = [(names[name], words.either(vorgang.labels.get(name))) for name in _LABELS]
    answers = [
        (words.either(answer["frage"]), words.either(answer["antwort"]))
        for answer in vorgang.labels.get("antworten", ())
    ]
    details = [(names[name], str(vorgang.details.get(name, ""))) for name in _DETAILS]
    rest = [
        (words("Meldenummer"), vorgang.meldenummer),
        (words("Vertrag"), str(vorgang.melder.get("vertragNr", ""))),
        (words("Erreichbar"), vorgang.erreichbar),
        (words("Telefon"), str(vorgang.melder.get("telefon", ""))),
    ]
    return tuple((label, value) for label, value in [*chosen, *answers, *details, *rest] if value)
