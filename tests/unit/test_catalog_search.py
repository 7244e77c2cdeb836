"""What residents type into the search of damages, and what they find."""

from copy import deepcopy

import pytest

from service.vorgang.catalog import Catalog, Schadensart, default_catalog, load_catalog
from service.vorgang.catalog_search import Search, Searched

CATALOG = default_catalog()

# Typed | comes first | must not come
GERMAN = """
Gasgeruch | GEFAHR.GASGERUCH |
es riecht nach gas | GEFAHR.GASGERUCH | SANITAER.TRINKWASSER
Gas | GEFAHR.GASGERUCH |
Gasgeruh | GEFAHR.GASGERUCH |
es brennt | GEFAHR.BRAND |
Rauch im Treppenhaus | GEFAHR.BRAND | ELEKTRO.LICHT_TOTAL
es riecht verbrannt | GEFAHR.BRAND |
Kohlenmonoxid | GEFAHR.CO_ABGAS |
Decke fällt runter | GEFAHR.EINSTURZ |
jemand ist eingebrochen | GEFAHR.EINBRUCH | GEFAHR.BRAND
Wasser läuft aus der Decke | SANITAER.DECKE_NASS | HEIZUNG.AUSFALL
Es tropft von der Decke | SANITAER.DECKE_NASS |
Wasserrohr geplatzt | SANITAER.ROHRBRUCH |
Die Wohnung steht unter Wasser! | SANITAER.ROHRBRUCH |
Wasserhahn tropft | SANITAER.TROPFT | TUER.WOHNUNGSTUER
Der Wasserhahn in der Küche tropft seit drei Tagen | SANITAER.TROPFT |
Wasserhan | SANITAER.TROPFT |
Armatur | SANITAER.ARMATUR | TUER.WOHNUNGSTUER
Duschkopf | SANITAER.ARMATUR |
Dusche läuft nicht ab | SANITAER.ABFLUSS_VERSTOPFT |
Bei mir läuft das Wasser nicht ab | SANITAER.ABFLUSS_VERSTOPFT |
Klo verstopft | SANITAER.WC_VERSTOPFT | HEIZUNG.GERAEUSCH
Klo | SANITAER.WC_VERSTOPFT | HEIZUNG.GERAEUSCH
Klo läuft über | SANITAER.WC_VERSTOPFT |
Toilettenspülung | SANITAER.SPUELKASTEN |
Badewanne hat einen Sprung | SANITAER.KERAMIK |
kein Wasser | SANITAER.KEIN_WASSER |
zu wenig Wasserdruck | SANITAER.DRUCK |
braunes Wasser | SANITAER.TRINKWASSER |
Heizung geht nicht | HEIZUNG.AUSFALL | BRANDSCHUTZ.BRANDTUER
Heizung funktioniert nicht | HEIZUNG.AUSFALL | ELEKTRO.LICHT_GEMEIN
Heizung ist aus | HEIZUNG.AUSFALL | TUER.AUSGESPERRT
Heizung defekt | HEIZUNG.AUSFALL | HEIZUNG.ZAEHLER BRANDSCHUTZ.BRANDTUER
Heizugn | HEIZUNG.AUSFALL |
Heizungsausfall | HEIZUNG.AUSFALL | GEFAHR.EINSTURZ
Einzelner Heizkörper kalt | HEIZUNG.KOERPER_KALT |
Heizung kalt | HEIZUNG.KOERPER_KALT | HEIZUNG.ZAEHLER
Heizung tropft | HEIZUNG.KOERPER_LECK |
Thermostat kaputt | HEIZUNG.REGELT_NICHT |
Heizung gluckert | HEIZUNG.GERAEUSCH |
Warmwasser geht nicht | HEIZUNG.WARMWASSER_AUS |
Seit gestern haben wir kein warmes Wasser mehr | HEIZUNG.WARMWASSER_AUS |
Therme | HEIZUNG.THERME |
kein Strom | ELEKTRO.AUSFALL_WHG |
Im ganzen Haus ist Stromausfall | ELEKTRO.AUSFALL_HAUS |
Steckdose funkt | ELEKTRO.FUNKEN |
FI fliegt raus | ELEKTRO.SICHERUNG |
Stekdose | ELEKTRO.STECKDOSE |
Lampe im Bad flackert | ELEKTRO.LEUCHTE |
Das Licht im Treppenhaus geht nicht | ELEKTRO.LICHT_TOTAL | FLAECHE.TREPPE
Außenlicht | ELEKTRO.LICHT_GEMEIN |
Fenster geht nicht zu | FENSTER.OFFEN | TUER.WOHNUNGSTUER
Küchenfenster klemmt | FENSTER.KLEMMT |
Fensterscheibe kaputt | FENSTER.GLAS | FENSTER.GRIFF
es zieht | FENSTER.ZIEHT |
Rolladen geht nicht hoch | FENSTER.ROLLLADEN |
Tür | TUER.WOHNUNGSTUER | SANITAER.TROPFT SANITAER.ARMATUR HEIZUNG.REGELT_NICHT
TUERE | TUER.WOHNUNGSTUER | SANITAER.ARMATUR
tur | TUER.WOHNUNGSTUER | SANITAER.ARMATUR
Tür klemmt | TUER.ZIMMERTUER |
Tür kaputt | TUER.WOHNUNGSTUER | SANITAER.ARMATUR
Haustürschloss | TUER.HAUSTUER |
Haustur schliesst nicht | TUER.HAUSTUER |
Mein Kind ist im Bad eingesperrt | TUER.EINGESPERRT |
Tür zugefallen | TUER.AUSGESPERRT |
Ich habe meinen Schlüssel verloren | TUER.SCHLUESSEL |
Gegensprechanlage | TUER.KLINGEL |
Brifkasten | TUER.BRIEFKASTEN |
Tapete löst sich | FLAECHE.PUTZ |
Riss | FLAECHE.RISS |
Wände haben Risse | FLAECHE.RISS |
Parkett | FLAECHE.BODEN | AUSSEN.WEG
Treppengeländer wackelt | FLAECHE.GELAENDER |
Schimel an der wand | FEUCHTE.SCHIMMEL | FLAECHE.RISS
schwarze Flecken | FEUCHTE.SCHIMMEL |
Keller steht unter Wasser | FEUCHTE.KELLER_WASSER |
es riecht muffig | FEUCHTE.GERUCH |
Backofen | GERAET.HERD |
Spülmaschine | GERAET.EBK | GERAET.WASCHMASCHINE SANITAER.SPUELKASTEN
Kühlschrank kaputt | GERAET.EBK |
Waschmachine | GERAET.WASCHMASCHINE |
Dunstabzugshaube | GERAET.LUEFTER |
Rauchmelder piept | BRANDSCHUTZ.MELDER_PIEPT | GEFAHR.BRAND
Fahrräder im Treppenhaus | BRANDSCHUTZ.FLUCHTWEG | ELEKTRO.LICHT_TOTAL
Fahrstuhl steckt fest | AUFZUG.PERSON |
Aufzug kaputt | AUFZUG.AUSFALL |
es regnet durchs Dach | GEBAEUDE.DACH_UNDICHT |
Regenrinne | GEBAEUDE.RINNE |
Glatteis | AUSSEN.GLAETTE |
Hecke schneiden | AUSSEN.GRUEN | FLAECHE.RISS
Schaukel kaputt | AUSSEN.SPIELGERAET |
Mülltonnen voll | AUSSEN.TONNEN |
Mäuse | SCHAEDLING.RATTEN |
Ameisen in der Küche | SCHAEDLING.INSEKTEN | GERAET.EBK
Wespennest | SCHAEDLING.WESPEN |
Fernsehen geht nicht | MEDIEN.TV |
Internetausfall | MEDIEN.INTERNET | GEFAHR.EINSTURZ AUSSEN.BAUM
Was | SANITAER.ROHRBRUCH |
Heiz | HEIZUNG.AUSFALL |
Feuerlöscher | BRANDSCHUTZ.SONSTIGES | GEFAHR.BRAND
"""
ENGLISH = """
smell of gas | GEFAHR.GASGERUCH |
I smell gas | GEFAHR.GASGERUCH |
fire | GEFAHR.BRAND |
smoke in the stairwell | GEFAHR.BRAND | ELEKTRO.LICHT_TOTAL
carbon monoxide alarm | GEFAHR.CO_ABGAS |
ceiling falling down | GEFAHR.EINSTURZ |
My flat was broken into | GEFAHR.EINBRUCH |
burglary | GEFAHR.EINBRUCH | FENSTER.GLAS
burst pipe | SANITAER.ROHRBRUCH |
water coming through the ceiling | SANITAER.DECKE_NASS |
tap drips | SANITAER.TROPFT |
sink blocked | SANITAER.ABFLUSS_VERSTOPFT | SANITAER.WC_VERSTOPFT
toilet clogged | SANITAER.WC_VERSTOPFT |
toilet won't flush | SANITAER.SPUELKASTEN |
no water | SANITAER.KEIN_WASSER |
no heating | HEIZUNG.AUSFALL | SANITAER.KEIN_WASSER
heating doesn't work | HEIZUNG.AUSFALL |
hetaing broken | HEIZUNG.AUSFALL | FENSTER.GLAS
one radiator is cold | HEIZUNG.KOERPER_KALT |
No hot water! | HEIZUNG.WARMWASSER_AUS |
power cut | ELEKTRO.AUSFALL_WHG |
electric shock | ELEKTRO.FUNKEN |
light in the stairwell is broken | ELEKTRO.LICHT_TOTAL | FENSTER.GLAS
broken window | FENSTER.GLAS |
window won’t close | FENSTER.OFFEN |
window stuck | FENSTER.KLEMMT |
blinds | FENSTER.ROLLLADEN |
front door | TUER.HAUSTUER |
locked out | TUER.AUSGESPERRT |
locked in the bathroom | TUER.EINGESPERRT |
I lost my keys | TUER.SCHLUESSEL |
doorbell | TUER.KLINGEL |
mold | FEUCHTE.SCHIMMEL |
damp wall | FEUCHTE.NASSE_WAND | FLAECHE.RISS
flooded basement | FEUCHTE.KELLER_WASSER |
oven not working | GERAET.HERD |
dishwasher | GERAET.EBK | GERAET.WASCHMASCHINE
smoke detector beeping | BRANDSCHUTZ.MELDER_PIEPT | GEFAHR.BRAND
elevator stuck | AUFZUG.PERSON |
lift broken | AUFZUG.AUSFALL | FLAECHE.BODEN
roof leaking | GEBAEUDE.DACH_UNDICHT |
icy path | AUSSEN.GLAETTE |
bin broken | AUSSEN.TONNEN | FENSTER.GLAS
garbage bins full | AUSSEN.TONNEN |
mice in the kitchen | SCHAEDLING.RATTEN | GERAET.EBK
bedbugs | SCHAEDLING.INSEKTEN |
no wifi | MEDIEN.INTERNET |
"""
ROWS = [
    pytest.param(lang, *(part.strip() for part in row.split("|")), id=f"{lang} {row.partition('|')[0].strip()}")
    for lang, table in (("de", GERMAN), ("en", ENGLISH))
    for row in table.strip().splitlines()
]
ARTEN = [art for art in CATALOG.schadensarten.values() if not art.code.endswith(".SONSTIGES")]


def _found(text: str, lang: str = "de", catalog: Catalog = CATALOG) -> list[str]:
    return [art.code for art in catalog.search(text, lang)]


@pytest.mark.parametrize("lang,typed,first,never", ROWS)
def test_what_residents_type_finds_what_they_mean_first_and_nothing_strange(
    lang: str, typed: str, first: str, never: str
) -> None:
    found = _found(typed, lang)
    assert found[:1] == [first]
    assert not set(never.split()) & set(found)


def test_english_words_find_the_same_on_german_pages() -> None:
    wrong = {}
    for row in ENGLISH.strip().splitlines():
        typed, first, _ = (part.strip() for part in row.split("|"))
        if first not in _found(typed)[:2]:
            wrong[typed] = _found(typed)
    assert wrong == {}


@pytest.mark.parametrize("lang", ["de", "en"])
def test_every_art_is_found_first_by_its_own_label(lang: str) -> None:
    assert {art.code: hits[0] for art in ARTEN if (hits := _found(art.label.text(lang), lang))[0] != art.code} == {}


@pytest.mark.parametrize("art", ARTEN, ids=lambda art: art.code)
def test_a_slip_in_the_longest_word_of_a_label_still_finds_its_art(art: Schadensart) -> None:
    longest = max(art.label.de.replace("-", " ").replace(",", " ").split(), key=len)
    slip = longest[:-3] + longest[-2:]
    assert art.code in _found(art.label.de.replace(longest, slip))[:3]


@pytest.mark.parametrize("typed", ["xyzzy", "Hausmeister", "Klavier kaputt", "", "  ", "?!", "nicht", "der die das"])
def test_what_the_catalog_has_no_word_for_finds_nothing(typed: str) -> None:
    assert _found(typed) == []


def test_mere_malfunction_is_searched_only_where_nothing_else_is_typed() -> None:
    assert "FENSTER.GLAS" in _found("kaputt")
    assert "FENSTER.GLAS" not in _found("Aufzug kaputt")


def test_words_of_many_letters_are_no_burden() -> None:
    assert _found("ß" * 100_000) == []
    assert _found("Heizung " + "lorem ipsum " * 1000)[0].startswith("HEIZUNG.")


def _search(*entries: tuple[str, str, str]) -> Search[str]:
    return Search(
        tuple(Searched(label, label, synonyms, context, last=label == "Rest") for label, synonyms, context in entries)
    )


def test_a_whole_word_comes_before_a_beginning_and_that_before_the_end_of_a_compound() -> None:
    found = _search(("Dachfenster", "", ""), ("Fensterbrett", "", ""), ("Fenster", "", "")).find("fenster", 9)
    assert found[:2] == ("Fenster", "Fensterbrett")
    assert _search(("Dachfenster", "", ""), ("Tor", "", "")).find("fenster", 9) == ("Dachfenster",)


def test_a_label_comes_before_a_synonym_and_that_before_a_place() -> None:
    entries = (("Brett", "", "Fenster"), ("Scheibe", "Fenster", ""), ("Fenster", "", ""))
    assert _search(*entries).find("Fenster", 9) == ("Fenster", "Scheibe")
    assert _search(*entries[:1]).find("Fenster", 9) == ("Brett",)


def test_letters_in_the_middle_of_a_word_are_no_hit() -> None:
    assert _search(("Armatur", "", ""), ("Briefkasten", "", "")).find("tür", 9) == ()
    assert _search(("Briefkasten", "", "")).find("efka", 9) == ()


@pytest.mark.parametrize("typed", ["Hezung", "Heizungg", "Haizung", "Hiezung", "eizung"])
def test_one_letter_may_be_wrong_missing_too_many_or_swapped(typed: str) -> None:
    assert _search(("Heizung", "", "")).find(typed, 9) == ("Heizung",)


@pytest.mark.parametrize("typed", ["Hzung", "Haisung", "Hied"])
def test_two_wrong_letters_and_short_words_are_no_slips(typed: str) -> None:
    assert _search(("Heizung", "", ""), ("Herd", "", "")).find(typed, 9) == ()


def test_what_is_rest_comes_last_among_equals() -> None:
    assert _search(("Rest", "Zaun", ""), ("Tor", "Zaun", "")).find("Zaun", 9) == ("Tor", "Rest")


@pytest.mark.parametrize(
    "lang,typed,code",
    [
        ("de", "Lärm", "LAERM_NACHBAR"),
        ("de", "Der Nachbar hört laute Musik", "LAERM_NACHBAR"),
        ("de", "Bohrmaschine am Sonntag", "LAERM_BAU"),
        ("de", "Hund bellt", "HAUSTIER"),
        ("de", "Zigarettenrauch", "GERUCH_RAUCH"),
        ("de", "Treppenhaus nicht geputzt", "TREPPENREINIGUNG"),
        ("de", "Schperrmüll", "MUELL"),
        ("en", "noisy neighbours", "LAERM_NACHBAR"),
        ("en", "somebody parks on my space", "FALSCHPARKEN"),
    ],
)
def test_who_looks_for_a_damage_and_means_a_complaint_finds_that(lang: str, typed: str, code: str) -> None:
    assert CATALOG.search_beschwerden(typed, lang)[0].code == code


@pytest.mark.parametrize("typed", ["Heizung kalt", "Es tropft von der Decke", "Licht im Treppenhaus", "Was", "kaputt"])
def test_words_for_a_damage_are_no_slips_of_words_for_a_complaint(typed: str) -> None:
    assert CATALOG.search_beschwerden(typed, "de") == ()


def test_a_catalog_without_words_for_complaints_has_those_of_the_same_codes_and_else_labels() -> None:
    source = deepcopy(CATALOG.source)
    for art in source["beschwerdearten"]:
        del art["search_words"]
    source["beschwerdearten"].append({"code": "EIGENE", "de": "Taubenfütterung", "vorgangsart": "VA200"})
    catalog = load_catalog(source)
    assert catalog.search_beschwerden("Lärm", "de")[0].code == "LAERM_NACHBAR"
    assert [art.code for art in catalog.search_beschwerden("Tauben", "de")] == ["EIGENE"]
