"""Jinja2, set up once; a page becomes a fragment or a full page from the same template."""

import gzip
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import quote

import falcon
from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from typing_extensions import override

from service.language import LANGUAGES, TEMPLATES, translations
from service.settings import MandantSettings
from service.web.pages import Page, Site

if TYPE_CHECKING:
    from types import CodeType


@dataclass(frozen=True)
class Asset:
    """A static file with its content type and the digest that its URL carries."""

    name: str
    content_type: str
    body: bytes

    @cached_property
    def packed(self) -> bytes:
        """Return the content as gzip, made once."""
        return gzip.compress(self.body, mtime=0)

    @property
    def path(self) -> str:
        """Return the path below the Mandant, which changes whenever the content does."""
        stem, _, suffix = self.name.rpartition(".")
        return f"static/{stem}.{sha256(self.body).hexdigest()[:12]}.{suffix}"


class _Compiled(BytecodeCache):
    """What this process has compiled: a template's code is the same in every language; its words come at the end."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType | None] = {}

    @override
    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    @override
    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()


class Renderer:
    """Renders pages; every template is compiled at start, once in a process and in those that it forks."""

    def __init__(self) -> None:
        self._environments = {lang: _environment(lang) for lang in LANGUAGES}
        self._script = _script("portal.js")
        self.passkey_script = _script("passkey.js")
        self._style = (TEMPLATES / "static" / "portal.css").read_bytes()

    def assets(self, mandant: MandantSettings) -> tuple[Asset, Asset]:
        """Return the style sheet, in this Mandant's colours, and the script."""
        return Asset("portal.css", "text/css", _theme(mandant) + self._style), self._script

    def html(self, page: Page, site: Site) -> str:
        """Render a page for its surroundings."""
        layout = "layouts/fragment.html" if site.fragment else "layouts/page.html"
        template = self._environments[site.lang].get_template(page.template)
        return template.render(page=page, site=site, layout=layout)


def _script(name: str) -> Asset:
    return Asset(name, "text/javascript", (TEMPLATES / "static" / name).read_bytes())


def write_page(resp: falcon.Response, html: str, title: str) -> None:
    """Put rendered HTML into an answer; the title goes along for the CMS (percent-encoded UTF-8)."""
    resp.content_type = "text/html; charset=utf-8"
    resp.text = html
    resp.set_header("Portal-Title", quote(title))


def _environment(lang: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=_COMPILED,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(translations(lang), newstyle=True)  # type: ignore[attr-defined]  # added by the extension
    for name in environment.list_templates(extensions=["html"]):
        environment.get_template(name)
    return environment


def _theme(mandant: MandantSettings) -> bytes:
    theme = mandant.theme
    return (
        f":root{{--portal-theme-accent:{theme.accent};--portal-theme-accent-dark:{theme.accent_dark};"
        f"--portal-theme-font:{theme.font};--portal-theme-radius:{theme.radius}}}\n"
    ).encode()
