"""Settings refuse by name, and say what to do."""

from datetime import timedelta
from pathlib import Path
from textwrap import dedent

import pytest

from service.settings import (
    CONFIG_VARIABLE,
    LEASE_MAX_S,
    BucketUrl,
    FileDropSettings,
    ImmotionSettings,
    SettingsError,
    load_settings,
)
from service.store import outbox
from tests.support.filedrop import DropInstallation
from tests.support.portal import ENCRYPTION_KEY, Installation

ENCRYPTION = f'encryption_keys = ["{ENCRYPTION_KEY}"]'

MUSTERBAU = "[mandanten.musterbau]"
MAIL = '[service.mail]\nhost = "mail.example.de"\n'
SENDER = f'{MAIL}sender = "portal@example.de"\n'


def refused(tmp_path: Path, old: str, new: str) -> str:
    installation = Installation(tmp_path)
    text = installation.config.read_text(encoding="utf-8")
    assert old in text
    installation.config.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        load_settings(installation.config)
    return str(error.value)


@pytest.mark.parametrize(
    "old,new,named",
    [
        (
            'secret_keys = ["0123456789abcdef0123456789abcdef"]',
            'secret_keys = ["short"]',
            "service.secret_keys: at least 32",
        ),
        ('secret_keys = ["0123456789abcdef0123456789abcdef"]', "", "service.secret_keys: give at least one"),
        ('secret_keys = ["0123456789abcdef0123456789abcdef"]', 'secret_keys_file = "/nope"', "/nope cannot be read"),
        (
            'keys = ["0123456789abcdef0123456789abcdef"]\ntrust',
            'keys = ["x"]\ntrust',
            "mandanten.musterbau.connections.website.keys",
        ),
        (
            'name = "Musterbau eG"',
            "",
            "musterbau.name: is missing; set it in the file or as MIETERPORTAL_MANDANTEN__MUSTERBAU__NAME",
        ),
        ('name = "Musterbau eG"', 'name = "x"\nnmae = "y"', "mandanten.musterbau.nmae: is not a setting"),
        ('kind = "generic"', 'kind = "drupal"', "mandanten.musterbau.connections.website.kind"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/", "connections.website.origins"),
        ('database = "sqlite', 'database = "oracle', "service.database: must begin with"),
        ('public_url = "http', 'public_url = "ftp', "service.public_url"),
        (MUSTERBAU, f'{MAIL}sender = "Portal <p@x.de>"\n{MUSTERBAU}', "service.mail.sender: must be an address like"),
        (MUSTERBAU, f"{MAIL}{MUSTERBAU}", "service.mail.sender: is missing"),
        (MUSTERBAU, f'{SENDER}user = "u"\n{MUSTERBAU}', "service.mail.user: belongs to a password"),
        (MUSTERBAU, f'{SENDER}password = "p"\n{MUSTERBAU}', "service.mail.user: belongs to a password"),
        (
            MUSTERBAU,
            f'{SENDER}password_file = "/nope"\n{MUSTERBAU}',
            "service.mail.password_file: /nope cannot be read",
        ),
        (
            MUSTERBAU,
            f'{SENDER}user = "u"\npassword = "p"\ntls = "none"\n{MUSTERBAU}',
            "service.mail.password: would cross the network unencrypted",
        ),
        (MUSTERBAU, f'{SENDER}ca = "/nope"\n{MUSTERBAU}', "service.mail.ca: /nope cannot be read"),
        (MUSTERBAU, f'{SENDER}tls = "ssl"\n{MUSTERBAU}', "service.mail.tls"),
        ("[service]", '[service]\nmetrics_token = "short"', "service.metrics_token: at least 32"),
        ("[service]", '[service]\nmetrics_token_file = "/nope"', "/nope cannot be read"),
        ("[service]", '[service]\nmetrics_bind = "9108"', "service.metrics_bind: must be host and port"),
        ("[service]", '[service]\nmetrics_bind = "127.0.0.1:99999"', "service.metrics_bind"),
        ("[service]", '[service]\nmetrics_bind = "0.0.0.0:9108"', "service.metrics_bind: 0.0.0.0:9108 can be reached"),
        ("[service]", '[service]\nmetrics_bind = "[::]:9108"', "service.metrics_bind: [::]:9108 can be reached"),
        ("[service]", '[service]\nmetrics_bind = "prometheus:9108"', "set metrics_token"),
        ("[service]", '[service]\ntimezone = "Mars/Olympus"', "service.timezone"),
        ('fact = "vertragsbeginn"', 'fact = "geburt"', "mandanten.musterbau.invitation.fact"),
        ('fact = "vertragsbeginn"', 'fact = "csv"', 'fact_label: fact = "csv" asks for what your list says'),
        ("konto/aktivieren", "konto/aktivieren#x", "mandanten.musterbau.invitation.url: must be the address of a page"),
        ('fact = "vertragsbeginn"', "days = 0", "mandanten.musterbau.invitation.days"),
        ("rates = { ", 'rates = { sso_account = "often", ', "service.rates.sso_account: must be like"),
        ("rates = { ", 'rates = { storage = "memcached://x", ', "service.rates.storage: must be memory://"),
        ("rates = { ", 'rates = { sso = "1/minute", ', "service.rates.sso: is not a setting"),
        ("[service]", "[service]\ntrusted_proxies = -1", "service.trusted_proxies"),
        ("[service]", "[service]\naudit_days = 0", "service.audit_days"),
        ('files = "', 'files = "gs://b/" # ', "service.files: must be a folder, or like s3://bucket/prefix"),
        ('files = "', 'files = "s3:///only/prefix" # ', "service.files: must be a folder, or like s3://bucket/prefix"),
        ('files = "', 'files = "s3://key:secret@bucket" # ', "service.files: must be a folder, or like"),
        ('files = "', 'files = "" # ', "service.files: must be a folder, or begin with s3://"),
        (
            "[service]",
            '[service]\ns3 = { access_key_id = "k" }',
            "service.s3.access_key_id: belongs to a secret",
        ),
        (
            "[service]",
            '[service]\ns3 = { secret_access_key_file = "/nope" }',
            "s3.secret_access_key_file: /nope",
        ),
        ("[service]", '[service]\ns3 = { endpoint = "s3.example.de" }', "service.s3.endpoint: must be an address"),
        ("[service]", '[service]\nscan = { address = "clamd" }', "service.scan.address: must be host and port"),
        ("[service]", "[service]\nscan = { timeout_s = 3 }", "service.scan.address: is missing"),
        ("[service]", "[service", "is not valid TOML"),
        ("[service]", "[service]\nworkers = 0", "service.workers"),
        (ENCRYPTION, 'encryption_keys = ["short"]', "service.encryption_keys: at least 32"),
        (ENCRYPTION, 'encryption_keys_file = "/nope"', "/nope cannot be read"),
        (ENCRYPTION, "", "service.encryption_keys: give at least one secret, or name a file in encryption_keys_file"),
        ('"dokumente"', '"kaffee"', "mandanten.musterbau.level2.actions"),
        ("[mandanten.musterbau.level2]", "[mandanten.musterbau.level2]\nminutes = 0", "musterbau.level2.minutes"),
        (
            "[mandanten.musterbau.level2]",
            '[mandanten.musterbau.level2]\ncompulsory_from = "soon"',
            "musterbau.level2.compulsory_from",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    assert named in refused(tmp_path, old, new)


HTTP = 'channel = "http"\n'
FILEDROP = 'channel = "filedrop"\n'


@pytest.mark.parametrize(
    "channel,named",
    [
        ('channel = "fax"\n', 'mandanten.musterbau.immotion: channel must be "http" or "filedrop"'),
        (
            FILEDROP,
            "mandanten.musterbau.immotion.directory: is missing; set it in the file or as MIETERPORTAL_MANDANTEN",
        ),
        (FILEDROP + 'directory = "drop"\n', "mandanten.musterbau.immotion.directory: must be an absolute path"),
        (FILEDROP + 'directory = "/x"\nsettle_s = -1\n', "mandanten.musterbau.immotion.settle_s: "),
        (FILEDROP + 'directory = "/x"\n', "mandanten.musterbau.immotion.url: is not a setting"),
        (HTTP + "timeout_s = 0\n", "mandanten.musterbau.immotion.timeout_s: "),
        (HTTP + "lease_s = 56\n", "mandanten.musterbau.immotion.lease_s: "),
        (FILEDROP + 'directory = "/x"\nlease_s = 56\n', "mandanten.musterbau.immotion.lease_s: "),
    ],
)
def test_each_channel_has_its_own_settings(tmp_path: Path, channel: str, named: str) -> None:
    assert named in refused(tmp_path, HTTP, channel)


TOKEN = 'token = "standin-token"'
OAUTH = 'token_url = "http://x/t", client_id = "c"'


@pytest.mark.parametrize(
    "given,named",
    [
        (f'{TOKEN}\noauth = {{ {OAUTH}, client_secret = "s" }}', "immotion.oauth: there is a token, too"),
        (f"oauth = {{ {OAUTH} }}", "immotion.oauth.client_secret: give it, or name a file"),
        (f'oauth = {{ {OAUTH}, client_secret_file = "/nope" }}', "oauth.client_secret_file: /nope cannot be read"),
        ('oauth = { token_url = "http://x/t", client_secret = "s" }', "immotion.oauth.client_id: is missing"),
        ('oauth = { token_url = "ftp://x", client_id = "c", client_secret = "s" }', "immotion.oauth.token_url: must"),
        ('oauth = { token_url = "http://u:p@x/", client_id = "c", client_secret = "s" }', "token_url: must be"),
        ('token_file = "/nope"', "mandanten.musterbau.immotion.token_file: /nope cannot be read"),
        ('token_file = "/dev/null"', "mandanten.musterbau.immotion.token_file: /dev/null holds none"),
        ('token = "schlüssel"', "mandanten.musterbau.immotion.token: only printable ASCII"),
        ('client_key = "/nope"', "mandanten.musterbau.immotion.client_key: belongs to a client_cert"),
        ('ca = "/nope"', "mandanten.musterbau.immotion.ca: /nope cannot be read (No such file"),
    ],
)
def test_what_is_shown_to_immotion_is_refused_by_name(tmp_path: Path, given: str, named: str) -> None:
    assert named in refused(tmp_path, TOKEN, given)


def test_a_refused_setting_does_not_tell_the_secret_beside_it(tmp_path: Path) -> None:
    told = refused(tmp_path, TOKEN, f'{TOKEN}\noauth = {{ {OAUTH}, client_secret = "geheim" }}')
    assert not [secret for secret in ("geheim", "standin-token") if secret in told]


@pytest.mark.parametrize("bind", ["127.0.0.1:9108", "127.3.2.1:9108", "[::1]:9108", "localhost:9108"])
def test_an_address_of_this_host_needs_no_token_for_the_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bind: str
) -> None:
    monkeypatch.setenv("MIETERPORTAL_SERVICE__METRICS_BIND", bind)
    assert not load_settings(Installation(tmp_path).config).service.metrics_need_token


def test_what_a_dead_worker_held_moves_within_a_minute_whatever_is_set() -> None:
    assert timedelta(seconds=LEASE_MAX_S) + timedelta(seconds=5) <= outbox.LEASE_MAX <= timedelta(minutes=1)


def test_a_mandant_may_have_a_folder(tmp_path: Path) -> None:
    installation = DropInstallation(tmp_path)
    immotion = load_settings(installation.config).mandanten["musterbau"].immotion
    assert isinstance(immotion, FileDropSettings)
    assert immotion.directory == installation.drop


def test_two_mandanten_with_one_folder_are_refused(tmp_path: Path) -> None:
    same = f'[mandanten.nachbar.immotion]\nchannel = "filedrop"\ndirectory = "{tmp_path}/ablage"'
    installation = DropInstallation(tmp_path, extra=same)
    with pytest.raises(SettingsError, match=r"mandanten\.nachbar\.immotion\.directory: musterbau has this folder"):
        load_settings(installation.config)


def test_the_doctor_looks_into_the_folders(tmp_path: Path) -> None:
    installation = DropInstallation(tmp_path)
    assert installation.run("migrate").returncode == 0
    assert f"ok    musterbau immotion: {installation.drop} can be written" in installation.run("doctor").stdout
    (installation.drop / "quittung").rmdir()
    found = installation.run("doctor")
    assert found.returncode == 1
    assert f"FAIL  musterbau immotion: {installation.drop}/quittung cannot be written (No such file" in found.stdout


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--config"):
        load_settings(tmp_path / "none.toml")


def test_without_anything_the_first_missing_settings_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CONFIG_VARIABLE, raising=False)
    with pytest.raises(SettingsError, match="MIETERPORTAL_SERVICE"):
        load_settings()


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installation = Installation(tmp_path)
    monkeypatch.setenv("MIETERPORTAL_SERVICE__PUBLIC_URL", "https://portal.example.de/")
    monkeypatch.setenv("MIETERPORTAL_MANDANTEN__MUSTERBAU__IMMOTION__TOKEN", "other")
    monkeypatch.setenv("MIETERPORTAL_MANDANTEN__MUSTERBAU__CONNECTIONS__WEBSITE__ORIGINS", '["https://www.example.de"]')
    settings = load_settings(installation.config)
    assert settings.service.public_url == "https://portal.example.de"
    immotion = settings.mandanten["musterbau"].immotion
    assert isinstance(immotion, ImmotionSettings)
    assert immotion.token == "other"
    assert settings.mandanten["musterbau"].connections["website"].origins == ("https://www.example.de",)


def test_secrets_may_stand_in_files_one_a_line(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.write_text(f"# oldest first\n{'a' * 32}\n\n{'b' * 32}\n", encoding="utf-8")
    installation = Installation(tmp_path)
    text = installation.config.read_text(encoding="utf-8")
    text = text.replace('secret_keys = ["0123456789abcdef0123456789abcdef"]', f'secret_keys_file = "{secrets}"')
    text = text.replace('token = "standin-token"', f'token_file = "{secrets}"')
    installation.config.write_text(text, encoding="utf-8")
    settings = load_settings(installation.config)
    assert settings.service.secret_keys == ("a" * 32, "b" * 32)
    immotion = settings.mandanten["musterbau"].immotion
    assert isinstance(immotion, ImmotionSettings)
    assert immotion.token == "a" * 32
    credentials = f'oauth = {{ {OAUTH}, client_secret_file = "{secrets}" }}'
    installation.config.write_text(text.replace(f'token_file = "{secrets}"', credentials), encoding="utf-8")
    immotion = load_settings(installation.config).mandanten["musterbau"].immotion
    assert isinstance(immotion, ImmotionSettings)
    assert immotion.oauth is not None
    assert immotion.oauth.client_secret == "a" * 32


def test_without_level_2_no_encryption_key_is_needed(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    text = installation.config.read_text(encoding="utf-8")
    before, _, after = text.replace(ENCRYPTION, "").partition("[mandanten.musterbau.level2]")
    installation.config.write_text(before + "[mandanten" + after.partition("[mandanten")[2], encoding="utf-8")
    settings = load_settings(installation.config)
    assert settings.mandanten["musterbau"].level2 is None
    assert settings.service.encryption_keys == ()


def test_a_password_for_the_mail_server_stays_on_this_host_or_is_encrypted(tmp_path: Path) -> None:
    secret = tmp_path / "mail-password"
    secret.write_text("geheim\n", encoding="utf-8")
    login = f'user = "u"\npassword_file = "{secret}"\n'
    local = SENDER.replace("mail.example.de", "127.0.0.1")
    for section in (f"{SENDER}{login}", f'{local}{login}tls = "none"\n'):
        mail = load_settings(Installation(tmp_path, extra=section).config).service.mail
        assert mail is not None
        assert (mail.password, mail.port, "geheim" in repr(mail)) == ("geheim", 587, False)


OWN = 'kind = "own"\norigins = ["https://www.example.de"]\n'


@pytest.mark.parametrize(
    "connections,named",
    [
        (
            f'[mandanten.eigen.connections.a]\n{OWN}keys = ["{"k" * 32}"]',
            'eigen.connections.a.keys: remove it; with kind = "own"',
        ),
        (f"[mandanten.eigen.connections.a]\n{OWN}trust_person = true", "eigen.connections.a.trust_person: remove it"),
        (
            f'[mandanten.eigen.connections.a]\n{OWN}login_url = "https://x.de"',
            "eigen.connections.a.login_url: remove it",
        ),
        (
            f"[mandanten.eigen.connections.a]\n{OWN}[mandanten.eigen.connections.b]\n{OWN}",
            "eigen.connections: a and b are both of kind",
        ),
        (f"[mandanten.eigen.connections.a]\n{OWN}", "eigen.invitation: is missing; whoever has no letter"),
    ],
)
def test_an_own_login_that_cannot_work_is_refused_by_name(tmp_path: Path, connections: str, named: str) -> None:
    eigen = f'[mandanten.eigen]\nname = "Eigenbau"\n{connections}\n'
    assert named in refused(tmp_path, MUSTERBAU, f"{eigen}{MUSTERBAU}")


def test_files_are_in_a_folder_or_in_a_bucket_with_a_login_of_settings_and_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Installation(tmp_path).config
    assert load_settings(config).service.files == tmp_path / "files"
    monkeypatch.setenv("MIETERPORTAL_SERVICE__FILES", "s3://akten/mieter/portal/")
    monkeypatch.setenv("MIETERPORTAL_SERVICE__S3__ACCESS_KEY_ID", "key")
    (tmp_path / "secret").write_text("hidden\n", encoding="utf-8")
    monkeypatch.setenv("MIETERPORTAL_SERVICE__S3__SECRET_ACCESS_KEY_FILE", str(tmp_path / "secret"))
    service = load_settings(config).service
    assert service.files == BucketUrl("akten", "mieter/portal")
    assert (service.s3.access_key_id, service.s3.secret_access_key) == ("key", "hidden")
    assert "hidden" not in repr(service)


def test_the_file_to_begin_with_is_one_that_the_portal_takes(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "operators.md").read_text(encoding="utf-8")
    shown = text.partition("A whole file to begin with")[2].partition("    [service]\n")[2].partition("\n`python3")[0]
    for name in ("secret-keys", "encryption-keys", "website-keys", "immotion-token"):
        (tmp_path / name).write_text(f"{ENCRYPTION_KEY}\n", encoding="utf-8")
    config = tmp_path / "portal.toml"
    config.write_text(f"[service]\n{dedent(shown)}".replace("/etc/mieterportal", str(tmp_path)), encoding="utf-8")
    musterbau = load_settings(config).mandanten["musterbau"]
    assert musterbau.notfall.nummern == {"HAVARIE_HOTLINE": "030 23125 500"}
    assert isinstance(musterbau.immotion, ImmotionSettings)
    assert musterbau.connections["website"].trust_person


@pytest.mark.parametrize(
    "url,named",
    [
        ("sqlite:///", "must name a database"),
        ("sqlite://", "must name a database"),
        ("postgresql://user:pass@host", "must name a database"),
        ("postgresql://user:a/b@host/portal", "no port number"),
        ("mysql://host:99999/portal", "no port number"),
    ],
)
def test_a_database_that_cannot_be_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, named: str
) -> None:
    installation = Installation(tmp_path)
    monkeypatch.setenv("MIETERPORTAL_SERVICE__DATABASE", url)
    with pytest.raises(SettingsError, match=f"service.database: .*{named}") as refused:
        load_settings(installation.config)
    assert "a/b" not in str(refused.value)
