"""What must hold everywhere is one test over everything."""

import re
from pathlib import Path

import falcon.inspect
import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from pydantic import BaseModel

from service.app import create_app
from service.settings import Settings, load_settings
from service.store.models import MODELS, PERSONAL, SECRET, TECHNICAL
from service.web.session import ADMIN, METRICS, PUBLIC, RESIDENT, RESIDENT_OR_DRAFT
from tests.support.portal import Installation
from tests.support.routes import routes

ROOT = Path(__file__).parent.parent.parent

PUBLIC_ROUTES = {
    "/healthz",
    "/readyz",
    "/hooks/immotion/{mandant}",
    "/{mandant}/sso/{connection}",
    "/{mandant}/sso/{connection}/logout",
    "/{mandant}/notfall",
    "/{mandant}/aushang",
    "/{mandant}/aushang/{aushang_id}/termin.ics",
    "/{mandant}/barrierefreiheit",
    "/{mandant}/static/{name}",
    "/{mandant}/konto/benachrichtigungen/bestaetigen",
    "/{mandant}/konto/benachrichtigungen/abbestellen",
    "/{mandant}/konto/anmelden",
    "/{mandant}/konto/anmelden/passkey",
    "/{mandant}/konto/registrieren",
    "/{mandant}/konto/kennwort-vergessen",
    "/{mandant}/konto/kennwort-neu",
    "/{mandant}/konto/email-bestaetigen",
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory):
    return create_app(load_settings(Installation(tmp_path_factory.mktemp("all")).config))


def test_every_route_says_who_may_use_it(app) -> None:
    found = routes(app)
    assert {route.path for route in falcon.inspect.inspect_routes(app)} == set(found)
    for path, resource in found.items():
        assert resource.access in {PUBLIC, RESIDENT, RESIDENT_OR_DRAFT, ADMIN, METRICS}
        assert (resource.access == ADMIN) == path.startswith("/{mandant}/api/v1/admin/"), path
        assert (resource.access == METRICS) == (path == "/metrics"), path
        assert (resource.access == PUBLIC) == (path in PUBLIC_ROUTES), path


def test_every_column_has_a_data_protection_class() -> None:
    for model in MODELS:
        for field in model._meta.sorted_fields:
            assert field.help_text in {PERSONAL, SECRET, TECHNICAL}, f"{model.__name__}.{field.name}"


def names(model: type[BaseModel], prefix: str = "") -> set[str]:
    found = set()
    for name, field in model.model_fields.items():
        found.add(name)
        for kind in parts(field.annotation):
            found |= names(kind)
    return found


def parts(annotation: object) -> list[type[BaseModel]]:
    """Return the sections in a type, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for inner in getattr(annotation, "__args__", ()) for found in parts(inner)]


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    missing = {name for name in names(Settings) if f"`{name}`" not in text and f"{name} =" not in text}
    assert not missing


def test_every_message_is_in_the_english_catalog() -> None:
    options = {"trim_blocks": "true", "lstrip_blocks": "true", "newstyle_gettext": "true"}
    methods = [("service/**.py", "python"), ("templates/**.html", "jinja2"), ("templates/**.txt", "jinja2")]
    keywords = {"_": None, "gettext": None, "ngettext": (1, 2), "words": None, "self": None, "mark": None}
    wanted = set()
    for _, _, message, _, _ in extract_from_dir(
        ROOT, methods, {"templates/**.html": options, "templates/**.txt": options}, keywords=keywords
    ):
        wanted.add(message[0] if isinstance(message, tuple) else message)
    with (ROOT / "service/locale/en/LC_MESSAGES/portal.po").open("rb") as file:
        catalog = read_po(file, locale="en")
    known = {entry.id[0] if isinstance(entry.id, tuple) else entry.id for entry in catalog if entry.string}
    assert wanted - known == set()
    assert {entry for entry in known if entry} - wanted == set()


def test_placeholders_are_the_same_in_both_languages() -> None:
    with (ROOT / "service/locale/en/LC_MESSAGES/portal.po").open("rb") as file:
        for entry in read_po(file, locale="en"):
            if isinstance(entry.id, str):
                assert set(re.findall(r"\{\w+\}|%\(\w+\)s", entry.id)) == set(
                    re.findall(r"\{\w+\}|%\(\w+\)s", str(entry.string))
                )


def test_every_alarm_is_described_for_operators() -> None:
    text = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "service").rglob("*.py")]
    raised = {kind for source in sources for kind in re.findall(r'(?:raise_alarm|_hold)\(\s*(?:\w+, )?"(\w+)"', source)}
    logged = {kind for source in sources for kind in re.findall(r'log\.\w+\(\s*"(\w+)"[^()]*alarm=True', source)}
    assert {"oldest_unsent", "feed_silent"} <= raised
    assert not {kind for kind in raised | logged if f"`{kind}`" not in text}


def test_every_alarm_says_in_its_own_row_what_to_do() -> None:
    text = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    alarms = text.partition("## Alarms")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|.+\|(.+)\|.*\|$", alarms, re.MULTILINE)
    assert len(rows) > 30
    elsewhere = re.compile(r"the same| as `")
    assert not [kind for kind, remedy in rows if len(remedy.split()) < 3 or elsewhere.search(remedy)]


def test_the_english_words_write_email_in_one_way() -> None:
    with (ROOT / "service/locale/en/LC_MESSAGES/portal.po").open("rb") as file:
        said = [str(entry.string) for entry in read_po(file, locale="en") if entry.id]
    assert any("email" in one for one in said)
    assert not [one for one in said if "e-mail" in one.casefold()]
