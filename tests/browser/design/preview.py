"""Renders the sample pages into a folder of plain HTML: `python tests/browser/design/preview.py FOLDER`."""

import sys
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tests.browser.design.samples import states

ROOT = Path(__file__).parents[3]
TEMPLATES = ROOT / "templates"
THEME = b":root{--portal-theme-accent:#0b5a8a;--portal-theme-accent-dark:#8cc8f0}\n"
HOST_PAGE = """<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>Musterbau eG</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
html{{color-scheme:light dark}}
body{{font:16px Georgia,serif;margin:0;padding:16px;
background:light-dark(#fff,#111)}}</style></head>
<body><header>Musterbau eG</header><main>{fragment}</main></body></html>"""


def environment(lang: str) -> Environment:
    """Return Jinja2 set up as the service sets it up."""
    jinja = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    jinja.install_gettext_translations(_translations(lang), newstyle=True)
    return jinja


def _translations(lang: str) -> NullTranslations:
    source = ROOT / "service" / "locale" / lang / "LC_MESSAGES" / "portal.po"
    if not source.exists():
        return NullTranslations()
    compiled = BytesIO()
    with source.open("rb") as catalog:
        write_mo(compiled, read_po(catalog, locale=lang))
    compiled.seek(0)
    return Translations(compiled)


def render(folder: Path) -> list[str]:
    """Write every state as NAME.html, with style sheet and script beside it; return the names."""
    environments = {lang: environment(lang) for lang in ("de", "en")}
    names = []
    for name, site, page in states():
        layout = "layouts/fragment.html" if site.fragment else "layouts/page.html"
        html = environments[site.lang].get_template(page.template).render(site=site, page=page, layout=layout)
        if site.fragment:
            html = HOST_PAGE.format(lang=site.lang, fragment=html)
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
        names.append(name)
    (folder / "portal.css").write_bytes(THEME + (TEMPLATES / "static" / "portal.css").read_bytes())
    for script in ("portal.js", "passkey.js"):
        (folder / script).write_bytes((TEMPLATES / "static" / script).read_bytes())
    return names


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    print("\n".join(render(target)))
