"""The receipt as a tagged PDF."""

from service.web.pages import QuittungPage
from service.web.text import Words
from service.web.typesetting import typeset


def receipt_pdf(page: QuittungPage, *, name: str, lang: str, words: Words) -> bytes:
    """Return the PDF of a receipt; `name` is the Mandant's."""
    data = {
        "name": name,
        "lang": lang,
        "title": page.title,
        "number": page.number,
        "filed": page.filed,
        "facts": [list(fact) for fact in page.facts],
        "beschreibung": page.beschreibung,
        "files": [[file.name, file.size, file.sha256] for file in page.files],
        "words": {
            "number": words("Meldenummer"),
            "filed": words("Eingegangen im Portal am"),
            "reported": words("Ihre Angaben"),
            "text": words("Beschreibung"),
            "files": words("Dateien"),
            "proof": words("Diese Quittung belegt, was Sie gemeldet haben und wann. Bitte bewahren Sie sie auf."),
        },
    }
    return typeset("quittung.typ", data)
