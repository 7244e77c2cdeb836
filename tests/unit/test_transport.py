"""What the doctor says of ways that would cross a network unencrypted."""

from pathlib import Path

import pytest

from service.doctor import examine
from service.settings import Settings, load_settings
from service.transport import unencrypted
from tests.support.portal import Installation


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
