"""What settings and doctor ask of PEM files: whether TLS can use them, and until when a certificate is valid."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

_UTC_TIME, _VERSION = 0x17, 0xA0
_LONG_LENGTH, _LENGTH_OF_LENGTH = 0x80, 0x7F


def check_client_certificate(cert: Path, key: Path | None) -> None:
    """Raise ValueError, naming the setting, for a certificate or key that TLS could not show."""
    _check_readable("client_cert", cert)
    if key is not None:
        _check_readable("client_key", key)
    try:
        # an empty passphrase: without one, OpenSSL would ask for it at the terminal
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(cert, key, password="")
    except (ssl.SSLError, ValueError) as fault:
        raise ValueError(
            f"client_cert: {cert} and {key or 'the key in it'} are not a certificate and its key, as PEM and without "
            f"a passphrase ({_reason(fault)})"
        ) from None


def check_ca(ca: Path) -> None:
    """Raise ValueError, naming the setting, for a bundle that TLS could not check a server with."""
    _check_readable("ca", ca)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(ca)
    except ssl.SSLError as fault:
        raise ValueError(f"ca: {ca} holds no certificates as PEM ({_reason(fault)})") from None


def _check_readable(setting: str, file: Path) -> None:
    try:
        file.read_bytes()
    except OSError as fault:
        raise ValueError(f"{setting}: {file} cannot be read ({fault.strerror})") from None


def _reason(fault: Exception) -> str:
    return str(getattr(fault, "reason", None) or type(fault).__name__)


def validity(cert: Path) -> tuple[datetime, datetime]:
    """Return from when until when the first certificate of a PEM file is valid (RFC 5280, 4.1.2.5).

    Raises OSError, or ValueError when it is none. Read here because Python's ssl tells it only of certificates that
    the other side has shown.
    """
    _, begin, rest = cert.read_text(encoding="ascii").partition(ssl.PEM_HEADER)
    der = ssl.PEM_cert_to_DER_cert(begin + rest.partition(ssl.PEM_FOOTER)[0] + ssl.PEM_FOOTER)
    try:
        ((_, certificate),) = _parts(der)
        _, to_be_signed = next(_parts(certificate))
        fields = [content for tag, content in _parts(to_be_signed) if tag != _VERSION]
        _serial, _algorithm, _issuer, period, *_ = fields
        begins, ends = (_moment(tag, content) for tag, content in _parts(period))
    except (IndexError, StopIteration) as fault:
        raise ValueError("not a certificate") from fault
    return begins, ends


def _parts(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and content of each part of a DER sequence (X.690)."""
    at = 0
    while at < len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length & _LONG_LENGTH:
            size = length & _LENGTH_OF_LENGTH
            length, at = int.from_bytes(der[at : at + size]), at + size
        yield tag, der[at : at + length]
        at += length


def _moment(tag: int, content: bytes) -> datetime:
    pattern = "%y%m%d%H%M%SZ" if tag == _UTC_TIME else "%Y%m%d%H%M%SZ"
    return datetime.strptime(content.decode("ascii"), pattern).replace(tzinfo=UTC)
