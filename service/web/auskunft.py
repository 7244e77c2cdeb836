"""Everything that is kept about a reader, as a ZIP (DSGVO, Art. 15 and 20): rows as JSON, files as they are."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from uuid import UUID

from service.files.names import clean_name
from service.files.storage import Held, KeptFile, Storage
from service.files.zipping import Entry, read_pieces, zipped
from service.store import belongings, dokumente, vorgaenge
from service.store.belongings import EXPORTED, Whose
from service.store.database import connected
from service.store.dokument_records import Dokument, DokumentFilter, Leser
from service.web.text import Words, mark

_PAGE = 100
_UNTOLD = {"file_id", "sealed_key", "scan"}
# What each table is, as its reader may know it
TABLES = {
    "vorgang": mark("Ihre Vorgänge: was Sie gemeldet haben, und wie es damit steht"),
    "aktivitaet": mark("Der Verlauf Ihrer Vorgänge: Nachrichten, Termine, Änderungen"),
    "anhang": mark("Die Dateien Ihrer Vorgänge und Entwürfe; sie liegen in den Ordnern vorgaenge und entwuerfe"),
    "draft": mark("Ihre Entwürfe"),
    "stammdaten": mark("Was Ihre Verwaltung zu Ihrer Person und Ihren Verträgen übermittelt hat"),
    "dokument_ziel": mark("Welche Dokumente an Sie gerichtet sind"),
    "betroffen": mark("Bei welchen Störungen Sie gesagt haben, dass sie auch Sie betreffen"),
    "lesung": mark("Wann Sie welches Dokument zum ersten Mal geöffnet haben"),
    "filedrop": mark("Wie Ihre Vorgänge an das System der Verwaltung übergeben wurden"),
    "session": mark("Ihre Anmeldungen in Browsern, die noch gelten"),
    "cms_session": mark("Ihre Anmeldungen auf der Internetseite Ihrer Verwaltung"),
    "account_person": mark("Für wen Ihr Konto handeln darf"),
    "activation": mark("Briefe mit Aktivierungscodes an Sie, ohne die Codes"),
    "own_account": mark("Ihr eigenes Konto, ohne das Kennwort"),
    "mail_link": mark("Links, die Ihnen per E-Mail geschickt wurden"),
    "totp": mark("Ihr zweiter Faktor, ohne den Schlüssel"),
    "recovery_code": mark("Ihre Ersatzcodes, ohne die Codes"),
    "passkey": mark("Ihre Passkeys, nur der öffentliche Teil"),
    "benachrichtigung": mark("Ihre Benachrichtigungen per E-Mail"),
    "mail": mark("E-Mails an Sie, die noch zu senden sind oder vor Kurzem gesendet wurden"),
    "audit": mark("Sicherheitsprotokoll: was mit Ihrem Konto geschehen ist"),
    "dokument": mark("Dokumente, die Sie sehen dürfen; sie liegen im Ordner dokumente"),
}


@dataclass(frozen=True, slots=True)
class Auskunft:
    """Whose data go out, to whom: `leser` may read which documents, `words` is their language."""

    whose: Whose
    leser: Leser
    house: str
    words: Words
    now: datetime


@dataclass(frozen=True, slots=True)
class _Made:
    """An entry whose content is made when its turn comes."""

    name: str
    make: Callable[[], Iterator[bytes]]
    packed: bool = True

    def pieces(self) -> Iterator[bytes]:
        return self.make()


@dataclass(frozen=True, slots=True)
class _Shelf:
    """Where files are taken from; `missing` are the names of those that should be there and are not."""

    storage: Storage
    missing: list[str] = field(default_factory=list)

    def file(self, name: str, file: KeptFile) -> Iterator[Entry]:
        """Yield a kept file; one that the scan has taken away meanwhile is left out."""
        try:
            content = self.storage.open(file)
        except Held:
            return
        except FileNotFoundError:
            self.missing.append(name)
            return
        yield _Made(name, lambda: read_pieces(content), packed=False)


def zip_of(asked: Auskunft, storage: Storage) -> Iterator[bytes]:
    """Yield the ZIP, piece by piece: rows in batches, files as they are read, and nothing open in between."""
    return zipped(_entries(asked, storage), asked.now)


def _entries(asked: Auskunft, storage: Storage) -> Iterator[Entry]:
    yield _Made(asked.words("LIESMICH.txt"), lambda: iter([_readme(asked).encode()]))
    for table in EXPORTED:
        yield _Made(f"daten/{table}.json", lambda table=table: _json(_rows(asked.whose, table)))  # type: ignore[misc] # mypy knows no default of a lambda
    yield _Made("daten/dokument.json", lambda: _json(_told(one) for one in _dokumente(asked.leser)))
    shelf = _Shelf(storage)
    yield from _files(asked.whose, shelf)
    yield from _draft_files(asked.whose, shelf)
    for one in _dokumente(asked.leser):
        yield from shelf.file(f"dokumente/{one.datum}-{_named(one.id, one.dateiname)}", one.file)
    if shelf.missing:
        yield _Made(asked.words("FEHLT.txt"), lambda: iter([_missing(asked, shelf.missing).encode()]))


def _readme(asked: Auskunft) -> str:
    words = asked.words
    lines = [
        words("Auskunft über Ihre Daten im Mieterportal"),
        "",
        words("Verantwortlich: {house}", house=asked.house),
        words("Stand: {moment}", moment=words.minute(asked.now)),
        "",
        words("Der Ordner daten enthält je Tabelle eine Datei im Format JSON:"),
        *(f"- daten/{table}.json: {words(said)}" for table, said in TABLES.items()),
        "",
        words(
            "Nicht enthalten sind Geheimnisse wie Kennwörter und Schlüssel, Daten anderer Personen, interne "
            "Vermerke der Verwaltung und Dateien, die die Virenprüfung zurückhält. "
            "Was die Verwaltung in ihrem eigenen System über Sie führt, erfahren Sie dort."
        ),
        "",
    ]
    return "\r\n".join(lines)


def _rows(whose: Whose, table: str) -> Iterator[Mapping[str, object]]:
    with connected():
        yield from belongings.rows(table, whose)


def _json(rows: Iterator[Mapping[str, object]]) -> Iterator[bytes]:
    """Yield a JSON array, a row a line."""
    before = "[\n"
    for row in rows:
        yield f"{before}{json.dumps(row, ensure_ascii=False, default=_plain)}".encode()
        before = ",\n"
    yield b"\n]\n" if before == ",\n" else b"[]\n"


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _dokumente(leser: Leser) -> Iterator[Dokument]:
    after: tuple[str, UUID] | None = None
    while True:
        with connected():
            page = dokumente.page(leser, DokumentFilter(after=after), limit=_PAGE)
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].datum, page[-1].id


def _told(one: Dokument) -> Mapping[str, object]:
    return {name: value for name, value in asdict(one).items() if name not in _UNTOLD}


def _missing(asked: Auskunft, names: Sequence[str]) -> str:
    said = asked.words("Diese Dateien konnten nicht gelesen werden. Bitte laden Sie die Auskunft später noch einmal.")
    return "\r\n".join([said, "", *names, ""])


def _files(whose: Whose, shelf: _Shelf) -> Iterator[Entry]:
    """Yield the files of somebody's Vorgänge, in the folder of each."""
    before: UUID | None = None
    while True:
        with connected():
            lines = vorgaenge.page(whose.mandant, whose.owners, before=before, limit=_PAGE)
            files = vorgaenge.anhaenge_of([line.id for line in lines])
        numbers = {line.id: line.meldenummer for line in lines}
        for file in files:
            if file.ready and file.vorgang_id is not None:
                folder = f"vorgaenge/{numbers[file.vorgang_id]}"
                yield from shelf.file(f"{folder}/{_named(file.id, file.dateiname)}", file)
        if len(lines) < _PAGE:
            return
        before = lines[-1].id


def _draft_files(whose: Whose, shelf: _Shelf) -> Iterator[Entry]:
    """Yield the files of somebody's drafts."""
    for key in [UUID(str(row["id"])) for row in _rows(whose, "draft")]:
        with connected():
            files = vorgaenge.draft_anhaenge(key)
        for file in files:
            if file.ready:
                yield from shelf.file(f"entwuerfe/{_named(file.id, file.dateiname)}", file)


def _named(key: UUID, dateiname: str) -> str:
    return f"{key.hex[-8:]}-{clean_name(dateiname)}"
