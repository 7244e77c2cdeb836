"""The settings: one TOML file and the environment, read once at start, frozen, refused by name."""

import os
import re
import tomllib
from dataclasses import dataclass
from datetime import date
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from typing_extensions import override

from cms_adapters.connector import check_origin
from service.pem import check_ca, check_client_certificate
from service.secretfile import check_bearer, check_keys, check_webhook_secrets, one_secret, secrets_of

CONFIG_VARIABLE = "MIETERPORTAL_CONFIG"
ENV_PREFIX = "MIETERPORTAL_"
_HIGHEST_PORT = 65535
# A lease that has run out is taken over at the next look: a dead worker's rows move within a minute (immotion.md).
LEASE_MAX_S = 55
_MAIL_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_ROUTES = ("api", "healthz", "hooks", "metrics", "readyz")
_CHANNELS = {"http", "filedrop"}


class SettingsError(Exception):
    """The settings cannot be used; every line names one setting and what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _origin(value: str) -> str:
    check_origin(value)
    return value


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an address like https://portal.example.de, without query or fragment")
    return value.rstrip("/")


def _token_url(value: str) -> str:
    """Keep every character: RFC 6749 (3.1, 3.2) allows a query here, and a slash at the end is part of the path."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment or "@" in parts.netloc:
        raise ValueError("must be an address like https://login.example.de/oauth2/token, without user or fragment")
    return value


def _page_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "#" in value:
        raise ValueError("must be the address of a page, like https://www.example.de/portal, without a part after #")
    return value


def _database_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"sqlite", "postgresql", "mysql"}:
        raise ValueError("must begin with sqlite:///, postgresql:// or mysql://")
    if parts.path in {"", "/"}:
        raise ValueError("must name a database, as sqlite:///portal.db or postgresql://user:pass@host/db do")
    try:
        _ = parts.port
    except ValueError as wrong:
        raise ValueError(
            "has no port number after the host (is a : / or @ of the password not written as %3A %2F %40?)"
        ) from wrong
    return value


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError) as unknown:
        raise ValueError("is no time zone of the IANA list, e.g. Europe/Berlin") from unknown
    return value


def _address(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= _HIGHEST_PORT:
        raise ValueError("must be host and port, like 127.0.0.1:9108")
    return value


def _is_loopback(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _no_route(value: str) -> str:
    if value in _ROUTES:
        raise ValueError(f"cannot be the name of a Mandant: the portal itself answers below /{value}")
    return value


BaseUrl = Annotated[str, AfterValidator(_base_url)]
Origin = Annotated[str, AfterValidator(_origin)]
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
MandantId = Annotated[Identifier, AfterValidator(_no_route)]
Code = Annotated[str, Field(pattern=r"^[A-Z0-9_.]+$")]
Codes = tuple[Code, ...]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class LimitSettings(Section):
    """Sizes in bytes; `text` is the longest single text field."""

    file_bytes: int = Field(25 * 2**20, ge=1)
    vorgang_bytes: int = Field(100 * 2**20, ge=1)
    files: int = Field(20, ge=0, le=100)
    pixels: int = Field(60_000_000, ge=1)
    text: int = Field(64 * 2**10, ge=1024)


def _rate(value: str) -> str:
    from limits import parse_many  # noqa: PLC0415 - loaded only where limits are set

    try:
        parse_many(value)
    except ValueError as unreadable:
        raise ValueError('must be like "30/minute", "10/5 minutes" or "5/minute; 100/day"') from unreadable
    return value


def _rate_storage(value: str) -> str:
    if value != "memory://" and urlsplit(value).scheme not in {"redis", "rediss"}:
        raise ValueError("must be memory:// or begin with redis:// or rediss://")
    return value


Rate = Annotated[str, AfterValidator(_rate)]


class RateSettings(Section):
    """How often something may be done: each field is a kind of `service.access.rates`, but where it is counted."""

    storage: Annotated[str, AfterValidator(_rate_storage)] = Field("memory://", repr=False)
    sso_address: Rate = "20/minute"
    sso_mandant: Rate = "600/minute"
    sso_account: Rate = "60/minute"
    form_account: Rate = "90/minute; 1800/hour"
    file_account: Rate = "60/minute; 600/hour"
    preview_account: Rate = "240/minute; 3000/hour"
    code_account: Rate = "10/hour"
    code_address: Rate = "20/hour"
    sign_in_name: Rate = "10/10 minutes; 20/hour"
    sign_in_strangers: Rate = "30/hour"
    sign_in_address: Rate = "30/15 minutes"
    sign_in_mandant: Rate = "600/minute"
    mail_name: Rate = "3/hour"
    mail_address: Rate = "10/hour"
    export_account: Rate = "3/hour; 10/day"


def _mail_address(value: str) -> str:
    if not _MAIL_ADDRESS.fullmatch(value):
        raise ValueError("must be an address like portal@example.de, without a name")
    return value


class MailSettings(Section):
    """The mail server that takes the portal's mails; times in seconds."""

    host: str = Field(min_length=1)
    port: int = Field(587, ge=1, le=_HIGHEST_PORT)
    tls: Literal["starttls", "tls", "none"] = "starttls"
    ca: Path | None = None
    user: str = ""
    password: str = Field("", repr=False)
    password_file: Path | None = None
    sender: Annotated[str, AfterValidator(_mail_address)]
    timeout_s: float = Field(10, gt=0, le=50)

    @model_validator(mode="after")
    def _login(self) -> Self:
        password = one_secret("password", self.password, self.password_file)
        if bool(self.user) != bool(password):
            raise ValueError("user: belongs to a password (or password_file); give both, or neither")
        if password and self.tls == "none" and not _is_loopback(f"{self.host}:{self.port}"):
            raise ValueError('password: would cross the network unencrypted; set tls to "starttls" or "tls"')
        if self.ca is not None:
            check_ca(self.ca)
        object.__setattr__(self, "password", password)
        return self


@dataclass(frozen=True, slots=True)
class BucketUrl:
    """`s3://bucket/prefix`; an empty prefix puts the files at the bucket's top."""

    bucket: str
    prefix: str


def _files(value: object) -> Path | BucketUrl:
    """Read where files are kept: a folder, or s3://bucket/prefix."""
    if isinstance(value, Path | BucketUrl):
        return value
    if not isinstance(value, str) or not value:
        raise ValueError("must be a folder, or begin with s3://")
    if "://" not in value:
        return Path(value)
    parts = urlsplit(value)
    if parts.scheme != "s3" or not parts.netloc or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("must be a folder, or like s3://bucket/prefix; how to get there stands in service.s3")
    return BucketUrl(parts.netloc, parts.path.strip("/"))


class S3Settings(Section):
    """How the bucket of `files` is reached; what is not given is asked of the environment (AWS_…)."""

    endpoint: BaseUrl | None = None
    region: str | None = None
    access_key_id: str = ""
    secret_access_key: str = Field("", repr=False)
    secret_access_key_file: Path | None = None
    path_style: bool = False
    spool: Path | None = None
    timeout_s: float = Field(10, gt=0, le=50)

    @model_validator(mode="after")
    def _login(self) -> Self:
        secret = one_secret("secret_access_key", self.secret_access_key, self.secret_access_key_file)
        if bool(self.access_key_id) != bool(secret):
            raise ValueError("access_key_id: belongs to a secret_access_key (or its file); give both, or neither")
        object.__setattr__(self, "secret_access_key", secret)
        return self


def _clamd(value: str) -> str:
    return value if value.startswith("/") else _address(value)


class ScanSettings(Section):
    """The virus scanner (clamd): where it listens, a host and port or the path of its socket."""

    address: Annotated[str, AfterValidator(_clamd)]
    timeout_s: float = Field(30, gt=0, le=300)


class ServiceSettings(Section):
    public_url: BaseUrl
    database: Annotated[str, AfterValidator(_database_url)]
    files: Annotated[Path | BucketUrl, PlainValidator(_files)]
    secret_keys: tuple[str, ...] = ()
    secret_keys_file: Path | None = None
    encryption_keys: tuple[str, ...] = ()
    encryption_keys_file: Path | None = None
    bind: str = "127.0.0.1:8000"
    workers: int = Field(2, ge=1, le=64)
    threads: int = Field(8, ge=1, le=256)
    sync_processes: int = Field(0, ge=0, le=64)
    timezone: Annotated[str, AfterValidator(_timezone)] = "Europe/Berlin"
    draft_days: int = Field(30, ge=1)
    audit_days: int = Field(365, ge=1)
    trusted_proxies: int = Field(0, ge=0, le=10)
    metrics_token: str = ""
    metrics_token_file: Path | None = None
    metrics_bind: Annotated[str, AfterValidator(_address)] | None = None
    limits: LimitSettings = LimitSettings()
    rates: RateSettings = RateSettings()
    mail: MailSettings | None = None
    s3: S3Settings = Field(default_factory=S3Settings)
    scan: ScanSettings | None = None

    @model_validator(mode="after")
    def _secrets(self) -> Self:
        keys = secrets_of(self.secret_keys, self.secret_keys_file)
        check_keys(keys, "secret_keys")
        object.__setattr__(self, "secret_keys", keys)
        if self.encryption_keys or self.encryption_keys_file is not None:
            encrypting = secrets_of(self.encryption_keys, self.encryption_keys_file)
            check_keys(encrypting, "encryption_keys")
            object.__setattr__(self, "encryption_keys", encrypting)
        if self.metrics_token or self.metrics_token_file is not None:
            tokens = secrets_of((self.metrics_token,), self.metrics_token_file)
            check_keys(tokens, "metrics_token")
            object.__setattr__(self, "metrics_token", tokens[0])
        if self.metrics_need_token and not self.metrics_token:
            raise ValueError(
                f"metrics_bind: {self.metrics_bind} can be reached from outside; set metrics_token, which is then "
                "asked for there, or listen on 127.0.0.1"
            )
        return self

    @property
    def metrics_need_token(self) -> bool:
        """Tell whether `metrics_bind` may be reached from other machines."""
        return self.metrics_bind is not None and not _is_loopback(self.metrics_bind)


OWN_LOGIN = "own"


class ConnectionSettings(Section):
    """Where residents come from: a CMS, or the portal's own login, whose `origins` may frame it."""

    kind: Literal["generic", "own", "typo3"]
    origins: tuple[Origin, ...] = Field(min_length=1)
    keys: tuple[str, ...] = ()
    keys_file: Path | None = None
    trust_person: bool = False
    login_url: BaseUrl | None = None

    @model_validator(mode="after")
    def _secrets(self) -> Self:
        if self.kind == OWN_LOGIN:
            self._without_cms()
            return self
        keys = secrets_of(self.keys, self.keys_file)
        check_keys(keys, "keys")
        object.__setattr__(self, "keys", keys)
        return self

    def _without_cms(self) -> None:
        for name in ("keys", "keys_file", "trust_person", "login_url"):
            if getattr(self, name):
                raise ValueError(f'{name}: remove it; with kind = "own" nobody else signs residents in')


class OAuthSettings(Section):
    """Client credentials (RFC 6749, 4.4)."""

    token_url: Annotated[str, AfterValidator(_token_url)]
    client_id: str = Field(min_length=1)
    client_secret: str = Field("", repr=False)
    client_secret_file: Path | None = None
    scope: str = ""

    @model_validator(mode="after")
    def _secret(self) -> Self:
        secret = one_secret("client_secret", self.client_secret, self.client_secret_file)
        if not secret:
            raise ValueError("client_secret: give it, or name a file in client_secret_file")
        object.__setattr__(self, "client_secret", secret)
        return self


class ImmotionSettings(Section):
    """The channel to immotion; times in seconds."""

    channel: Literal["http"] = "http"
    url: BaseUrl
    token: str = Field("", repr=False)
    token_file: Path | None = None
    oauth: OAuthSettings | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    ca: Path | None = None
    timeout_s: float = Field(10, gt=0, le=120)
    threads: int = Field(4, ge=1, le=64)
    lease_s: float = Field(45, ge=1, le=LEASE_MAX_S)
    reconcile_hour: int = Field(3, ge=0, le=23)
    webhook_secrets: tuple[str, ...] = Field((), repr=False)
    webhook_secrets_file: Path | None = None

    @model_validator(mode="after")
    def _access(self) -> Self:
        token = one_secret("token", self.token, self.token_file)
        if token and self.oauth is not None:
            raise ValueError("oauth: there is a token, too; remove one of them")
        check_bearer(token)
        object.__setattr__(self, "token", token)
        return self

    @model_validator(mode="after")
    def _tls(self) -> Self:
        if self.client_cert is not None:
            if not self.url.startswith("https:"):
                raise ValueError("client_cert: can only be shown to a url that begins with https://")
            check_client_certificate(self.client_cert, self.client_key)
        elif self.client_key is not None:
            raise ValueError("client_key: belongs to a client_cert; name that, too")
        if self.ca is not None:
            check_ca(self.ca)
        return self

    @model_validator(mode="after")
    def _webhooks(self) -> Self:
        secrets = secrets_of(self.webhook_secrets, self.webhook_secrets_file)
        if self.webhook_secrets_file is not None and not secrets:
            raise ValueError(f"webhook_secrets: {self.webhook_secrets_file} holds none")
        check_webhook_secrets(secrets)
        object.__setattr__(self, "webhook_secrets", secrets)
        return self


def _folder(value: Path) -> Path:
    if not value.is_absolute():
        raise ValueError("must be an absolute path, e.g. /srv/immotion/musterbau")
    return value


class FileDropSettings(Section):
    """The channel to an ERP that only reads a folder (docs/filedrop.md); times in seconds unless the name says else."""

    channel: Literal["filedrop"]
    directory: Annotated[Path, AfterValidator(_folder)]
    threads: int = Field(2, ge=1, le=16)
    lease_s: float = Field(45, ge=1, le=LEASE_MAX_S)
    settle_s: float = Field(30, ge=0, le=3600)
    incomplete_s: float = Field(3600, ge=0)
    acknowledgement_h: float = Field(24, gt=0)
    gap_min: float = Field(15, gt=0)


def _channel(given: Any) -> str:  # noqa: ANN401 - whatever stands in the file
    """Return which channel is meant; the one over HTTP need not be named."""
    return str(given.get("channel", "http") if isinstance(given, dict) else getattr(given, "channel", "http"))


ChannelSettings = Annotated[
    Annotated[ImmotionSettings, Tag("http")] | Annotated[FileDropSettings, Tag("filedrop")],
    Discriminator(
        _channel,
        custom_error_type="unknown_channel",
        custom_error_message='channel must be "http" or "filedrop"',
    ),
]


class NotfallSettings(Section):
    """Emergency numbers and what counts as an emergency, for a Mandant or one of its buildings."""

    nummern: dict[str, str] = {}
    heizperiode: tuple[str, str] | None = None
    sprechzeiten: str | None = None
    warmwasser_ist_notfall: bool | None = None


class GebaeudeSettings(Section):
    name: str = ""
    notfall: NotfallSettings = NotfallSettings()


class RoutingRuleSettings(Section):
    """One rule: what it matches (absent: anything) and what it suggests (absent: the catalog's)."""

    name: str = Field(min_length=1, max_length=80)
    typ: tuple[Literal["KONTAKT", "BESCHWERDE", "SCHADEN", "DOKUMENT"], ...] | None = None
    schadensort: Codes | None = None
    schadenskategorie: Codes | None = None
    schadensart: Codes | None = None
    beschwerdeart: Codes | None = None
    kontaktthema: Codes | None = None
    dokumentart: Codes | None = None
    gebaeude: tuple[str, ...] | None = None
    vorgangsart: Code | None = None
    team: Code | None = None
    sachbearbeiter: str | None = None
    prioritaet: Literal["P1", "P2", "P3", "P4"] | None = None
    frist_werktage: int | None = Field(None, ge=0, le=365)


class ContactSettings(Section):
    """How a company is reached by somebody who is not signed in, say to report a barrier."""

    phone: str = Field("", max_length=40, pattern=r"^[0-9+()/ .-]*$")
    email: Annotated[str, AfterValidator(_mail_address)] | None = None


class ThemeSettings(Section):
    """Values of the style sheet's custom properties, for pages that no site surrounds."""

    accent: str = Field("#0b5a8a", pattern=r"^#[0-9a-fA-F]{6}$")
    accent_dark: str = Field("#8cc8f0", pattern=r"^#[0-9a-fA-F]{6}$")
    font: str = Field("system-ui, sans-serif", pattern=r"^[\w\s,'\"-]+$")
    radius: str = Field("10px", pattern=r"^\d+(px|rem|em)$")


class Level2Settings(Section):
    """What residents confirm by a second factor; without this table there is none.

    `dokumente`: documents that immotion provides. `nachrichten`: what is written in a Vorgang, by either side.
    `kontaktdaten`: telling of another address or number. Security settings and the export of everything ask always.
    """

    actions: tuple[Literal["dokumente", "nachrichten", "kontaktdaten"], ...] = (
        "dokumente",
        "nachrichten",
        "kontaktdaten",
    )
    compulsory_from: date | None = None
    minutes: int = Field(10, ge=1, le=60)
    passkeys: bool = True


class InvitationSettings(Section):
    """Letters with a code that links an account to a person."""

    url: Annotated[str, AfterValidator(_page_url)]
    fact: Literal["vertragsbeginn", "vertrag_nr", "csv"] = "vertragsbeginn"
    fact_label: str = Field("", max_length=80)
    days: int = Field(60, ge=1, le=365)
    sender: str = Field("", max_length=120)
    signature: str = Field("", max_length=120)

    @model_validator(mode="after")
    def _label(self) -> Self:
        if self.fact == "csv" and not self.fact_label:
            raise ValueError('fact_label: fact = "csv" asks for what your list says; name it, like "Geburtsdatum"')
        return self


class RetentionSettings(Section):
    """How long a Mandant's data are kept; what is absent is as `service` says, and 0 years is for good."""

    vorgang_years: int = Field(10, ge=0, le=100)
    draft_days: int | None = Field(None, ge=1)
    audit_days: int | None = Field(None, ge=1)
    mail_days: int = Field(30, ge=1)
    ereignis_days: int = Field(30, ge=1)
    dokument_years: dict[Code, Annotated[int, Field(ge=0, le=100)]] = {}


class MandantSettings(Section):
    name: str = Field(min_length=1, max_length=120)
    connections: dict[Identifier, ConnectionSettings] = Field(min_length=1)
    immotion: ChannelSettings | None = None
    languages: tuple[Literal["de", "en"], ...] = ("de", "en")
    special_categories: bool = False
    mail_hour: int = Field(18, ge=0, le=23)
    notfall: NotfallSettings = NotfallSettings()
    gebaeude: dict[str, GebaeudeSettings] = {}
    routing: tuple[RoutingRuleSettings, ...] = ()
    theme: ThemeSettings = ThemeSettings()
    contact: ContactSettings = ContactSettings()
    level2: Level2Settings | None = None
    invitation: InvitationSettings | None = None
    retention: RetentionSettings = RetentionSettings()
    forbidden_words: tuple[Annotated[str, Field(min_length=4, max_length=60)], ...] = ()

    @model_validator(mode="after")
    def _own_login(self) -> Self:
        own = [name for name, connection in self.connections.items() if connection.kind == OWN_LOGIN]
        if len(own) > 1:
            raise ValueError(f'connections: {" and ".join(own)} are both of kind = "own"; a Mandant has one own login')
        if own and self.invitation is None:
            raise ValueError("invitation: is missing; whoever has no letter with a code cannot register")
        return self

    @property
    def own_login(self) -> str | None:
        """Return the name of the connection that is the portal's own login; None without one."""
        return next((name for name, one in self.connections.items() if one.kind == OWN_LOGIN), None)


class Settings(BaseSettings):
    """Everything the operator decides. Nested values by environment: MIETERPORTAL_SERVICE__PUBLIC_URL."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        nested_model_default_partial_update=True,
    )

    service: ServiceSettings
    mandanten: dict[MandantId, MandantSettings] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_folder_each(self) -> Self:
        folders: dict[Path, str] = {}
        for name, mandant in self.mandanten.items():
            if isinstance(mandant.immotion, FileDropSettings):
                other = folders.setdefault(mandant.immotion.directory, name)
                if other != name:
                    raise ValueError(f"mandanten.{name}.immotion.directory: {other} has this folder already")
        return self

    @model_validator(mode="after")
    def _keys_for_second_factors(self) -> Self:
        asking = next((name for name, mandant in self.mandanten.items() if mandant.level2 is not None), None)
        if asking is not None and not self.service.encryption_keys:
            raise ValueError(
                "service.encryption_keys: give at least one secret, or name a file in encryption_keys_file; "
                f"mandanten.{asking}.level2 keeps secrets of residents' apps"
            )
        return self

    @override
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file, whose values arrive as arguments."""
        return env_settings, init_settings


def load_settings(path: Path | None = None) -> Settings:
    """Read the file named by `path` or MIETERPORTAL_CONFIG, and the environment; raises SettingsError."""
    path = path or (Path(os.environ[CONFIG_VARIABLE]) if os.environ.get(CONFIG_VARIABLE) else None)
    try:
        return Settings(**_read(path))
    except ValidationError as refused:
        raise SettingsError([_problem(error) for error in refused.errors()]) from None


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise SettingsError([f"{path}: cannot be read ({fault.strerror}); name the file with --config"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise SettingsError([f"{path}: is not valid TOML: {fault}"]) from None


def _problem(error: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails is a TypedDict that mypy cannot narrow here
    parts = [str(part) for part in error["loc"]]
    # which channel was meant is no part of a setting's name
    name = ".".join(p for i, p in enumerate(parts) if not (p in _CHANNELS and i and parts[i - 1] == "immotion"))
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "value_error" and ": " in message and message.split(": ")[0].isidentifier():
        return f"{name}.{message}"  # a check of a whole section names its own setting
    if not name:
        return message  # a check of all settings names its own, too
    if error["type"] == "missing":
        return f"{name}: is missing; set it in the file or as {_variable(name)}"
    if error["type"] == "extra_forbidden":
        return f"{name}: is not a setting; check its spelling or remove it"
    return f"{name}: {message}"


def _variable(name: str) -> str:
    return ENV_PREFIX + name.upper().replace(".", "__")
