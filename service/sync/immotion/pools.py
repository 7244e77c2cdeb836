"""What TLS is spoken with: a context of the PEM files that the settings name, made anew when they change."""

import os
import ssl
from pathlib import Path

from urllib3 import PoolManager
from urllib3.util.ssl_ import create_urllib3_context

from service.pem import check_ca, check_client_certificate
from service.settings import ImmotionSettings
from service.watched import Made, Watched, stamp_of

Tls = Watched[ssl.SSLContext | None]
Pools = Made[ssl.SSLContext | None, PoolManager]


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
