"""The form of a 503 page, sent again: its files are taken up, once, by whom they belong to."""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from service.files.sealing import sealed_size
from tests.faults.breaking import Fault, Ground, Unavailable, full_and_read_only, refused_writes
from tests.faults.disks import FILES
from tests.faults.evidence import counted, missing_in, rows_of, stored_files, typed_in
from tests.support.portal import Resident, vorgang_id

LIMITS = "[service.limits]\nfiles = 3\n"
NAMES = ("page.pdf", "picture.png")


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    made = Ground(tmp_path_factory.mktemp("again"), extra=LIMITS)
    try:
        made.start_portal()
        yield made
    finally:
        made.stop_all()


@pytest.fixture
def full(ground: Ground) -> Iterator[Fault]:
    """A database that has no room any more; files have."""
    (fault,) = (fault for fault in refused_writes(ground) if "max_page_count" in fault.name)
    fault.start()
    try:
        yield fault
    finally:
        fault.mend()


@pytest.fixture
def resident(ground: Ground, request: pytest.FixtureRequest) -> Resident:
    return ground.resident(sub=request.node.name, person=None)


def parts(*names: str) -> list[tuple[str, tuple[str, bytes]]]:
    return [("anhaenge", (name, (FILES / name).read_bytes())) for name in names]


def send(resident: Resident, form: dict[str, str], files: Sequence[str] = ()) -> requests.Response:
    return resident.post("melden/kontakt", form, parts(*files) or {"leer": (None, "")})


def form_of(resident: Resident) -> dict[str, str]:
    return resident.form("melden/kontakt") | {"kontaktthema": "ALLGEMEIN", "beschreibung": "Kanarienvogel 😀" * 250}


def failed(resident: Resident, files: Sequence[str] = NAMES) -> dict[str, str]:
    """Send a form in vain and return what its page would send."""
    page = send(resident, form_of(resident), files)
    assert page.status_code == 503
    assert missing_in(page.text, files) == []
    return typed_in(page.text)


def names_of(resident: Resident, answer: requests.Response) -> list[str]:
    assert answer.status_code == 303, answer.text
    page = resident.get(f"vorgaenge/{vorgang_id(answer)}").text
    return sorted(re.findall(r'anhaenge/[0-9a-f-]+">([^<]+)<', page))


def test_a_form_that_fails_again_goes_on_carrying_the_files_of_its_first_attempt(
    ground: Ground, resident: Resident, full: Fault
) -> None:
    first = failed(resident)
    page = send(resident, first, ["clip.mp4"])
    second = typed_in(page.text)
    assert page.status_code == 503
    assert first.items() <= second.items()
    full.mend()
    assert names_of(resident, send(resident, second)) == ["clip.mp4", *NAMES]


def test_a_form_sent_twice_at_once_is_filed_once_with_its_files(
    ground: Ground, resident: Resident, full: Fault
) -> None:
    form = failed(resident)
    full.mend()
    before = counted(ground)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: send(resident, form), range(6)))
    assert {answer.status_code for answer in answers} == {303}
    assert names_of(resident, answers[0]) == list(NAMES)
    now = counted(ground)
    assert {name: now[name] - before[name] for name in ("vorgang", "anhang", "outbox", "draft")} == {
        "vorgang": 1,
        "anhang": 2,
        "outbox": 1,
        "draft": 0,
    }


def test_files_that_a_draft_has_taken_up_meanwhile_are_not_doubled(resident: Resident, full: Fault) -> None:
    form = failed(resident)
    full.mend()
    assert send(resident, form | {"aktion": "speichern"}).status_code == 200
    assert send(resident, form | {"aktion": "speichern"}).status_code == 200
    assert names_of(resident, send(resident, form | {"aktion": "absenden"})) == list(NAMES)


def test_files_of_a_draft_and_of_a_failed_attempt_come_together(resident: Resident, full: Fault) -> None:
    full.mend()
    draft = form_of(resident)
    assert send(resident, draft | {"aktion": "hochladen"}, ["clip.mp4"]).status_code == 200
    full.start()
    page = send(resident, draft, ["page.pdf"])
    assert page.status_code == 503
    full.mend()
    assert names_of(resident, send(resident, typed_in(page.text))) == ["clip.mp4", "page.pdf"]


def test_a_message_carries_its_files_too(ground: Ground, resident: Resident, full: Fault) -> None:
    full.mend()
    path = f"vorgaenge/{resident.file_schaden()}"
    form = resident.form(path) | {"aktion": "nachricht", "nachricht": "Dazu noch: 😀" * 300}
    full.start()
    page = resident.post(path, form, parts("page.pdf"))
    assert page.status_code == 503
    again = typed_in(page.text)
    assert form.items() <= again.items()
    full.mend()
    assert resident.post(path, again).status_code == 303
    assert resident.post(path, again).status_code == 303
    assert resident.get(path).text.count("page.pdf") == 1


def test_somebody_else_cannot_take_up_the_files(ground: Ground, resident: Resident, full: Fault) -> None:
    mine = failed(resident)
    references = {name: value for name, value in mine.items() if name.startswith("gesichert_")}
    assert len(references) == 2
    full.mend()
    thief = ground.resident(sub="fe_users:thief", person=None)
    before = counted(ground)
    refused = send(thief, form_of(thief) | references)
    assert refused.status_code == 422
    assert "„Datei“ ist nicht gespeichert" in refused.text
    assert counted(ground)["anhang"] == before["anhang"]
    own = send(resident, form_of(resident) | references)
    assert own.status_code == 422
    assert names_of(resident, send(resident, mine)) == list(NAMES)


def test_a_file_that_has_gone_meanwhile_is_asked_for_again(ground: Ground, resident: Resident, full: Fault) -> None:
    form = failed(resident)
    full.mend()
    known = stored_files(ground)
    for path in ground.files.glob("??/??/*"):
        new = path.name.removesuffix(".sealed") not in known
        if new and path.stat().st_size == sealed_size((FILES / "page.pdf").stat().st_size):
            path.unlink()
    refused = send(resident, form)
    assert refused.status_code == 422
    assert missing_in(refused.text, NAMES) == ["page.pdf"]
    assert "picture.png" in refused.text
    assert "Kanarienvogel" in refused.text


def test_the_limit_of_files_counts_those_of_the_failed_attempt(resident: Resident, full: Fault) -> None:
    form = failed(resident)
    full.mend()
    refused = send(resident, form, ["clip.mp4", "picture.webp"])
    assert refused.status_code == 422
    assert "„picture.webp“ passt nicht mehr dazu: Es sind höchstens 3 Dateien möglich." in refused.text
    assert "clip.mp4" in refused.text


def test_nothing_typed_is_in_the_log(ground: Ground, resident: Resident, full: Fault) -> None:
    failed(resident)
    log = ground.log("portal")
    assert "store_unavailable" in log
    assert "Kanarien" not in log
    assert "page.pdf" not in log


def test_connections_opened_while_the_database_was_read_only_write_again_afterwards(
    ground: Ground, resident: Resident
) -> None:
    (fault,) = (fault for fault in full_and_read_only(ground) if fault.name == "database read-only")
    filled = [form_of(resident) for _ in range(16)]
    try:
        fault.start()
    except Unavailable as reason:
        pytest.skip(str(reason))
    try:
        with ThreadPoolExecutor(8) as pool:
            refused = list(pool.map(lambda form: send(resident, form), filled))
    finally:
        fault.mend()
    assert {answer.status_code for answer in refused} == {503}
    with ThreadPoolExecutor(8) as pool:
        filed = list(pool.map(lambda page: send(resident, typed_in(page.text)), refused))
    assert {answer.status_code for answer in filed} == {303}
    (ids,) = rows_of(ground, ["SELECT COUNT(DISTINCT form_key) FROM vorgang"])
    assert ids[0][0] >= 16
