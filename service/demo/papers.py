"""The letters that the demo's clerks provide, set by typst."""

import json
import tempfile
from pathlib import Path

import typst

from service.demo.people import COMPANY, OFFICE

_LETTER = """#let data = json(bytes(sys.inputs.data))
#set document(title: data.titel)
#set text(lang: "de", size: 11pt)
#set page(margin: (x: 2.5cm, y: 2.5cm))
#text(size: 16pt, weight: "bold", fill: rgb("#1f5c4a"))[#data.firma]
#line(length: 100%, stroke: 1pt + rgb("#1f5c4a"))
#v(1.5cm)
#data.name \\ #data.adresse
#v(1cm)
#align(right)[Auenfurt, #data.datum]
= #data.titel
#v(0.5cm)
Guten Tag, #data.name,

hiermit erhalten Sie die angeforderte Unterlage zu Ihrem Vertrag #data.vertrag. Sie ist ohne Unterschrift gültig.

Fragen beantworten wir unter #data.telefon.

Freundliche Grüße \\ #data.firma
#v(1fr)
#text(size: 9pt, fill: luma(40%))[Eine Vorführung: Menschen, Adressen und Inhalt sind erfunden.]
"""


def letter(titel: str, *, name: str, adresse: str, vertrag: str, datum: str) -> bytes:
    """Return a letter as PDF; `datum` as it shall stand there."""
    data = {
        "titel": titel,
        "name": name,
        "adresse": adresse,
        "vertrag": vertrag,
        "datum": datum,
        "firma": COMPANY,
        "telefon": OFFICE,
    }
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "brief.typ"
        source.write_text(_LETTER, encoding="utf-8")
        made: bytes = typst.compile(source, sys_inputs={"data": json.dumps(data)}, format="pdf", pdf_standards=["ua-1"])
    return made
