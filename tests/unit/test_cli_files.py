"""`mieterportal files seal` and `keys renew`: files from before there was a key, and keys that are changed."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from service.access.vault import Vault
from service.doctor_files import examine_files
from service.files.intake import StoredFile, take_in
from service.files.refusal import Limits
from service.files.storage import Folder, KeyRefused
from service.settings import load_settings
from service.store import dateien, vorgaenge
from service.store.database import connected
from service.store.models import DateiRow
from service.store.records import Datei
from service.sync.housekeeping import tidy
from service.vorgang.filing import anhang_rows
from tests.support.cli import run
from tests.support.portal import ENCRYPTION_KEY, MANDANT, Installation
from tests.unit.test_cli_factor import NEW_KEY, rotate

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = datetime.now(UTC) + timedelta(days=2)


def place(installation: Installation, *keys: str) -> Folder:
    return Folder(installation.directory / "files", Vault(keys) if keys else None)


def keep(installation: Installation, samples: Path, *keys: str) -> StoredFile:
    """Keep a file with a row, sealed if there are keys."""
    content = io.BytesIO((samples / "page.pdf").read_bytes())
    storage = place(installation, *keys)
    file = take_in(content, "a.pdf", storage=storage, limits=Limits(), taken_files=0, taken_bytes=0)
    with connected():
        vorgaenge.add_anhaenge(anhang_rows([file], MANDANT, NOW, draft_id=uuid4()))
    return file


def read(installation: Installation, file_id: UUID, *keys: str) -> bytes:
    with connected():
        found = vorgaenge.anhang(file_id)
    assert found is not None
    with place(installation, *keys).open(found) as content:
        return content.read()


def names(installation: Installation) -> list[str]:
    return sorted(path.name for path in (installation.directory / "files").glob("??/??/*"))


def test_the_keys_of_any_number_of_files_are_forgotten(installation: Installation) -> None:
    """More than SQLite takes values in one statement."""
    ids = [uuid4() for _ in range(40_000)]
    with connected():
        dateien.add([Datei(ids[-1], MANDANT, NOW, scan="clean")])
        dateien.forget(ids)
        assert DateiRow.select().count() == 0


def an_hour_later() -> None:
    with connected():
        DateiRow.update(created_at=NOW).execute()


def test_plain_files_are_sealed_and_deleted_only_once_they_were_compared(
    installation: Installation, samples: Path
) -> None:
    plain, page = keep(installation, samples), (samples / "page.pdf").read_bytes()
    sealed = keep(installation, samples, ENCRYPTION_KEY)
    assert run(installation, "files", "seal").output == "sealed 1, plain ones deleted 0, to be deleted later 0\n"
    assert names(installation) == sorted([str(plain.id), f"{plain.id}.sealed", f"{sealed.id}.sealed"])
    assert read(installation, plain.id, ENCRYPTION_KEY) == page
    assert run(installation, "files", "seal").output == "sealed 0, plain ones deleted 0, to be deleted later 1\n"
    an_hour_later()
    assert run(installation, "files", "seal").output == "sealed 0, plain ones deleted 1, to be deleted later 0\n"
    assert names(installation) == sorted([f"{plain.id}.sealed", f"{sealed.id}.sealed"])
    assert read(installation, plain.id, ENCRYPTION_KEY) == page


def test_a_sealed_file_that_is_not_the_plain_one_costs_nothing(installation: Installation, samples: Path) -> None:
    """As when the command was run twice at the same time."""
    plain, page = keep(installation, samples), (samples / "page.pdf").read_bytes()
    run(installation, "files", "seal")
    an_hour_later()
    place(installation, ENCRYPTION_KEY).seal_plain(plain.id)  # under another key than the row's
    broken = run(installation, "files", "seal")
    assert (broken.exit_code, "1 are not what was stored" in broken.output) == (1, True)
    assert read(installation, plain.id, ENCRYPTION_KEY) == page
    assert run(installation, "files", "seal").exit_code == 0
    an_hour_later()
    run(installation, "files", "seal")
    assert names(installation) == [f"{plain.id}.sealed"]
    assert read(installation, plain.id, ENCRYPTION_KEY) == page


def test_without_a_key_nothing_is_sealed(installation: Installation, samples: Path) -> None:
    plain = keep(installation, samples)
    rotate(installation, "")
    text = installation.config.read_text(encoding="utf-8")
    level2 = f"[mandanten.{MANDANT}.level2]\n{installation.level2}\n"
    installation.config.write_text(text.replace(level2, ""), encoding="utf-8")
    assert run(installation, "files", "seal").exit_code == 2
    assert names(installation) == [str(plain.id)]


def test_the_keys_of_files_are_renewed_and_the_old_one_can_go(installation: Installation, samples: Path) -> None:
    file, page = keep(installation, samples, ENCRYPTION_KEY), (samples / "page.pdf").read_bytes()
    rotate(installation, f'"{ENCRYPTION_KEY}", "{NEW_KEY}"')
    before = (installation.directory / "files").rglob("*.sealed").__next__().read_bytes()
    assert f"{MANDANT} files: renewed 1, already under the newest key 0" in run(installation, "keys", "renew").output
    assert f"{MANDANT} files: renewed 0, already under the newest key 1" in run(installation, "keys", "renew").output
    assert (installation.directory / "files").rglob("*.sealed").__next__().read_bytes() == before
    assert read(installation, file.id, NEW_KEY) == page
    with pytest.raises(KeyRefused):
        read(installation, file.id, ENCRYPTION_KEY)


def test_a_key_that_is_gone_is_told(installation: Installation, samples: Path) -> None:
    keep(installation, samples, ENCRYPTION_KEY)
    rotate(installation, f'"{NEW_KEY}"')
    assert run(installation, "keys", "renew").exit_code == 1
    findings = {one.subject: one for one in examine_files(load_settings(installation.config))}
    assert (findings["file keys"].good, "1 of 1 files" in findings["file keys"].text) == (False, True)


def test_the_key_goes_with_the_file(installation: Installation, samples: Path) -> None:
    file = keep(installation, samples, ENCRYPTION_KEY)
    with connected():
        assert list(dateien.sealed([file.id])) == [file.id]
        vorgaenge.AnhangRow.delete().execute()
    tidy(place(installation), draft_days=30, audit_days=365, now=LATER)
    with connected():
        assert dateien.sealed([file.id]) == {}
    assert names(installation) == []
