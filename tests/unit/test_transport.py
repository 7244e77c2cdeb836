"""What the doctor says of ways that would cross a network unencrypted."""

import ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from uuid import uuid4

import pytest
from urllib3.util.ssl_ import create_urllib3_context

from service.doctor import examine
from service.settings import ImmotionSettings, Settings, load_settings
from service.sync.immotion.channel import Temporary
from service.sync.immotion.http import HttpChannel, health
from service.transport import unencrypted
from tests.support.portal import ENCRYPTION_KEY, Installation


def changed(tmp_path: Path, old: str, new: str) -> Settings:
    installation = Installation(tmp_path, database=f"sqlite:///{tmp_path}/portal.db")
    text = installation.config.read_text(encoding="utf-8")
    assert old in text
    installation.config.write_text(text.replace(old, new), encoding="utf-8")
    return load_settings(installation.config)


def test_what_stays_on_this_host_needs_no_encryption(tmp_path: Path) -> None:
    assert unencrypted(load_settings(Installation(tmp_path, database=f"sqlite:///{tmp_path}/p.db").config)) == []


@pytest.mark.parametrize(
    "database,told",
    [
        ("postgresql://u:p@db.example/portal", True),
        ("postgresql://u:p@db.example/portal?sslmode=prefer", True),
        ("postgresql://u:p@db.example/portal?sslmode=verify-full", False),
        ("postgresql:///portal?host=/run/postgresql", False),
        ("postgresql://u:p@[::1]/portal", False),
        ("mysql://u:p@db.example/portal", True),
        ("mysql://u:p@db.example/portal?ssl_ca=/etc/ca.pem&ssl_verify_identity=1", False),
        ("mysql:///portal?unix_socket=/run/mysqld/mysqld.sock", False),
    ],
)
def test_a_database_elsewhere_wants_tls(tmp_path: Path, database: str, told: bool) -> None:
    found = unencrypted(changed(tmp_path, f"sqlite:///{tmp_path}/portal.db", database))
    assert ["service.database" in one for one in found] == [True] * told
    assert "p@" not in str(found)


@pytest.mark.parametrize(
    "old,new,named",
    [
        ('public_url = "http://127.0.0.1', 'public_url = "http://portal.example', "service.public_url"),
        ("[service]\n", '[service]\ns3 = { endpoint = "http://s3.example" }\n', "service.s3.endpoint"),
        ("[service]\n", '[service]\nscan = { address = "clamd.example:3310" }\n', "service.scan.address"),
        (
            "[service]\n",
            f'[service]\nmetrics_bind = "10.0.0.1:9108"\nmetrics_token = "{ENCRYPTION_KEY}"\n',
            "service.metrics_bind",
        ),
        ("rates = { ", 'rates = { storage = "redis://:p@redis.example:6379/0", ', "service.rates.storage"),
        (
            "[mandanten.musterbau]\n",
            '[service.mail]\nhost = "mail.example"\ntls = "none"\nsender = "p@example.de"\n[mandanten.musterbau]\n',
            "service.mail.tls",
        ),
        (
            '"http"\nurl = "http://127.0.0.1',
            '"http"\nurl = "http://immotion.example',
            "mandanten.musterbau.immotion.url",
        ),
        (
            'token = "standin-token"',
            'oauth = { token_url = "http://login.example/t", client_id = "i", client_secret = "s" }',
            "mandanten.musterbau.immotion.oauth.token_url",
        ),
        (
            'kind = "generic"\norigins = [',
            'kind = "generic"\norigins = ["http://www.example.de", ',
            "mandanten.musterbau.connections.website.origins",
        ),
    ],
)
def test_each_way_is_named_by_its_setting(tmp_path: Path, old: str, new: str, named: str) -> None:
    (found,) = unencrypted(changed(tmp_path, old, new))
    assert found.startswith(named)


def test_the_doctor_says_so(tmp_path: Path) -> None:
    settings = changed(tmp_path, 'public_url = "http://127.0.0.1', 'public_url = "http://portal.example')
    (finding,) = [one for one in examine(settings) if one.subject == "transport"]
    assert not finding.good
    assert "service.public_url" in finding.text


@pytest.mark.parametrize("mode,told", [(0o600, False), (0o640, False), (0o644, True), (0o602, True)])
def test_the_doctor_names_files_with_secrets_that_everybody_may_read(tmp_path: Path, mode: int, told: bool) -> None:
    secret = tmp_path / "token"
    secret.write_text("standin-token\n", encoding="utf-8")
    secret.chmod(mode)
    settings = changed(tmp_path, 'token = "standin-token"', f'token_file = "{secret}"')
    (finding,) = [one for one in examine(settings) if one.subject == "secrets"]
    assert (str(secret) in finding.text, finding.good) == (told, not told)
    assert "standin-token" not in finding.text


def test_connections_to_others_begin_at_tls_1_2() -> None:
    """libpq and PyMySQL take OpenSSL's own defaults, which begin there too."""
    for context in (create_urllib3_context(), ssl.create_default_context()):
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert context.check_hostname


def test_an_answer_that_points_elsewhere_is_not_followed() -> None:
    asked = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(307)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_PUT = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        settings = ImmotionSettings(url=f"http://127.0.0.1:{server.server_port}")
        channel = HttpChannel(settings)
        for ask in (
            lambda: channel.put_vorgang(uuid4(), {}, "r"),
            lambda: channel.ereignisse("", wait=0),
            lambda: channel.dokument("d").__enter__(),
        ):
            with pytest.raises(Temporary):
                ask()
        assert "307" in str(health(settings))
        channel.close()
        server.shutdown()
    assert len(asked) == 4
    assert "/elsewhere" not in asked
