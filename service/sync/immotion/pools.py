"""Connections, and what TLS is spoken with: a context of the PEM files of the settings, made anew when they change."""

import os
import ssl
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import urllib3
from requests.utils import get_auth_from_url, get_environ_proxies, select_proxy
from urllib3.util import parse_url
from urllib3.util.ssl_ import create_urllib3_context

from service.pem import check_ca, check_client_certificate
from service.settings import ImmotionSettings
from service.sync.immotion.tls import POOLS
from service.watched import Made, Watched, stamp_of

CONNECT_S = 5

Tls = Watched[ssl.SSLContext | None]


class Pool:
    """The connections to one origin, by the environment's proxy if it names one.

    urllib3 itself, not requests on top of it, and without its manager where there is no proxy: cookies, redirects,
    merged settings and the search for the right pool have no use here and are half of what a delivery costs.
    """

    def __init__(self, url: str, tls: ssl.SSLContext | None) -> None:
        self._manager = _manager(url, tls)
        self._direct = None
        if not isinstance(self._manager, urllib3.ProxyManager):
            self._direct = self._manager.connection_from_url(url)
        self._origin = parse_url(url)._replace(path=None, query=None, fragment=None).url

    def send(
        self,
        method: str,
        url: str,
        *,
        body: Any,  # noqa: ANN401 - urllib3 takes bytes and files
        headers: Mapping[str, str],
        read_s: float,
    ) -> urllib3.BaseHTTPResponse:
        """Return the answer to one request to a URL of the origin, its body not read yet; raises HTTPError."""
        options: dict[str, Any] = {
            "body": body,
            "headers": headers,
            "preload_content": False,
            "redirect": False,
            "retries": False,
            "timeout": urllib3.Timeout(connect=CONNECT_S, read=read_s),
        }
        if self._direct is None:
            return self._manager.urlopen(method, url, **options)
        target = url.removeprefix(self._origin)
        target = target if target.startswith("/") else f"/{target}"
        return self._direct.urlopen(method, target, assert_same_host=False, **options)

    def clear(self) -> None:
        """Close the connections; the next request makes new ones."""
        self._manager.clear()


Pools = Made[ssl.SSLContext | None, Pool]


def pools(url: str, tls: Tls) -> Pools:
    """Return the pool for an address, and another when certificates are renewed."""
    return Made(tls, partial(Pool, url))


def _manager(url: str, tls: ssl.SSLContext | None) -> urllib3.PoolManager:
    given: dict[str, Any] = {"ssl_context": tls}
    proxy = select_proxy(url, get_environ_proxies(url))
    if proxy:
        proxy = proxy if "://" in proxy else f"http://{proxy}"
        headers = urllib3.make_headers(proxy_basic_auth=":".join(get_auth_from_url(proxy)))
        manager: urllib3.PoolManager = urllib3.ProxyManager(proxy, proxy_headers=headers, **given)
    else:
        manager = urllib3.PoolManager(**given)
    manager.pool_classes_by_scheme = POOLS
    return manager


def tls_of(settings: ImmotionSettings) -> Tls:
    """Return what TLS is spoken with; made anew when a file of it changes, and the former one if that is no good.

    Where the settings name no CAs the environment may, as it does for requests. Without any file it is urllib3's own:
    the system's CAs.
    """
    environment = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    ca = settings.ca or (Path(environment) if environment else None)
    files = [file for file in (ca, settings.client_cert, settings.client_key) if file is not None]

    def read() -> ssl.SSLContext:
        if settings.client_cert is not None:
            check_client_certificate(settings.client_cert, settings.client_key)
        if settings.ca is not None:
            check_ca(settings.ca)
        try:
            return _context(settings, ca)
        except OSError as fault:
            raise ValueError(f"{type(fault).__name__}: {fault.strerror}") from None

    if not files:
        return Watched("tls", None)
    try:
        taken, value = stamp_of(files), read()
    except ValueError:
        # broken just now: nobody is trusted until the next look, which says what is wrong
        taken, value = None, create_urllib3_context()
    return Watched("immotion.client_cert", value, files, read, taken)


def _context(settings: ImmotionSettings, ca: Path | None) -> ssl.SSLContext:
    context = create_urllib3_context()
    if ca is None:
        context.load_default_certs()
    elif ca.is_dir():
        context.load_verify_locations(capath=ca)
    else:
        context.load_verify_locations(ca)
    if settings.client_cert is not None:
        context.load_cert_chain(settings.client_cert, settings.client_key, password="")
    return context
