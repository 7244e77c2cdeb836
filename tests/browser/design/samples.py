# ruff: noqa: E501 - sample texts stand on one line, as pages show them
"""Sample pages in all their states, made of the page classes alone; nothing here comes from a database."""

from collections.abc import Iterator
from dataclasses import replace

from service.access.totp import grouped, setup_uri
from service.web.aushang_pages import AushangPage, AushangView, BetroffenForm, Said
from service.web.daten import DatenPage
from service.web.dokument_pages import Bild, DokumentePage, DokumentPage, DokumentView
from service.web.entwuerfe import DraftView
from service.web.information import Information, InformationPage
from service.web.konto_pages import AktivierenPage, KontoPage, LoesenPage, PersonenPage, PersonView
from service.web.level2_pages import (
    BestaetigenPage,
    CodesPage,
    FaktorPage,
    PasskeyForm,
    PasskeysPage,
    PasskeyView,
    SicherheitPage,
)
from service.web.mail_pages import BenachrichtigungenPage, LinkPage
from service.web.own_pages import DeviceView, GeraetePage, ZugangPage
from service.web.pages import (
    Action,
    BarrierefreiheitPage,
    Entry,
    Field,
    FieldError,
    FileView,
    Form,
    Group,
    MeldenPage,
    MessagePage,
    NotfallPage,
    Notice,
    Option,
    OverviewPage,
    Page,
    QuittungPage,
    Rufnummer,
    SchadenPage,
    Site,
    SsoPage,
    UnsavedPage,
    VorgaengePage,
    VorgangPage,
    VorgangView,
    Way,
)
from service.web.sicherheit import picture

LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenaufbewahrungsschrankschlüsselverlustanzeige"
# The longest words of the catalog as residents meet them: names of documents and of a place with a comma after it.
LONGEST_WORD = "Mietschuldenfreiheitsbescheinigung"
LONGEST_PLACE = "Gemeinschaftskeller, Wasch-, Trocken-, Fahrradraum"
SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
ISO = "2026-03-03T09:15:00+00:00"
PICTURE = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="

CALLS = (
    Rufnummer("Notdienst Musterbau (Tag und Nacht)", "030 555 0100", "0305550100"),
    Rufnummer("Störungsdienst Gas", "0800 555 0111", "08005550111"),
    Rufnummer("112", "112", "112"),
)

SITE = Site(
    mandant="musterbau",
    name="Musterbau eG",
    lang="de",
    fragment=False,
    signed_in=True,
    reader="Erika Beispiel",
    home="#",
    css_url="portal.css",
    js_url="portal.js",
    languages=(Way("Deutsch", "?lang=de", current=True), Way("English", "?lang=en")),
    navigation=(Way("Übersicht", "#", current=True), Way("Meine Vorgänge", "#vorgaenge"), Way("Mein Konto", "#konto")),
    notfall_url="#notfall",
    barrierefreiheit_url="#barrierefreiheit",
    logout_url="#abmelden",
    csrf_token="token",
    ends_at="3. März 2026, 22:15 Uhr",
    seconds_left=12 * 3600,
)
ANONYMOUS = replace(
    SITE, signed_in=False, reader="", navigation=(), logout_url=None, csrf_token="", ends_at="", seconds_left=0
)
BARE = replace(
    ANONYMOUS, mandant="", name="Mieterportal", home="", languages=(), notfall_url="", barrierefreiheit_url=""
)
FRAGMENT = replace(SITE, fragment=True, logout_url=None, ends_at="", seconds_left=0)
ENGLISH = replace(SITE, lang="en", languages=(Way("Deutsch", "?lang=de"), Way("English", "?lang=en", current=True)))
FRAMED = replace(SITE, header_session=True, origins=("https://www.musterbau.example",))

VORGAENGE = (
    VorgangView("#1", "2026-000125", "Schadensmeldung", "Heizung bleibt kalt: Küche", "3. März 2026, 10:15 Uhr", ISO,
                "Termin vereinbart", "work", "Die Firma Wärme & Söhne kommt am 5. März 2026 zwischen 8 und 10 Uhr.", 2, "V-2026-000123"),
    VorgangView("#2", "2026-000124", "Meldung / Beschwerde", "Lärm aus der Nachbarschaft", "2. März 2026, 22:40 Uhr", ISO,
                "Gespeichert, wird übermittelt", "wait", "", 0),
    VorgangView("#3", "2026-000101", "Dokumentenanforderung", "Mietbescheinigung", "27. Februar 2026, 08:01 Uhr", ISO,
                "Rückfrage an Sie", "ask", "Frau Kranz braucht eine Angabe von Ihnen. Bitte antworten Sie im Vorgang.", 1, "V-2026-000098"),
)  # fmt: skip
CLOSED = (
    VorgangView("#4", "2025-004720", "Schadensmeldung", "Wasserhahn tropft: Bad", "1. Dezember 2025, 07:30 Uhr", ISO,
                "Erledigt", "done", "Ihr Anliegen ist erledigt. Falls nicht, können Sie es bis zum 15. Dezember wieder öffnen.", 0, "V-2025-004711"),
    VorgangView("#5", "2025-004003", "Allgemeine Kontaktanfrage", LONG, "1. November 2025, 07:30 Uhr", ISO,
                "Abgelehnt", "no", "Grund: " + LONG, 0, "V-2025-004000"),
    VorgangView("#6", "2025-004002", "Dokumentenanforderung", LONGEST_WORD, "1. Oktober 2025, 07:30 Uhr", ISO,
                "Mit anderer Meldung zusammengeführt", "no", "", 12, "V-2025-003999"),
    VorgangView("#7", "2025-004001", "Schadensmeldung", f"Licht defekt ({LONGEST_PLACE})", "1. Oktober 2025, 07:30 Uhr", ISO,
                LONGEST_WORD, "wait", "", 0),
)  # fmt: skip
FILES = (
    FileView("a1", "IMG_20260303_101502.jpg", "2,4 MB", "#f1", SHA, picture=True, small_url=PICTURE),
    FileView("a2", "Protokoll der Hausverwaltung vom 27. Februar.pdf", "312 kB", "#f2", SHA),
    FileView("a3", LONG + ".mp4", "18,0 MB", "", SHA, note="wird noch auf Viren geprüft"),
)

ORT = Field("schadensort", "radio", "Wo ist der Schaden?", required=True, options=tuple(
    Option(code, label, selected=code == "W_BAD")
    for code, label in (("W_KUECHE", "Küche"), ("W_BAD", "Bad / WC"), ("W_WOHN", "Wohnraum"), ("W_BALKON", "Balkon"),
                        ("W_GESAMT", "Ganze Wohnung"), ("G_KELLER", LONGEST_PLACE))
))  # fmt: skip
SCHADEN_FIELDS = (
    Field("schadensart", "hidden", "", "HEIZUNG.AUSFALL"),
    ORT,
    Field("antwort_menge", "radio", "Wie viel Wasser tritt aus?", required=True, options=(
        Option("tropft", "Es tropft", hint="Ein Eimer reicht für Stunden"), Option("stark", "Es läuft stark"))),
    Field("antwort_temp", "number", "Raumtemperatur in °C (falls bekannt, freiwillig)", "17,5", hint="Zum Beispiel: 17,5"),
    Field("antwort_seit", "date", "Seit wann? (freiwillig)", "2026-03-01"),
    Field("beschreibung", "textarea", "Was ist zu sehen? (freiwillig)", "Unter der Spüle steht Wasser.\nEs riecht nicht."),
    Field("vertrag", "radio", "Um welche Wohnung geht es?", required=True, options=(
        Option("1", "Lindenallee 5, 12345 Musterstadt, 2. OG links", selected=True),
        Option("2", "Am Alten Wasserwerk 17 b, 12345 Musterstadt, Gartenhaus, Erdgeschoss rechts"))),
    Field("erreichbar", "text", "Wann sind Sie erreichbar? (freiwillig)", hint="Zum Beispiel: werktags ab 16 Uhr"),
    Field("telefon", "tel", "Telefon für Rückfragen (freiwillig)", autocomplete="tel", maxlength=50),
)  # fmt: skip
KONTAKT_FIELDS = (
    Field("kontaktthema", "select", "Worum geht es?", required=True, options=(
        Option("A", "Allgemeine Frage"), Option("B", "Kontaktdaten ändern", selected=True))),
    Field("betreff", "text", "Betreff (freiwillig)", maxlength=120),
    Field("beschreibung", "textarea", "Ihre Nachricht", required=True),
    Field("vertrag", "text", "Vertragsnummer (freiwillig)"),
    *SCHADEN_FIELDS[-2:],
)  # fmt: skip
FORM = Form(
    action="#melden",
    csrf_token="token",
    idempotency_key="0195",
    fields=SCHADEN_FIELDS,
    errors=(),
    files=(),
    file_error="",
    file_hint="Bilder (JPEG, PNG, WebP, HEIC), PDF oder kurze Videos (MP4, MOV). Je Datei bis 25 MB, zusammen bis 100 MB.",
    accept=".jpg,image/*",
    submit="Absenden",
)
FILES_OF_DRAFT = tuple(FileView(file.id, file.name, file.size) for file in FILES)
WRONG = replace(
    FORM,
    fields=tuple(
        replace(one, error="Bitte wählen Sie etwas aus." if one.options else "Bitte füllen Sie dieses Feld aus.")
        if one.name in {"schadensort", "antwort_temp", "beschreibung", "telefon"}
        else one
        for one in SCHADEN_FIELDS
    ),
    errors=(
        FieldError("formular", "Bitte bestätigen Sie, dass Sie die Notfallhinweise gelesen haben."),
        FieldError("feld-schadensort", "Wo ist der Schaden?: Bitte wählen Sie etwas aus."),
        FieldError("feld-beschreibung", "Was ist zu sehen?: Bitte füllen Sie dieses Feld aus."),
        FieldError("feld-anhaenge", "„Rechnung.docx“ hat ein Format, das wir nicht annehmen."),
    ),
    files=FILES_OF_DRAFT,
    file_error="„Rechnung.docx“ hat ein Format, das wir nicht annehmen. Möglich sind JPEG, PNG, WebP, HEIC, PDF, MP4 und MOV.",
    saved_at="3. März 2026, 10:15 Uhr",
)
CONFIRM = Field(
    "notfall_bestaetigt", "checkbox", "Ich habe die Hinweise gelesen und, wo nötig, angerufen.", required=True
)
GAS = Notice(
    "Gasgeruch: sofort handeln",
    "HOTLINE_ONLY",
    (
        "Fenster öffnen, keine Schalter, Klingeln oder Telefone in der Wohnung benutzen",
        "Gashahn schließen, wenn gefahrlos möglich",
        "Haus verlassen und erst draußen telefonieren",
    ),
    CALLS,
    blocking=True,
    confirm=None,
    confirm_url="#weiter",
)
WASSER = Notice("Wasser läuft aus", "HOTLINE_FIRST", ("Absperrventil schließen", "Strom im nassen Bereich abschalten"),
                CALLS[:1], blocking=False, confirm=CONFIRM)  # fmt: skip
CALLS_OF_HOMES = (
    replace(CALLS[0], house="Lindenhof, Lindenallee 5, 12345 Musterstadt"),
    Rufnummer(CALLS[0].label, "030 555 0133", "0305550133", "Am Alten Wasserwerk 17 b, 12345 Musterstadt"),
    *CALLS[1:],
)
INFO = Notice("Ausgesperrt", "INFO", ("Kosten trägt in der Regel die Mieterin oder der Mieter",),
              CALLS[:1], blocking=False, confirm=None)  # fmt: skip
MELDEN = MeldenPage(
    "Schaden melden",
    "Sie erhalten sofort eine Quittung. Felder ohne „freiwillig“ brauchen wir.",
    FORM,
    chosen=("Sanitär, Wasser, Abwasser", "Wasser tritt aus"),
    change_url="#aendern",
)
KONTAKT = MeldenPage("Kontakt aufnehmen", MELDEN.intro, replace(FORM, fields=KONTAKT_FIELDS))
KUENDIGUNG = Information(
    "Wohnung kündigen: was Sie wissen müssen",
    (
        "Eine Kündigung gilt nur auf Papier und mit Unterschrift (Schriftform, § 568 BGB).",
        "Unterschreiben müssen alle, die im Mietvertrag als Mieterin oder Mieter stehen.",
    ),
    "Musterbau Wohnungsgesellschaft mbH, Am Markt 1, 12345 Musterstadt",
)

ARTEN = tuple(
    Way(label, "#art") for label in ("Wasserhahn tropft", "Abfluss verstopft", "WC-Spülung läuft", "Kein Warmwasser")
)
ORTE = (
    Group(
        "In meiner Wohnung", tuple(Way(o, "#o") for o in ("Küche", "Bad / WC", "Wohnraum", "Balkon", "Ganze Wohnung"))
    ),
    Group(
        "Im Haus (gemeinschaftlich)", tuple(Way(o, "#o") for o in ("Eingang", "Treppenhaus", "Aufzug", LONGEST_PLACE))
    ),
    Group("Außen", tuple(Way(o, "#o") for o in ("Außenanlage", "Spielplatz", "Müllplatz", "Garage / Stellplatz"))),
)
DANGER = tuple(
    Way(w, "#d", hint="Gas, Brand") for w in ("Gasgeruch", "Feuer oder Rauch", "CO-Alarm", "Person im Aufzug")
)
FINDER = SchadenPage(
    "Schaden melden",
    "Wo ist der Schaden?",
    "melden?lang=de",
    "",
    None,
    ORTE,
    (),
    None,
    (),
    (),
    DANGER,
    Way("Nach dem Ort wählen", "#formular"),
)
HITS = tuple(Way(w, "#t", hint="Heizung, Warmwasser") for w in ("Heizung bleibt kalt", "Heizkörper leckt", LONG))
KATEGORIEN = tuple(
    Group(k, ARTEN) for k in ("Sanitär, Wasser, Abwasser", "Heizung", "Elektro", "Fenster", "Türen", "Schimmel")
)

ENTWUERFE = (
    DraftView("Entwurf weiterschreiben: Heizung fällt ganz aus, Wohnzimmer", "#", "heute, 10:15 Uhr", "#", "t", "k1"),
    DraftView(f"Entwurf weiterschreiben: {LONG}", "#", "24. November 2026, 10:15 Uhr", "#", "t", "k2",
              full="Beginnen Sie noch einen, geht dieser verloren."),
)  # fmt: skip
OVERVIEW = OverviewPage(
    "Guten Tag, Erika Beispiel",
    ("Lindenallee 5, 12345 Musterstadt, 2. OG links",),
    "Ihre Wohnungen",
    VORGAENGE,
    Way("Alle Vorgänge zeigen", "#alle"),
    "melden/schaden",
    (
        Way("Schaden melden", "/m/melden/schaden", hint="Heizung, Wasser, Strom, Türen, Fenster …"),
        Way("Beschwerde", "/m/melden/beschwerde", hint="Lärm, Müll, Reinigung, Nachbarschaft"),
        Way("Dokument anfordern", "/m/melden/dokument?lang=de", hint="Bescheinigungen, Verträge, Abrechnungen"),
        Way("Kontakt", "/m/melden/kontakt", hint="Fragen zu Vertrag, Zahlung, Umzug und mehr"),
    ),
    CALLS,
)
ENTRIES = (
    Entry("mine", "Sie", "3. März 2026, 10:15 Uhr", ISO, "Nachricht", "Die Heizung ist seit gestern kalt.\nIch bin ab 16 Uhr da.",
          FILES[:1], pending=False),
    Entry("event", "Die Verwaltung", "3. März 2026, 10:20 Uhr", ISO, "Neuer Stand: In Bearbeitung", "", (), pending=False),
    Entry("theirs", "Sabine Kranz", "3. März 2026, 11:02 Uhr", ISO, "Nachricht",
          "Guten Tag Frau Beispiel, die Firma kommt am 5. März. Bitte lassen Sie den Heizungskeller zugänglich.",
          FILES[1:2], pending=False),
    Entry("mine", "Sie", "3. März 2026, 11:30 Uhr", ISO, "Nachricht", LONG, (), pending=True),
)  # fmt: skip
MESSAGE_FORM = replace(FORM, fields=(Field("nachricht", "textarea", "Ihre Nachricht", rows=4),), submit="Senden",
                       file_hint="Bilder, PDF oder kurze Videos, je Datei bis 25 MB.")  # fmt: skip
RATING = Field("bewertung", "radio", "Wie zufrieden sind Sie?", required=True, options=tuple(
    Option(n, label) for n, label in (("5", "5 – sehr gut"), ("4", "4"), ("3", "3"), ("2", "2"), ("1", "1 – sehr schlecht"))
))  # fmt: skip
NOTE = Field("nachricht", "textarea", "Anmerkung (freiwillig)", rows=4)
ACTIONS = (
    Action("wiedereroeffnung", "Der Schaden ist nicht behoben", "Der Vorgang wird dann wieder aufgenommen.", "Wieder öffnen",
           replace(MESSAGE_FORM, fields=(NOTE,), takes_files=False)),
    Action("bewertung", "Bearbeitung bewerten", "Ihre Bewertung hilft uns.", "Bewertung senden",
           replace(MESSAGE_FORM, fields=(replace(RATING, error="Bitte wählen Sie etwas aus."), NOTE), takes_files=False,
                   errors=(FieldError("feld-bewertung", "Wie zufrieden sind Sie?: Bitte wählen Sie etwas aus."),)), open=True),
)  # fmt: skip
FACTS = (("Ihr Zeichen", "V-2026-000123"), ("Zuständig", "Sabine Kranz"), ("Ort", "Küche"), ("Kategorie", "Heizung"),
         ("Wer ist betroffen?", "Die ganze Wohnung"), ("Vertrag", "4711.0815.01"))  # fmt: skip
VORGANG = VorgangPage(
    "Heizung bleibt kalt: Küche", VORGAENGE[0], VORGAENGE[0].next_step, FACTS,
    "Unter dem Fenster bleibt der Heizkörper kalt.", FILES, ENTRIES,
    Action("nachricht", "Nachricht schreiben", "", "Nachricht senden", MESSAGE_FORM, open=True), (), "#q", "#q.pdf",
    Way("Benachrichtigungen", "#mails", hint="Neues sehen Sie, wenn Sie diese Seite wieder öffnen oder neu laden. "
                                             "Auf Wunsch bekommen Sie dann eine E-Mail:"),
)  # fmt: skip
QUITTUNG = QuittungPage("Quittung", True, "2026-000125", "3. März 2026, 10:15:27 Mitteleuropäische Normalzeit", ISO,
                        "Gespeichert, wird übermittelt", (
                            ("Gemeldet von", "Max Beispiel"), ("Gemeldet für", "Erika Beispiel"),
                            ("Wohnung", "Lindenallee 5, 12345 Musterstadt, 2. OG links"),
                            ("Betreff", "Heizung bleibt kalt: Küche"), *FACTS),
                        VORGANG.beschreibung, FILES, "#v", "#pdf", "#home")  # fmt: skip
UNSAVED = UnsavedPage(
    "Noch nicht gespeichert",
    "Wir konnten gerade nichts speichern. Ihre Eingaben sind alle noch hier. Bitte senden Sie sie in einer Minute noch einmal.",
    "#melden", "Noch einmal senden", (("csrf_token", "token"), ("idempotency_key", "0195"), ("schadensart", "HEIZUNG.KALT")),
    (Field("beschreibung", "textarea", "Beschreibung", "Die Heizung ist seit gestern kalt.\nIch bin ab 16 Uhr da."),
     Field("erreichbar", "text", "Wann sind Sie erreichbar? (freiwillig)", LONG)),
    (("Ort", "Küche"), ("Kategorie", "Heizung, Warmwasser"), ("Schaden", "Heizung bleibt kalt"), ("Wer ist betroffen?", LONG)),
    (), (), ".jpg,image/*", CALLS, "5f2c9a",
)  # fmt: skip
NOTFALL = NotfallPage("Im Notfall", CALLS, (("Lindenallee 5", CALLS[:2]), ("Am Alten Wasserwerk 17", CALLS[:1])),
                      ((GAS.title, GAS.steps), (WASSER.title, WASSER.steps)))  # fmt: skip

CODE = Field("code", "code", "Code aus Ihrer App", hint="Sechs Ziffern, zum Beispiel 482 913", required=True,
             autocomplete="one-time-code", inputmode="numeric", maxlength=40)  # fmt: skip
CODE_FORM = replace(FORM, fields=(Field("weiter", "hidden", "", "token"), CODE), submit="Bestätigen", takes_files=False)
WRONG_CODE = "Dieser Code passt nicht oder wurde schon benutzt. Warten Sie, bis die App den nächsten zeigt. Geht die Uhr Ihres Geräts richtig? Unsere zeigt 14:03:25."
CODE_WRONG = replace(CODE_FORM, fields=(replace(CODE, error=WRONG_CODE),),
                     errors=(FieldError("feld-code", f"Code aus Ihrer App: {WRONG_CODE}"),))  # fmt: skip
BESTAETIGEN = BestaetigenPage(
    "Bitte bestätigen Sie, dass Sie es sind",
    "Für diesen Schritt fragen wir zusätzlich nach einem Code. Danach geht es dort weiter, wo Sie waren.",
    CODE_FORM,
    Way("Ersatzcode benutzen", "#recovery"),
    "App und Ersatzcodes verloren? Wenden Sie sich an Ihre Verwaltung. Sie setzt den zweiten Faktor zurück.",
)
PASSKEY_NAME = Field("name", "text", "Name", maxlength=40, autocomplete="off",
                     hint="Zum Beispiel: Mein Telefon. Daran erkennen Sie den Passkey in dieser Liste.")  # fmt: skip
PASSKEY_FORM = replace(CODE_FORM, fields=(PASSKEY_NAME,), submit="Passkey hinzufügen")
PASSKEY_FAILED = "Das hat nicht geklappt. Bitte versuchen Sie es noch einmal."
PASSKEY_SHOWN = PasskeyForm(
    "get",
    "bestaetigen",
    '{"challenge": "AAAA"}',
    replace(CODE_FORM, fields=(), submit="Mit Passkey bestätigen"),
    "passkey.js",
    PASSKEY_FAILED,
)
PASSKEYS = PasskeysPage(
    "Passkeys",
    "Mit einem Passkey bestätigen Sie durch Fingerabdruck, Gesicht oder die Sperre Ihres Geräts, ohne einen Code abzutippen. Die App bleibt daneben gültig.",
    (
        PasskeyView("Mein Telefon", "Hinzugefügt am 3. März 2026, zuletzt benutzt am 4. März 2026", "loeschen:a"),
        PasskeyView(LONG[:40], "Hinzugefügt am 3. März 2026, noch nicht benutzt", "loeschen:b"),
    ),
    replace(CODE_FORM, fields=(), submit="Entfernen"),
    PasskeyForm(
        "create",
        "hinzufuegen",
        '{"challenge": "AAAA", "user": {"id": "AAAA"}}',
        PASSKEY_FORM,
        "passkey.js",
        PASSKEY_FAILED,
    ),
    "",
    Way("Zurück", "#zurueck"),
)
URI = setup_uri("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", issuer="Musterbau eG", name="Erika Beispiel")
FAKTOR = FaktorPage(
    "Zweiten Faktor einrichten",
    "Öffnen Sie Ihre App, fügen Sie ein Konto hinzu und richten Sie die Kamera auf dieses Bild.",
    CODE_FORM,
    Way("Abbrechen", "#ab"),
    picture(URI),
    grouped("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"),
    URI,
)
CODES = CodesPage(
    "Ihre Ersatzcodes",
    "Jeder dieser Codes ersetzt einmal die App. Drucken Sie sie aus oder schreiben Sie sie ab: Wir zeigen sie nur dieses eine Mal.",
    tuple(f"{slot}-K7QM-2XPD" for slot in range(10)),
    None,
    Way("Weiter", "#weiter"),
    Way("Geräte", "#geraete", hint="Wo Sie angemeldet sind, und abmelden"),
)
SICHERHEIT = SicherheitPage(
    "Sicherheit",
    "Eine App auf Ihrem Telefon zeigt alle 30 Sekunden einen neuen Code. Er schützt Ihre Unterlagen, auch wenn jemand Ihr Kennwort kennt.",
    (("Zweiter Faktor", "Eingerichtet am 3. März 2026"), ("Ersatzcodes", "Noch 2 von 10")),
    ("Sie haben nur noch wenige Ersatzcodes. Legen Sie bitte neue an.",),
    (Way("Neues Gerät einrichten", "#app", hint="Das bisherige gilt, bis das neue bestätigt ist."),
     Way("Neue Ersatzcodes", "#codes", hint="Zum Ausdrucken, falls das Gerät einmal fehlt."),
     Way("Geräte", "#geraete", hint="Wo Sie angemeldet sind, und abmelden")),
)  # fmt: skip
ADDRESS = "erika.beispiel@mail.example"
BENACHRICHTIGUNGEN = BenachrichtigungenPage(
    "Benachrichtigungen",
    "Auf Wunsch schreiben wir Ihnen eine E-Mail, wenn es in einem Vorgang etwas Neues gibt. Darin steht nur die Nummer des Vorgangs, nichts von seinem Inhalt.",
    "Ausgeschaltet", f"Ihre Adresse ist {ADDRESS}. Wir speichern sie erst, wenn Sie einschalten.", "",
    "#benachrichtigungen", "token", "0195", (("einschalten", "Einschalten"),),
)  # fmt: skip
LINK = LinkPage("Benachrichtigungen ausschalten", "Möchten Sie keine Nachrichten mehr an diese E-Mail-Adresse?",
                "#abbestellen", "Ausschalten", (Way("Zur Anmeldung", "#"),))  # fmt: skip

KONTO = KontoPage(
    "Mein Konto",
    (("Angemeldet als", "Mehmet Yıldız"), ("Sie handeln für", "Grete Süßmilch"), ("Auch möglich", "Mehmet Yıldız")),
    (Way("Für wen Sie handeln", "#p", hint="Wechseln, Verbindungen lösen"),
     Way("Code aus einem Brief einlösen", "#a", hint="Verbindet Ihre Anmeldung mit einem Vertrag"),
     Way("Sicherheit", "#s", hint="Zweiter Faktor")),
)  # fmt: skip
DATEN = DatenPage(
    "Meine Daten",
    (("Vorgänge mit Dateien", "10 Jahre nach dem Abschluss"), ("Entwürfe", "30 Tage")),
    (
        Way("Anschrift oder Kontaktdaten ändern", "#c", hint="Die Verwaltung prüft die Änderung"),
        Way("Auskunft herunterladen", "#z", hint="Alles, was hier über Sie gespeichert ist, als ZIP-Datei"),
    ),
    (
        "Für die Auskunft brauchen Sie einen zweiten Faktor: Sie enthält alles.",
        "Möchten Sie, dass Ihre Daten gelöscht werden? Schreiben Sie Ihrer Verwaltung.",
    ),
)
LETTER_FORM = replace(CODE_FORM, submit="Einlösen", errors=(), fields=(
    Field("code", "text", "Code aus dem Brief", hint="16 Zeichen, zum Beispiel K7QM-2XPD-9FHA-W3ZC", required=True, autocomplete="off"),
    Field("angabe", "text", "Beginn Ihres Vertrags", required=True, autocomplete="off",
          hint="Tag, Monat und Jahr, zum Beispiel 1.4.2019. Das Datum steht in Ihrem Vertrag."),
))  # fmt: skip
MISMATCH = "Code und Angabe passen nicht zusammen. Bitte prüfen Sie beides. Hilft das nicht, bitten Sie Ihre Verwaltung um einen neuen Brief."
LETTER_WRONG = replace(LETTER_FORM, errors=(FieldError("feld-code", f"Code aus dem Brief: {MISMATCH}"),), fields=(
    replace(LETTER_FORM.fields[0], value="K7QM-2XPD-9FHA-W3ZC", error=MISMATCH), replace(LETTER_FORM.fields[1], value="1.4.2019"),
))  # fmt: skip
AKTIVIEREN = AktivierenPage(
    "Code aus einem Brief einlösen",
    "Der Code verbindet Ihre Anmeldung mit einem Vertrag. Ihre bisherigen Meldungen bleiben da.",
    LETTER_FORM,
    ("Sie haben keinen Brief, oder der Code gilt nicht mehr? Ihre Verwaltung schickt Ihnen einen neuen.",
     "Nach zehn falschen Angaben zu einem Code gilt er nicht mehr."),
)  # fmt: skip
PERSONEN = PersonenPage(
    "Für wen Sie handeln",
    "Was Sie melden und sehen, gehört zu der Person, für die Sie gerade handeln. Sie können wechseln.",
    (PersonView("Mehmet Yıldız", ("Lindenhofer Straße 12, 99873 Auenfurt, 2. Obergeschoss rechts",),
                "Diese Verbindung kommt von der Internetseite Ihrer Verwaltung.", switch="wechseln:1"),
     PersonView("Grete Süßmilch", ("Lindenhofer Straße 12, 99873 Auenfurt, Erdgeschoss rechts",), "", current=True, unlink="loesen:2"),
     PersonView(LONG, (), "", switch="wechseln:3", unlink="loesen:3")),
    replace(CODE_FORM, fields=(), errors=()),
    (Way("Code aus einem Brief einlösen", "#a", hint="Verbindet Ihre Anmeldung mit einem Vertrag"),),
    done="Sie handeln jetzt für Grete Süßmilch.",
)  # fmt: skip
LOESEN = LoesenPage(
    "Verbindung zu Grete Süßmilch lösen?",
    "Sie sehen dann nichts mehr, was zu Grete Süßmilch gehört. Gemeldetes geht nicht verloren. Für eine neue Verbindung brauchen Sie einen neuen Brief.",
    replace(CODE_FORM, fields=(), errors=(), submit="Verbindung lösen"),
    "wirklich:2",
    Way("Abbrechen", "#p"),
)
KENNWORT = Field("kennwort", "password", "Kennwort", required=True, autocomplete="current-password")
NEUES_KENNWORT = replace(KENNWORT, label="Neues Kennwort", autocomplete="new-password",
                         hint="Mindestens 12 Zeichen. Gut sind mehrere Wörter, die nicht zusammengehören.")  # fmt: skip
EMAIL = Field("email", "email", "E-Mail-Adresse", required=True, autocomplete="email",
              hint="Wir schicken Ihnen eine E-Mail, mit der Sie sie bestätigen.")  # fmt: skip
ANMELDEN = ZugangPage(
    "Anmelden",
    "",
    replace(CODE_FORM, submit="Anmelden", errors=(), fields=(
        Field("name", "text", "E-Mail-Adresse oder Kundennummer", required=True, autocomplete="username",
              hint="Die Kundennummer steht auf den Schreiben Ihrer Verwaltung."), KENNWORT)),
    (Way("Kennwort vergessen", "#k"), Way("Mit dem Code aus einem Brief registrieren", "#r")),
    guest=True,
)  # fmt: skip
UNFIT = "Die Angaben passen nicht zusammen. Bitte prüfen Sie beide."
GUESSED = "Dieses Kennwort ist leicht zu erraten. Nehmen Sie mehrere Wörter, die nicht zusammengehören."
REGISTRIEREN = ZugangPage(
    "Registrieren",
    "Sie brauchen den Brief Ihrer Verwaltung mit dem Code und Ihren Vertrag.",
    replace(LETTER_FORM, submit="Registrieren", fields=(*LETTER_FORM.fields, EMAIL, NEUES_KENNWORT)),
    (Way("Ich bin schon registriert", "#a"),),
    AKTIVIEREN.help,
    guest=True,
    letter=True,
)
KENNWORT_AENDERN = ZugangPage(
    "Kennwort ändern",
    "Auf allen anderen Geräten sind Sie danach abgemeldet.",
    replace(
        CODE_FORM,
        submit="Speichern",
        errors=(),
        fields=(replace(KENNWORT, name="bisher", label="Jetziges Kennwort"), NEUES_KENNWORT),
    ),
    (Way("Zurück", "#z"),),
    note="Ihr neues Kennwort gilt.",
)
GERAETE = GeraetePage(
    "Geräte",
    "Hier sind Sie angemeldet. Kennen Sie eines nicht, melden Sie es ab und ändern Sie Ihr Kennwort.",
    (DeviceView("Firefox, Linux", "Angemeldet am 3. März 2026, 10:15 Uhr", "Dieses Gerät", current=True, end=""),
     DeviceView("Safari, iPhone", "Angemeldet am 2. März 2026, 22:40 Uhr", "Zuletzt benutzt am 3. März 2026, 08:01 Uhr", current=False, end="abmelden:1"),
     DeviceView(LONG, "Angemeldet am 1. März 2026, 07:30 Uhr", "Zuletzt benutzt am 1. März 2026, 07:30 Uhr", current=False, end="abmelden:2")),
    replace(CODE_FORM, fields=(), errors=(), submit="Überall sonst abmelden"),
    "ueberall",
    done="Abgemeldet.",
)  # fmt: skip
ACTING = replace(SITE, acting=Way("Grete Süßmilch", "#p"))


DOKUMENTE = DokumentePage(
    "Dokumente",
    "#dokumente",
    (("lang", "de"),),
    (
        Field("suche", "text", "Suchen", "abrechnung", maxlength=100),
        Field("jahr", "select", "Jahr", options=(Option("", "Alle"), Option("2025", "2025", selected=True))),
        Field("art", "select", "Art", options=(Option("", "Alle", selected=True), Option("X", LONG))),
        Field("wohnung", "select", "Wohnung", options=(Option("", "Alle"), Option("V1", "Lindenallee 5"))),
        Field("neu", "select", "Gelesen", options=(Option("", "Alle"),)),
    ),
    Way("Alle zeigen", "#alle"),
    (
        DokumentView("#1", "Betriebskostenabrechnung 2025", "Betriebskostenabrechnung", "3. März 2026", "2026-03-03", "312 kB", "", home="Lindenallee 5, 12345 Musterstadt, 2. OG links"),
        DokumentView("#3", LONGEST_WORD, LONGEST_WORD, "2. März 2026", "2026-03-02", "98 kB", ""),
        DokumentView("#2", LONG, "Anschreiben / Mitteilung", "1. Februar 2026", "2026-02-01", "1,2 MB", "4. Februar 2026, 09:12 Uhr", picture=True),
    ),
    Way("Ältere zeigen", "#aelter"),
    Way("Zu den neuesten", "#neu"),
    Way("Dokument anfordern", "#anfordern"),
)  # fmt: skip
DOKUMENT = DokumentPage(
    "Betriebskostenabrechnung 2025",
    "Betriebskostenabrechnung",
    (("Datum", "3. März 2026"), ("Datei", f"{LONG}.pdf, 312 kB")),
    "Zum ersten Mal geöffnet: 4. März 2026, 09:12 Uhr. Die Verwaltung erfährt, dass Sie es erhalten haben.",
    Way("Herunterladen", "#datei"),
    (Bild(PICTURE, "Seite 1 als Bild"), Bild(PICTURE, "Seite 2 als Bild")),
    "Gezeigt werden die ersten 20 Seiten. Das Ganze steht in der Datei.",
    Way("Alle Dokumente", "#alle"),
    Way("Zum Vorgang", "#vorgang"),
)


BETROFFEN = BetroffenForm("#betroffen", "token", "0195")
AUSHAENGE = (
    AushangView("1", "Bekannte Störung", "dringend", "Dringend", Said("Die Heizung ist ausgefallen"),
                Said("Ein Techniker ist unterwegs.\nWarmwasser gibt es."), ("Seit 08:10 Uhr bekannt",), "", form=BETROFFEN),
    AushangView("2", "Bekannte Störung", "wichtig", "Wichtig", Said("Aufzug steht"), Said(""),
                ("Seit 2. März 2026, 17:00 Uhr bekannt", "Voraussichtlich bis 4. März 2026, 12:00 Uhr"),
                "Lindenallee 5, 12345 Musterstadt", betroffen=True),
    AushangView("3", "Geplante Arbeiten", "info", "", Said("Wasser wird abgestellt"), Said(LONG),
                ("5. März 2026, 08:00 bis 12:00 Uhr",), "", calendar=Way("In den Kalender übernehmen", "#kalender")),
)  # fmt: skip

AUSHANG = AushangPage("Aushänge", AUSHAENGE, (Way("Zur Übersicht", "#"), Way("Trotzdem einen Schaden melden", "#")))


def states() -> Iterator[tuple[str, Site, Page]]:
    """Yield every state as (name, surroundings, page)."""
    pages = {
        "uebersicht": OVERVIEW,
        "uebersicht-leer": replace(OVERVIEW, vorgaenge=(), homes=(), calls=(), more=None, title="Mieterportal"),
        "uebersicht-viele-entwuerfe": replace(OVERVIEW, drafts=(*ENTWUERFE, *ENTWUERFE)),
        "uebersicht-entwuerfe": replace(OVERVIEW, calls=CALLS_OF_HOMES, drafts=ENTWUERFE),
        "uebersicht-aushaenge": replace(OVERVIEW, aushaenge=AUSHAENGE, more_aushaenge=Way("Alle 6 Aushänge zeigen", "#")),
        "aushang": replace(AUSHANG, done="Danke. Wir haben notiert, dass die Störung auch Sie betrifft."),
        "aushang-leer": replace(AUSHANG, aushaenge=(), errors=(FieldError("aushaenge", "Bitte drücken Sie noch einmal."),)),
        "melden-bekannt": replace(MELDEN, aushaenge=AUSHAENGE[:2]),
        "schaden-bekannt": replace(FINDER, aushaenge=AUSHAENGE[:1]),
        "schaden": FINDER,
        "schaden-treffer": replace(FINDER, search="heizung", hits=HITS, drafts=ENTWUERFE),
        "schaden-ohne-treffer": replace(FINDER, search="xyz", hits=(), errors=(FieldError("formular", "Bitte wählen Sie."),)),
        "schaden-arten": replace(FINDER, step="Was ist beschädigt?", groups=KATEGORIEN, chosen=("Küche",), danger=(),
                                 back=Way("Anderen Ort wählen", "#")),
        "melden": MELDEN,
        "melden-fehler": replace(MELDEN, form=WRONG, notice=replace(WASSER, calls=CALLS_OF_HOMES[:2])),
        "melden-nur-hotline": replace(MELDEN, notice=GAS),
        "melden-hinweis": replace(MELDEN, notice=INFO, link_to_filed=Way("Diese Meldung ist schon gespeichert.", "#v")),
        "kontakt": KONTAKT,
        "kontakt-information": replace(KONTAKT, intro="", information=KUENDIGUNG),
        "information": InformationPage(
            KUENDIGUNG.title, KUENDIGUNG, Way("Anderes Anliegen wählen", "#"), Way("Zur Übersicht", "#"), kept=True),
        "quittung-dokument": replace(QUITTUNG, there=Way("Hausordnung 2026", "#")),
        "vorgaenge": VorgaengePage("Meine Vorgänge", (Way("Alle", "#", current=True), Way("Offen", "#"), Way("Abgeschlossen", "#")),
                                   VORGAENGE + CLOSED, Way("Ältere zeigen", "#"), Way("Zu den neuesten", "#")),
        "vorgaenge-leer": VorgaengePage("Meine Vorgänge", (Way("Alle", "#", current=True),), (), None, None),
        "vorgang": VORGANG,
        "vorgang-erledigt": replace(VORGANG, title=f"Licht defekt ({LONGEST_PLACE})", vorgang=CLOSED[0], actions=ACTIONS, message=None, status_text=CLOSED[0].next_step),
        "vorgang-fehler": replace(VORGANG, title=LONG, vorgang=CLOSED[1], entries=(), files=(), message=replace(
            VORGANG.message, form=replace(MESSAGE_FORM, errors=WRONG.errors[-1:], files=WRONG.files, file_error=WRONG.file_error))),
        "quittung": QUITTUNG,
        "quittung-spaeter": replace(QUITTUNG, fresh=False, files=(), beschreibung="", mail_url="#mail", csrf_token="t", idempotency_key="0195"),
        "quittung-geschickt": replace(QUITTUNG, fresh=False, files=(), mail_url="#mail", mailed=True),
        "meldung": MessagePage("Seite nicht gefunden", "Diese Seite gibt es nicht, oder sie ist für Sie nicht freigegeben."),
        "meldung-fehler": MessagePage("Das hat nicht geklappt", "Da ist etwas schiefgegangen.",
                                      (Way("Zur Übersicht", "#"), Way("Zur Anmeldung", "#")), CALLS, "5f2c9a"),
        "ungespeichert": UNSAVED,
        "ungespeichert-dateien": replace(
            UNSAVED, facts=(), calls=(), files=FILES_OF_DRAFT,
            refused=("„Wasser.mp4“ ist nicht gespeichert. Bitte fügen Sie die Datei noch einmal hinzu.", f"„{LONG}.jpg“ ist leer.")),
        "bestaetigen": BESTAETIGEN,
        "bestaetigen-fehler": replace(BESTAETIGEN, form=CODE_WRONG, saved=True, files=FILES_OF_DRAFT),
        "bestaetigen-passkey": replace(BESTAETIGEN, passkey=PASSKEY_SHOWN),
        "passkeys": PASSKEYS,
        "anmelden-passkey": replace(ANMELDEN, passkey=replace(
            PASSKEY_SHOWN, form=replace(PASSKEY_SHOWN.form, submit="Mit Passkey anmelden"))),
        "passkeys-fehler": replace(PASSKEYS, passkeys=(), adding=replace(PASSKEYS.adding, form=replace(
            PASSKEY_FORM, errors=(FieldError("passkey", "Das hat zu lange gedauert. Bitte versuchen Sie es noch einmal."),)))),
        "passkeys-anderswo": replace(PASSKEYS, adding=None, elsewhere="Hinzufügen können Sie einen Passkey nur, wenn das Mieterportal in einem eigenen Fenster offen ist und nicht in einer anderen Seite."),
        "sicherheit": SICHERHEIT,
        "sicherheit-ohne": replace(SICHERHEIT, facts=(("Zweiter Faktor", "Nicht eingerichtet"),), notes=(),
                                   ways=(Way("Zweiten Faktor einrichten", "#app"),)),
        "faktor-beginnen": replace(FAKTOR, qr=None, key="", uri="", form=replace(CODE_FORM, fields=CODE_FORM.fields[:1])),
        "faktor-kennwort": replace(FAKTOR, qr=None, key="", uri="", form=replace(CODE_FORM, fields=(KENNWORT,))),
        "faktor": FAKTOR,
        "faktor-fehler": replace(FAKTOR, form=CODE_WRONG),
        "codes": CODES,
        "codes-neu": replace(CODES, codes=(), form=replace(CODE_FORM, fields=()), title="Neue Ersatzcodes"),
        "benachrichtigungen": BENACHRICHTIGUNGEN,
        "benachrichtigungen-gefragt": replace(
            BENACHRICHTIGUNGEN, stand="Noch nicht bestätigt", text=f"Wir haben eine E-Mail an {ADDRESS} geschickt.",
            error="Eine E-Mail ist gerade erst verlangt worden. Bitte warten Sie fünf Minuten.",
            buttons=(("einschalten", "E-Mail noch einmal senden"), ("ausschalten", "Ausschalten"))),
        "benachrichtigungen-ein": replace(
            BENACHRICHTIGUNGEN, stand="Eingeschaltet", text=f"Wir schreiben an {LONG}@mail.example. Ihre Adresse ist jetzt {LONG}@neu.example.",
            warning="Ihre Adresse nimmt unsere E-Mails nicht an.",
            arten=(("stand", "Neuer Stand oder Termin", True), ("nachricht", LONG, False)),
            zeiten=(("sofort", "Gleich, wenn es etwas Neues gibt", False), ("taeglich", "Einmal am Tag, um 18 Uhr", True)),
            buttons=(("speichern", "Auswahl speichern"), ("einschalten", "An die jetzige Adresse schreiben"), ("ausschalten", "Ausschalten"))),
        "benachrichtigungen-ohne": replace(BENACHRICHTIGUNGEN, buttons=()),
        "uebersicht-brief": replace(OVERVIEW, homes=(), activate=Way(
            "Haben Sie einen Brief mit einem Code?", "#a", hint="Damit verbinden Sie Ihre Anmeldung mit Ihrem Vertrag.")),
        "uebersicht-dokumente": replace(OVERVIEW, letters=Way("3 neue Dokumente", "#neu")),
        "dokumente": DOKUMENTE,
        "dokumente-leer": replace(DOKUMENTE, dokumente=(), narrowed=None, older=None, newest=None),
        "dokumente-kein-treffer": replace(DOKUMENTE, dokumente=(), older=None, newest=None),
        "dokument": DOKUMENT,
        "dokument-ohne-vorschau": replace(DOKUMENT, bilder=(), more="", vorgang=None),
        "konto": KONTO,
        "daten": DATEN,
        "aktivieren": AKTIVIEREN,
        "aktivieren-fehler": replace(AKTIVIEREN, form=LETTER_WRONG),
        "personen": PERSONEN,
        "personen-ohne": replace(PERSONEN, persons=(), done="", text="Ihre Anmeldung ist noch mit keinem Vertrag verbunden."),
        "loesen": LOESEN,
        "anmelden": ANMELDEN,
        "anmelden-fehler": replace(ANMELDEN, form=replace(ANMELDEN.form, errors=(FieldError("eingabe", UNFIT),))),
        "registrieren": REGISTRIEREN,
        "kennwort": KENNWORT_AENDERN,
        "geraete": GERAETE,
        "geraete-eines": replace(GERAETE, devices=GERAETE.devices[:1], everywhere="", done=""),
        "registrieren-fehler": replace(REGISTRIEREN, form=replace(
            REGISTRIEREN.form, errors=(FieldError("feld-kennwort", f"Neues Kennwort: {GUESSED}"),),
            fields=(*REGISTRIEREN.form.fields[:3], replace(NEUES_KENNWORT, error=GUESSED)))),
        "notfall": NOTFALL,
        "barrierefreiheit": BarrierefreiheitPage("Barrierefreiheit", (
            Way("Kontakt aufnehmen", "#"), Way("Anrufen: 030 23125 0", "#"), Way("E-Mail an post@musterbau.example", "#"))),
    }  # fmt: skip
    for name, page in pages.items():
        yield name, SITE, page
    yield (
        "sso",
        ANONYMOUS,
        SsoPage("Anmeldung", "n", "p", FRAMED.origins, "/m/sso/website", "https://www.musterbau.example"),
    )
    yield (
        "anmelden-rahmen",
        replace(ANONYMOUS, origins=FRAMED.origins),
        replace(ANMELDEN, top=Way("In eigenem Fenster öffnen", "#")),
    )
    yield "link", replace(ANONYMOUS, languages=()), LINK
    yield "notfall-anonym", ANONYMOUS, NOTFALL
    yield "meldung-blank", BARE, pages["meldung"]
    yield "uebersicht-rahmen", FRAMED, OVERVIEW
    yield "personen-handelnd", ACTING, PERSONEN
    yield "uebersicht-handelnd-fragment", replace(ACTING, fragment=True, logout_url=None), OVERVIEW
    for name in (
        "uebersicht",
        "melden-fehler",
        "melden-nur-hotline",
        "vorgang",
        "quittung",
        "schaden-treffer",
        "ungespeichert-dateien",
        "bestaetigen-fehler",
        "faktor-fehler",
        "codes",
        "sicherheit",
        "benachrichtigungen-gefragt",
        "aktivieren-fehler",
        "personen",
        "registrieren-fehler",
        "dokumente",
        "dokument",
    ):
        yield f"{name}-fragment", FRAGMENT, pages[name]
        yield f"{name}-englisch", ENGLISH, pages[name]
