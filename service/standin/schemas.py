"""The bodies of Vorgang interface v1 as JSON Schema; a test holds them equal to docs/immotion-v1.yaml."""

from typing import Any

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_DATE: Schema = {"type": "string", "format": "date"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_UUID: Schema = {"type": "string", "format": "uuid"}
_PRIORITY: Schema = {"enum": ["P1", "P2", "P3", "P4"]}


def _record(*required: str, **properties: Schema) -> Schema:
    schema: Schema = {"type": "object", "properties": properties}
    return {**schema, "required": list(required)} if required else schema


def _list_of(items: Schema, **limits: int) -> Schema:
    return {"type": "array", "items": items, **limits}


ANHANG = _record(
    "anhangId",
    "dateiname",
    "mime",
    "bytes",
    "sha256",
    anhangId=_UUID,
    dateiname={"type": "string", "minLength": 1, "maxLength": 255},
    mime=_TEXT,
    bytes={"type": "integer", "minimum": 1},
    sha256={"type": "string", "minLength": 64, "maxLength": 64},
)

MELDER = _record(
    personNr=_TEXT,
    rolle={"enum": ["MIETER", "EIGENTUEMER", "BEVOLLMAECHTIGT"]},
    vertragNr=_TEXT,
    einheitNr=_TEXT,
    name=_TEXT,
    email=_TEXT,
    telefon=_TEXT,
    sprache=_TEXT,
)
OBJEKT = _record(wirtschaftseinheitNr=_TEXT, gebaeudeNr=_TEXT, einheitNr=_TEXT)
SCHADEN = _record(
    "schadensort",
    "schadenskategorie",
    "schadensart",
    schadensort=_TEXT,
    schadenskategorie=_TEXT,
    schadensart=_TEXT,
    katalogVersion=_TEXT,
    antworten={"type": "object"},
    notfallAnzeige=_record("regel", regel=_TEXT, bestaetigtUm=_TIME),
)
BESCHWERDE = _record("art", art=_TEXT, laermprotokoll=_list_of(_record(von=_TEXT, bis=_TEXT, art=_TEXT)))
DOKUMENTWUNSCH = _record("dokumentart", dokumentart=_TEXT, zeitraum=_TEXT, zweck=_TEXT)
VORSCHLAG = _record(
    vorgangsart=_TEXT,
    prioritaet=_PRIORITY,
    aufgabentraeger=_TEXT,
    sachbearbeiter=_TEXT,
    ausfuehrungsfrist=_TEXT,
    regel=_TEXT,
)

VORGANG_ANGABEN = _record(
    externeId=_UUID,
    mandant={"type": "string", "minLength": 1},
    typ={"enum": ["KONTAKT", "BESCHWERDE", "SCHADEN", "DOKUMENT"]},
    meldezeit=_TIME,
    kanal={"enum": ["PORTAL_WEB", "PORTAL_IFRAME", "PORTAL_STAFF"]},
    melder=MELDER,
    objekt=OBJEKT,
    betreff={"type": "string", "maxLength": 120},
    beschreibung={"type": "string", "maxLength": 4000},
    schaden=SCHADEN,
    kontakt=_record(thema=_TEXT),
    beschwerde=BESCHWERDE,
    dokument=DOKUMENTWUNSCH,
    zugang=_record(zeitfenster=_list_of(_TEXT), anwesenheit={"type": "boolean"}),
    vorschlag=VORSCHLAG,
    anhaenge=_list_of(ANHANG, maxItems=20),
    verknuepfung=_record(hauptVorgangId=_TEXT),
)
VORGANG_REQUIRED = ["externeId", "mandant", "typ", "meldezeit", "melder", "betreff", "kanal"]
VORGANG_NEU: Schema = {**VORGANG_ANGABEN, "required": VORGANG_REQUIRED}
SECTION_OF_TYP = {"SCHADEN": "schaden", "BESCHWERDE": "beschwerde", "DOKUMENT": "dokument"}

AKTIVITAET_NEU = _record(
    "art",
    "zeit",
    art={"enum": ["ANTWORT", "ANHANG", "RUECKZUG", "WIEDEROEFFNUNG", "TERMINWUNSCH", "BEWERTUNG"]},
    zeit=_TIME,
    text={"type": "string", "maxLength": 4000},
    anhaenge=_list_of(ANHANG, maxItems=20),
    bewertung={"type": "integer", "minimum": 1, "maximum": 5},
)

QUITTUNG_NEU = _record(
    "art",
    "zeit",
    art={"enum": ["EINGESTELLT", "BENACHRICHTIGT", "ERSTMALS_GEOEFFNET"]},
    zeit=_TIME,
    personNr=_TEXT,
)

_CODE = _record("code", code=_TEXT, bezeichnung=_TEXT)
SCHADENSART = _record("code", "kategorie", "orte", code=_TEXT, bezeichnung=_TEXT, kategorie=_TEXT, orte=_list_of(_TEXT))
KATALOGE = _record(
    "version",
    "vorgangsarten",
    "schadensorte",
    "schadenskategorien",
    "schadensarten",
    version=_TEXT,
    vorgangsarten=_list_of(_CODE),
    schadensorte=_list_of(_CODE),
    schadenskategorien=_list_of(_CODE),
    schadensarten=_list_of(SCHADENSART),
)

AENDERUNG = _record(
    "art",
    "nr",
    "geloescht",
    "daten",
    art={"enum": ["GEBAEUDE", "EINHEIT", "PERSON", "VERTRAG"]},
    nr=_TEXT,
    geloescht={"type": "boolean"},
    daten={"type": "object"},
)

EREIGNIS_TYPEN = [
    "VORGANG_ANGELEGT",
    "VORGANG_ABGEWIESEN",
    "STATUS",
    "ZUORDNUNG",
    "TERMIN",
    "AKTIVITAET",
    "DOKUMENT",
    "DOKUMENT_ZURUECKGEZOGEN",
    "GELOESCHT",
    "KATALOG_NEU",
]
EREIGNIS = _record(
    "ereignisId",
    "typ",
    "zeit",
    "mandant",
    "sichtbarkeit",
    ereignisId={"type": "string", "minLength": 1},
    typ={"enum": EREIGNIS_TYPEN},
    zeit=_TIME,
    mandant={"type": "string", "minLength": 1},
    vorgangId=_TEXT,
    externeId=_TEXT,
    vorgangSeq={"type": "integer", "minimum": 1},
    sichtbarkeit={"enum": ["MIETER", "INTERN"]},
    daten={"type": "object"},
)
EREIGNIS_ENTWURF: Schema = {**EREIGNIS, "required": ["typ"]}

_CUTS = ["cut_before", "cut_after_commit"]
_FOLDER_FAULTS = ["half_copied", "quittung_missing", "quittung_doubled", "refused"]
FEHLER = _record(
    "rate",
    rate={"type": "number", "minimum": 0, "maximum": 1},
    kinds=_list_of({"enum": ["500", "503", "429", "202", "timeout", "slow", *_CUTS, "token_expired", *_FOLDER_FAULTS]}),
    seed={"type": "integer"},
    timeout_s={"type": "number", "minimum": 0},
    slow_s={"type": "number", "minimum": 0},
    retry_after_s={"type": "integer", "minimum": 0},
    batch_s={"type": "number", "minimum": 0},
    token_s={"type": "integer", "minimum": 1},
    calls=_list_of(_TEXT),
    keys=_list_of(_TEXT),
    count={"type": "integer", "minimum": 0},
    rate_limit={"type": "integer", "minimum": 1},
)
