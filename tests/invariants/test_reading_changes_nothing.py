"""GET and HEAD change nothing: no address, image or link preview of another site makes anything happen here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.files.storage import Folder
from service.store.database import connected
from service.store.dokument_records import Ziel
from service.store.models import MODELS, AuditRow, SessionRow, VorgangRow
from service.store.owner import owner_of_person
from service.web.session import RESIDENT, RESIDENT_OR_DRAFT
from tests.support.aushang import hang
from tests.support.dokumente import publish
from tests.support.inprocess import Portal, Visitor
from tests.support.portal import MANDANT
from tests.support.routes import routes

PDF = Path(__file__).parents[1] / "files" / "page.pdf"
# that somebody was here, has fetched a file and has read what is new
TOLD_OF_READING = {(SessionRow, "seen_at"), (VorgangRow, "unread")}


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    portal = Portal(tmp_path_factory.mktemp("reading"))
    yield portal
    portal.close()


def stored(directory: Path) -> dict[str, object]:
    with connected():
        rows = {
            model.__name__: sorted(
                str({name: value for name, value in row.items() if (model, name) not in TOLD_OF_READING})
                for row in model.select().dicts()
            )
            for model in MODELS
            if model is not AuditRow
        }
    return rows | {"files": sorted(path.name for path in (directory / "files").rglob("*") if path.is_file())}


def pages(portal: Portal, owner: Visitor) -> list[str]:
    """Return an address for every page of a resident, with a Vorgang and a document that are there."""
    vorgang = owner.file_kontakt()
    anhang = portal.document(vorgang, PDF.read_bytes())
    whose = Ziel(owner_of_person(MANDANT, f"P-{owner.sub}"), "")
    dokument = publish(Folder(portal.settings.service.files), MANDANT, PDF.read_bytes() + owner.sub.encode(), whose)
    assert owner.get(f"dokumente/{dokument}").status_code == 200  # that it was opened is noted, the first time
    fits = {"vorgang_id": vorgang, "anhang_id": anhang.rpartition("/")[2], "dokument_id": dokument, "nummer": 1}
    fits |= {"aushang_id": hang(portal).id}
    found = routes(portal.client.app)
    asked = [
        path for path, resource in found.items() if resource.access in {RESIDENT, RESIDENT_OR_DRAFT} and "{" in path
    ]
    return [path.replace(":int", "").removeprefix("/{mandant}").lstrip("/").format(**fits) for path in asked]


@pytest.mark.parametrize("embedding", ["fragment", "cookie"])
def test_no_page_of_a_resident_changes_anything_by_being_asked_for(portal: Portal, embedding: str) -> None:
    visitor = portal.visitor(embedding)
    visitor.set_up()
    asked = pages(portal, visitor)
    assert len(asked) > 12
    before = stored(portal.directory)
    answers = [visitor.send(method, path).status_code for path in asked for method in ("GET", "HEAD")]
    assert set(answers) <= {200, 303, 404, 405}
    assert answers.count(200) > len(asked) / 2
    assert stored(portal.directory) == before
