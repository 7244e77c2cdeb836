"""The demo's settings file, with secrets made on the first start and kept when the ports move."""

import base64
import json
import secrets
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from service.demo.people import COMPANY, CONNECTION, GEBAEUDE, HOTLINE, LINDENHOF_HOTLINE, MANDANT, OFFICE, OWN_LOGIN

_MAIL, _SITE, _STANDIN = 25, 80, 90
_SECRETS = ("portal", "connection", "immotion", "site", "encryption")


@dataclass(frozen=True, slots=True)
class Ports:
    portal: int = 8000
    site: int = 8080
    standin: int = 8090
    mail: int = 8025

    @classmethod
    def of(cls, base: int | None) -> "Ports":
        """Return the usual ports, or those counted from a base: base, base + 25, base + 80, base + 90."""
        return cls() if base is None else cls(base, base + _SITE, base + _STANDIN, base + _MAIL)

    @property
    def named(self) -> dict[str, int]:
        """Return them by what listens there."""
        return {"portal": self.portal, "site": self.site, "standin": self.standin, "mail": self.mail}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the demo keeps its things."""

    root: Path

    @property
    def config(self) -> Path:
        """The settings file."""
        return self.root / "portal.toml"

    @property
    def site_secret(self) -> Path:
        """What the site signs its cookies with."""
        return self.root / "site.secret"

    @property
    def ledger(self) -> Path:
        """The stand-in's memory."""
        return self.root / "standin.db"

    @property
    def mail(self) -> Path:
        """The folder of the mails that residents would get."""
        return self.root / "mail"

    @property
    def filled(self) -> Path:
        """There once the example data is complete."""
        return self.root / "gefuellt"

    @property
    def letter(self) -> Path:
        """A letter with a code, to be tried."""
        return self.root / "brief.pdf"

    @property
    def log(self) -> Path:
        """The folder of the children's logs."""
        return self.root / "log"


def write_settings(place: Place, ports: Ports) -> None:
    """Write the settings for these ports, readable by their owner only."""
    place.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.log.mkdir(exist_ok=True)
    kept = _secrets(place.root / "secrets.json")
    _write(place.config, _toml(place, ports, kept))
    _write(place.site_secret, kept["site"])


def _secrets(path: Path) -> dict[str, str]:
    kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    missing = {name: secrets.token_urlsafe(32) for name in _SECRETS if name not in kept}
    if missing:
        _write(path, json.dumps(kept | missing))
    return kept | missing


def _webhook_secret(kept: dict[str, str]) -> str:
    """Return what signs the stand-in's webhooks; it needs no place of its own among the secrets."""
    return "whsec_" + base64.b64encode(sha256(f"webhook {kept['immotion']}".encode()).digest()).decode()


def _write(path: Path, text: str) -> None:
    """Replace a file as a whole; nobody else may read it at any moment."""
    fresh = path.with_suffix(".neu")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def _toml(place: Place, ports: Ports, kept: dict[str, str]) -> str:
    site = f"http://127.0.0.1:{ports.site}"
    root = place.root.as_posix()
    return f"""# Written by the demo at each start; changes are lost. Secrets: do not pass on.
[service]
public_url = "http://127.0.0.1:{ports.portal}"
database = "sqlite:///{root}/portal.db"
files = "{root}/files"
secret_keys = ["{kept["portal"]}"]
encryption_keys = ["{kept["encryption"]}"]
bind = "127.0.0.1:{ports.portal}"
workers = 1
threads = 16

[service.mail]
host = "127.0.0.1"
port = {ports.mail}
tls = "none"
sender = "portal@musterbau.example"

[mandanten.{MANDANT}]
name = "{COMPANY}"

[mandanten.{MANDANT}.contact]
phone = "{OFFICE}"
email = "post@musterbau.example"

[mandanten.{MANDANT}.theme]
accent = "#1f5c4a"
accent_dark = "#86d0b6"
radius = "6px"

[mandanten.{MANDANT}.notfall.nummern]
HAVARIE_HOTLINE = "{HOTLINE}"
AUFZUG_NOTRUF = "030 23125 501"
STROMNETZ_STOERUNG = "030 23125 502"
GASNETZ_STOERUNG = "030 23125 503"
112 = "112"
110 = "110"
{_gebaeude()}
{_routing()}
[mandanten.{MANDANT}.connections.{CONNECTION}]
kind = "generic"
origins = ["{site}"]
keys = ["{kept["connection"]}"]
trust_person = true
login_url = "{site}/mieterportal-knopf"

[mandanten.{MANDANT}.connections.{OWN_LOGIN}]
kind = "own"
origins = ["{site}"]

[mandanten.{MANDANT}.invitation]
url = "{site}/mieterportal/konto/aktivieren"
fact = "vertragsbeginn"
sender = "{COMPANY} · Amselgasse 1 · 99871 Auenfurt"
signature = "Ihre {COMPANY}"

[mandanten.{MANDANT}.level2]
actions = ["dokumente", "kontaktdaten"]

[mandanten.{MANDANT}.immotion]
channel = "http"
url = "http://127.0.0.1:{ports.standin}"
token = "{kept["immotion"]}"
webhook_secrets = ["{_webhook_secret(kept)}"]
"""


def _gebaeude() -> str:
    own = {"G200": f'notfall.nummern = {{ HAVARIE_HOTLINE = "{LINDENHOF_HOTLINE}" }}\n'}
    return "".join(
        f'\n[mandanten.{MANDANT}.gebaeude.{haus.nr}]\nname = "{haus.name}, {haus.strasse}"\n{own.get(haus.nr, "")}'
        for haus in GEBAEUDE
    )


def _routing() -> str:
    rules = (
        ("Heizung im Lindenhof", ('schadenskategorie = ["HEIZUNG"]\ngebaeude = ["G200"]\nteam = "TECHNIK_HEIZUNG"\n'
         'sachbearbeiter = "Chidi Okonkwo"\n')),
        ("Eingang und Außenanlagen", ('schadensort = ["G_EINGANG", "A_AUSSEN", "A_SPIEL", "A_MUELL"]\n'
         'team = "HAUSWART"\nsachbearbeiter = "Tomasz Nowak"\n')),
        ("Lärm", ('beschwerdeart = ["LAERM_NACHBAR", "RUHEZEIT"]\nteam = "SOZIALMANAGEMENT"\n'
         'sachbearbeiter = "Elin Lindqvist"\nfrist_werktage = 5\n')),
    )  # fmt: skip
    return "".join(f'\n[[mandanten.{MANDANT}.routing]]\nname = "{name}"\n{rule}' for name, rule in rules)
