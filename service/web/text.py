"""The reader's language: gettext catalogs, dates, sizes, and the words for what is wrong with a field."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from service.files.refusal import FileRefused, Limits, Refusal
from service.language import translations

_MEGABYTE = 2**20


def mark(message: str) -> str:
    """Return a message as it is; marks it for translation where it is spoken later."""
    return message


class Words:
    """Speaks one language in one time zone."""

    def __init__(self, lang: str, zone: ZoneInfo) -> None:
        self.lang = lang
        self.zone = zone
        self._locale = "en_GB" if lang == "en" else lang

    def __call__(self, message: str, **params: object) -> str:
        """Translate a German message and fill in its {placeholders}."""
        text = str(translations(self.lang).gettext(message))
        return text.format(**params) if params else text

    def either(self, label: Mapping[str, str] | None) -> str:
        """Return a stored label in this language, German when it has no other."""
        return "" if not label else label.get(self.lang) or label.get("de", "")

    def day(self, moment: datetime) -> str:
        """Write a date: 3. März 2026."""
        return format_date(moment.astimezone(self.zone), format="long", locale=self._locale)

    def calendar_day(self, day: date) -> str:
        """Write a date of the calendar."""
        return format_date(day, format="long", locale=self._locale)

    def minute(self, moment: datetime) -> str:
        """Write a date and time to the minute."""
        here = moment.astimezone(self.zone)
        return self(
            "{day}, {time} Uhr", day=format_date(here, format="long", locale=self._locale), time=f"{here:%H:%M}"
        )

    def span(self, von: datetime, bis: datetime) -> str:
        """Write from when to when, to the minute; the date once if it is the same."""
        begin, end = von.astimezone(self.zone), bis.astimezone(self.zone)
        if begin.date() == end.date():
            times = {"von": f"{begin:%H:%M}", "bis": f"{end:%H:%M}"}
            return self("{day}, {von} bis {bis} Uhr", day=self.day(von), **times)
        return self("{von} bis {bis}", von=self.minute(von), bis=self.minute(bis))

    def second(self, moment: datetime) -> str:
        """Write a time to the second with its zone, as a receipt needs it."""
        return format_datetime(moment, "d. MMMM y, HH:mm:ss zzzz", tzinfo=self.zone, locale=self._locale)

    def size(self, count: int) -> str:
        """Write a number of bytes in the units that file managers show: 24 kB, 2,4 MB."""
        if count < _MEGABYTE // 10:
            return f"{max(1, round(count / 1024))} kB"
        return f"{format_decimal(round(count / _MEGABYTE, 1), locale=self._locale)} MB"

    def file_problem(self, refused: FileRefused, limits: Limits) -> str:
        """Say why a file was not taken, by its name."""
        said = {
            Refusal.EMPTY: self("„{name}“ ist leer. Bitte wählen Sie die Datei noch einmal aus."),
            Refusal.TOO_LARGE: self("„{name}“ ist größer als {max}. Bitte verkleinern oder kürzen Sie die Datei."),
            Refusal.TOTAL_TOO_LARGE: self("„{name}“ passt nicht mehr dazu: Zusammen sind höchstens {total} möglich."),
            Refusal.TOO_MANY: self("„{name}“ passt nicht mehr dazu: Es sind höchstens {files} Dateien möglich."),
            Refusal.TYPE: self(
                "„{name}“ hat ein Format, das wir nicht annehmen. Möglich sind JPEG, PNG, WebP, HEIC, PDF, MP4 und MOV."
            ),
            Refusal.DAMAGED: self("„{name}“ ist beschädigt und lässt sich nicht öffnen. Bitte speichern Sie sie neu."),
            Refusal.TOO_MANY_PIXELS: self("„{name}“ hat zu viele Bildpunkte. Bitte verkleinern Sie das Bild."),
            Refusal.NOT_KEPT: self("„{name}“ ist nicht gespeichert. Bitte fügen Sie die Datei noch einmal hinzu."),
            Refusal.INFECTED: self(
                "In „{name}“ hat die Virenprüfung Schadsoftware gefunden. Die Datei wurde nicht angenommen. "
                "Bitte prüfen Sie das Gerät, von dem sie kommt."
            ),
            Refusal.UNSCANNABLE: self(
                "„{name}“ ließ sich nicht auf Viren prüfen und wurde nicht angenommen. "
                "Bitte speichern Sie die Datei neu, ohne Schutz und so klein wie möglich."
            ),
            Refusal.ENCRYPTED: self("„{name}“ ist mit einem Kennwort geschützt. Bitte entfernen Sie den Schutz."),
        }[refused.refusal]
        return said.format(
            name=refused.dateiname,
            max=self.size(limits.file_bytes),
            total=self.size(limits.total_bytes),
            files=limits.files,
        )

    def field_problem(self, code: str, params: Mapping[str, Any]) -> str:
        """Say what is wrong with a field and what to do."""
        said = {
            "choose": self("Bitte wählen Sie etwas aus."),
            "required": self("Bitte füllen Sie dieses Feld aus."),
            "describe": self("Bitte beschreiben Sie kurz, worum es geht."),
            "information": self("Dazu gibt es hier nur eine Auskunft. Bitte wählen Sie ein anderes Anliegen."),
            "not_allowed": self("Diese Auswahl gibt es hier nicht. Bitte wählen Sie neu."),
            "too_long": self("Bitte kürzen Sie den Text auf {max} Zeichen. Jetzt sind es {length}."),
            "number": self("Bitte geben Sie eine Zahl ein, zum Beispiel 17 oder 17,5."),
            "date": self("Bitte geben Sie ein Datum ein, zum Beispiel 2026-03-01."),
            "nothing_changed": self("Bitte füllen Sie mindestens aus, was sich ändert."),
            "phone": self("Bitte geben Sie eine Telefonnummer ein, zum Beispiel 030 1234567."),
            "confirm_emergency": self("Bitte bestätigen Sie, dass Sie die Notfallhinweise gelesen haben."),
            "not_possible_now": self("Das ist bei diesem Vorgang gerade nicht möglich."),
            "no_contract_now": self(
                "Dafür läuft zurzeit kein Vertrag von Ihnen. Bitte schreiben Sie uns über „Kontakt aufnehmen“."
            ),
            "form_expired": self("Bitte senden Sie das Formular noch einmal ab. Ihre Eingaben sind alle noch da."),
            "form_switched": self(
                "Seit Sie dieses Formular geöffnet haben, hat sich geändert, für wen Sie handeln. "
                "Bitte prüfen Sie Ihre Eingaben und senden Sie das Formular noch einmal ab."
            ),
            "form_foreign": self("Bitte prüfen Sie Ihre Eingaben und senden Sie das Formular noch einmal ab."),
        }[code]
        return said.format(**params) if params else said
