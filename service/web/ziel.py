"""`ziel`: with which page somebody begins whom a CMS signs on, such as `melden/schaden?schadenskategorie=SANITAER`."""

import re
from urllib.parse import parse_qsl

import falcon

from service.web.context import Reader

_ZIEL = re.compile(r"(?!.*//)(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9/_.-]*(\?[\w=&%.+-]*)?", re.ASCII)
_MAX = 200


def ziel_of(req: falcon.Request) -> str:
    """Return the page that the address names, below the Mandant; "" for none, and for anything that leads elsewhere."""
    ziel = req.get_param("ziel", default="")
    return ziel if len(ziel) <= _MAX and _ZIEL.fullmatch(ziel) else ""


def link_to(reader: Reader, ziel: str) -> str:
    """Return where this reader finds such a page; "" is the portal's first."""
    path, _, query = ziel.partition("?")
    return reader.link(path, **dict(parse_qsl(query)))
