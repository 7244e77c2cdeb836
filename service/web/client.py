"""Where a request comes from: the address that limits count by, and what the audit log says of it."""

from ipaddress import IPv6Address, ip_address, ip_network

import falcon

from service.access.audit import Actor, Notice, Source
from service.access.visitor import Visitor
from service.web.context import Reader, reader_of

_HOUSEHOLD = 64  # what one connection to the internet is given of IPv6 at least


def address_of(req: falcon.Request, trusted_proxies: int) -> str:
    """Return the address of who asks: of IPv6 the /64, "" where there is none, as on a Unix socket.

    Each trusted proxy has added to `X-Forwarded-For` whom it was asked by; what stands before that, anybody may have
    written. Where the header tells less than the proxies must have added, it is not believed at all. Behind a proxy of
    this house that the settings do not know of, nobody's address is known: all would share the proxy's.
    """
    told = [part.strip() for part in (req.get_header("X-Forwarded-For") or "").split(",") if part.strip()]
    peer = _household(req.remote_addr)
    if trusted_proxies == 0 and told and peer and not ip_network(peer).is_global:
        return ""
    hop = told[-trusted_proxies] if 0 < trusted_proxies <= len(told) else ""
    return _household(hop) or peer


def count_by_address(req: falcon.Request, kind: str) -> None:
    """Count what comes from this address; raises TooManyRequests.

    Where a CMS's server asks for its residents, or the address is not known, there is no limit by address: it would be
    one for everybody together.
    """
    source = source_of(req)
    if source.address:
        reader_of(req).room.rates.hit(kind, source.mandant, source.address)


def source_of(req: falcon.Request, visitor: Visitor | None = None) -> Source:
    """Return who acts by this request, `visitor` if the request is about to sign them in.

    A fragment is asked for by the CMS's server, whose address says nothing of the resident.
    """
    reader = reader_of(req)
    who = visitor or reader.visitor
    by_cms = who is not None and who.base_url is not None
    return Source(
        mandant=reader.mandant_id,
        actor=Actor.NOBODY if who is None else Actor.RESIDENT,
        now=reader.room.clock(),
        connection=who.connection if who else "",
        account=who.account if who else None,
        person=who.person if who else None,
        address="" if by_cms else address_of(req, reader.room.settings.service.trusted_proxies),
        request_id=req.context.request_id,
        notice=_notice(reader, who),
    )


def _notice(reader: Reader, who: Visitor | None) -> Notice | None:
    if reader.room.settings.service.mail is None:
        return None
    return Notice(reader.lang, who.email if who else "")


_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"), ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("CrOS", "ChromeOS"),
    ("Mac OS", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


def device_label(user_agent: str | None) -> str:
    """Return a browser's name and system as people know them, "" for what is not known: Firefox, Android."""
    said = user_agent or ""
    names = (next((name for sign, name in known if sign in said), "") for known in (_BROWSERS, _SYSTEMS))
    return ", ".join(name for name in names if name)


def source_of_cms(req: falcon.Request, connection: str) -> Source:
    """Return the CMS as who acts: its back end, or its server on its own account."""
    reader = reader_of(req)
    return Source(
        mandant=reader.mandant_id,
        actor=Actor.CMS,
        now=reader.room.clock(),
        connection=connection,
        address=address_of(req, reader.room.settings.service.trusted_proxies),
        request_id=req.context.request_id,
    )


def _household(text: str) -> str:
    """Return an address without port and zone, of IPv6 the /64; "" for what is none."""
    host = text.partition("]")[0].removeprefix("[") if text.startswith("[") else text
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network(f"{address}/{_HOUSEHOLD}", strict=False))
