"""Mutual TLS against a real TLS server: certificates shown, missing, foreign, expired; alone and with a token."""

import os
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import structlog
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import ValidationError

from service.doctor import _over_http
from service.pem import validity
from service.settings import ImmotionSettings
from service.sync.immotion import checkup
from service.sync.immotion.channel import Accepted, CredentialsRefused, Temporary
from service.sync.immotion.http import HttpChannel, health
from tests.support.tokens import TOKEN_PATH, FarSide, far_side

NOW = datetime.now(UTC).replace(microsecond=0)
ACCEPTED = Accepted(None, "V-1")


@dataclass(frozen=True)
class Pki:
    """A CA of this test, its bundle, and files of certificates it has issued."""

    ca: trustme.CA
    bundle: Path
    directory: Path

    def issue(self, name: str, ca: trustme.CA | None = None, **dates: datetime) -> dict[str, Path]:
        issued = (ca or self.ca).issue_cert(f"{name}@example.test", **dates)
        cert, key = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(key))
        return {"client_cert": cert, "client_key": key}


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    directory = tmp_path_factory.mktemp("pki")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(directory / "ca.pem"))
    return Pki(ca, directory / "ca.pem", directory)


def server_context(pki: Pki, newest: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = newest
    context.verify_mode = ssl.CERT_REQUIRED
    pki.ca.configure_trust(context)
    pki.ca.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def side(pki: Pki, request: pytest.FixtureRequest) -> Iterator[FarSide]:
    with far_side(server_context(pki, request.param)) as running:
        yield running


def settings_of(side: FarSide, pki: Pki, **more: Any) -> ImmotionSettings:
    return ImmotionSettings(**{"url": side.url, "timeout_s": 5, "ca": pki.bundle} | more)


def put(settings: ImmotionSettings) -> Accepted:
    channel = HttpChannel(settings)
    try:
        return channel.put_vorgang(uuid4(), {"a": "x" * 100_000}, "r")
    finally:
        channel.close()


def test_a_certificate_of_the_agreed_ca_is_enough(side: FarSide, pki: Pki) -> None:
    settings = settings_of(side, pki, **pki.issue("portal"))
    assert put(settings) == ACCEPTED
    assert [shown for _, shown, _ in side.calls] == [None]
    assert health(settings) is None
    assert checkup.access(settings) is None
    assert checkup.shown(settings) == "a certificate"


def test_certificate_and_key_may_stand_in_one_file(side: FarSide, pki: Pki) -> None:
    both = pki.issue("together")
    file = pki.directory / "both.pem"
    file.write_bytes(both["client_cert"].read_bytes() + both["client_key"].read_bytes())
    assert put(settings_of(side, pki, client_cert=file)) == ACCEPTED


def test_a_certificate_goes_with_a_token_or_with_client_credentials(side: FarSide, pki: Pki) -> None:
    files = pki.issue("portal")
    assert put(settings_of(side, pki, token="fixed", **files)) == ACCEPTED
    oauth = {"token_url": side.url + TOKEN_PATH, "client_id": "portal", "client_secret": "geheim"}
    assert put(settings_of(side, pki, oauth=oauth, **files)) == ACCEPTED
    assert [shown for _, shown, _ in side.calls] == ["Bearer fixed", "Bearer token-1"]


def test_without_a_certificate_the_server_refuses_us(side: FarSide, pki: Pki) -> None:
    settings = settings_of(side, pki, token="fixed")
    with pytest.raises(CredentialsRefused, match=r"ALERT"):
        put(settings)
    assert "refuses our certificate" in str(health(settings))
    assert side.calls == []


def test_the_token_endpoint_may_refuse_us_for_the_lack_of_one_too(side: FarSide, pki: Pki) -> None:
    oauth = {"token_url": side.url + TOKEN_PATH, "client_id": "portal", "client_secret": "geheim"}
    with pytest.raises(CredentialsRefused, match=r"oauth:\w*ALERT"):
        put(settings_of(side, pki, oauth=oauth))
    assert side.asked == []


@pytest.mark.parametrize("kind", ["foreign", "expired"])
def test_a_foreign_or_expired_certificate_is_refused(side: FarSide, pki: Pki, kind: str) -> None:
    past = {"not_before": NOW - timedelta(days=9), "not_after": NOW - timedelta(days=1)}
    files = pki.issue("foreign", trustme.CA()) if kind == "foreign" else pki.issue("expired", **past)
    settings = settings_of(side, pki, **files)
    with pytest.raises(CredentialsRefused, match=r"ALERT"):
        HttpChannel(settings).find_vorgang(uuid4(), "r")
    assert side.calls == []


def test_a_server_that_our_ca_does_not_know_gets_nothing(side: FarSide, pki: Pki, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    for ca in (other, None):
        settings = settings_of(side, pki, ca=ca, token="fixed", **pki.issue("portal"))
        with pytest.raises(Temporary, match="SSLError"):
            put(settings)
        assert "name its CA in immotion.ca" in str(health(settings))
    assert side.calls == []


def test_the_doctor_warns_two_weeks_before_a_certificate_expires(pki: Pki) -> None:
    ends = NOW + timedelta(days=30)
    cert = pki.issue("dated", not_before=NOW, not_after=ends)["client_cert"]
    assert validity(cert) == (NOW, ends)
    assert checkup.certificate(cert, NOW) == (False, f"is valid until {ends:%Y-%m-%d %H:%M} UTC")
    for moment, text in [
        (ends - timedelta(days=13), f"UTC, which is soon; have it renewed, replace {cert} and its key, and restart"),
        (ends, "has expired at"),
        (NOW - timedelta(seconds=1), "is valid only from"),
    ]:
        wrong, said = checkup.certificate(cert, moment)
        assert wrong
        assert text in said


def test_the_doctor_looks_at_certificate_immotion_and_access(side: FarSide, pki: Pki) -> None:
    soon = pki.issue("soon", not_after=NOW + timedelta(days=3))
    found = [(finding.subject, finding.good) for finding in _over_http(settings_of(side, pki, **soon), "m")]
    assert found == [("m client certificate", False), ("m immotion", True), ("m immotion's access", True)]


def test_a_validity_beyond_2050_is_read_too(pki: Pki) -> None:
    late = datetime(2051, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert validity(pki.issue("late", not_after=late)["client_cert"])[1] == late


@pytest.mark.parametrize("content", ["", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----", "ä"])
def test_the_doctor_names_a_certificate_that_has_been_broken_since(tmp_path: Path, content: str) -> None:
    cert = tmp_path / "cert.pem"
    cert.write_text(content, encoding="utf-8")
    wrong, said = checkup.certificate(cert, NOW)
    assert wrong
    assert "cannot be read" in said
    assert "immotion.client_cert" in checkup.certificate(tmp_path / "none.pem", NOW)[1]


def refused(**given: Any) -> str:
    with pytest.raises(ValidationError) as error:
        ImmotionSettings(**{"url": "https://immotion.example"} | given)
    return str(error.value)


def test_files_of_tls_are_refused_by_name(pki: Pki, tmp_path: Path) -> None:
    one, other = pki.issue("one"), pki.issue("other")
    locked, noise = tmp_path / "locked.key", tmp_path / "noise.pem"
    key = load_pem_private_key(one["client_key"].read_bytes(), None)
    protected = BestAvailableEncryption(b"geheim")
    locked.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protected))
    noise.write_text("no certificate", encoding="utf-8")
    cert = one["client_cert"]
    assert "client_key: belongs to a client_cert" in refused(client_key=one["client_key"])
    assert "client_cert: /nope cannot be read (No such file" in refused(client_cert="/nope")
    assert "client_key: /nope cannot be read (No such file" in refused(client_cert=cert, client_key="/nope")
    assert "(KEY_VALUES_MISMATCH)" in refused(client_cert=cert, client_key=other["client_key"])
    assert "without a passphrase" in refused(client_cert=cert, client_key=locked)
    assert f"client_cert: {noise} and the key in it are not" in refused(client_cert=noise)
    assert "client_cert: can only be shown to a url" in refused(url="http://immotion.example", **one)
    assert "ca: /nope cannot be read" in refused(ca="/nope")
    assert f"ca: {noise} holds no certificates as PEM" in refused(ca=noise)


def test_a_certificate_that_is_renewed_is_shown_by_the_channels_that_run_and_a_broken_one_is_not(
    side: FarSide, pki: Pki
) -> None:
    past = {"not_before": NOW - timedelta(days=9), "not_after": NOW - timedelta(days=1)}
    os.utime(pki.bundle, (NOW.timestamp() - 90, NOW.timestamp() - 90))
    settings = settings_of(side, pki, **pki.issue("renewed", **past))
    channel = HttpChannel(settings)
    watched, moments = channel._pools._source, count(0, 10)
    watched.monotonic = lambda: float(next(moments))

    def put() -> Accepted:
        channel._pools.now().clear()  # a connection that stays open goes on with what it began with
        return channel.put_vorgang(uuid4(), {}, "r")

    with pytest.raises(CredentialsRefused, match=r"ALERT"):
        put()
    for file in pki.issue("renewed").values():
        os.utime(file, (NOW.timestamp() - 60, NOW.timestamp() - 60))
    assert put() == ACCEPTED
    settings.client_cert.write_bytes(settings.client_cert.read_bytes()[:500])
    os.utime(settings.client_cert, (NOW.timestamp() - 30, NOW.timestamp() - 30))
    with structlog.testing.capture_logs() as logs:
        assert [put(), put()] == [ACCEPTED, ACCEPTED]
        begun_now = HttpChannel(settings)
        begun_now._pools._source.monotonic = watched.monotonic
        with pytest.raises(Temporary):
            begun_now.put_vorgang(uuid4(), {}, "r")
        pki.issue("renewed")
        for file in (settings.client_cert, settings.client_key):
            os.utime(file, (NOW.timestamp() - 20, NOW.timestamp() - 20))
        assert begun_now.put_vorgang(uuid4(), {}, "r") == ACCEPTED
    channel.close()
    begun_now.close()
    assert [log["event"] for log in logs] == ["keys_unusable", "keys_unusable", "keys_read"]
    assert {log["setting"] for log in logs} == {"immotion.client_cert"}
