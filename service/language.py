"""The gettext catalogs: German is the language of the sources and needs none."""

from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

DEFAULT_LANGUAGE = "de"
LANGUAGES = ("de", "en")
TEMPLATES = Path(__file__).parent.parent / "templates"
_LOCALES = Path(__file__).parent / "locale"


@cache
def translations(lang: str) -> NullTranslations:
    """Return the catalog of a language; German needs none, it is the language of the sources."""
    source = _LOCALES / lang / "LC_MESSAGES" / "portal.po"
    if not source.exists():
        return NullTranslations()
    with source.open("rb") as file:
        compiled = BytesIO()
        write_mo(compiled, read_po(file, locale=lang))
    compiled.seek(0)
    return Translations(compiled)
