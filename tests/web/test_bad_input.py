"""Hostile and broken requests: a clear answer, never a 500, nothing half stored."""

import json
import re
import socket

import pytest
import requests

from tests.support.portal import Installation, Resident

BOUNDARY = "grenze"


def raw(resident: Resident, body: bytes, content_type: str) -> requests.Response:
    return resident.post("melden/kontakt", body, headers={"Content-Type": content_type})


def multipart(*parts: tuple[str, bytes]) -> bytes:
    lines = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value + b"\r\n"
        for name, value in parts
    ]
    return b"".join(lines) + f"--{BOUNDARY}--\r\n".encode()


MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
URLENCODED = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    "body,content_type",
    [
        (b"--grenze\r\nnonsense", MULTIPART),
        (b"", MULTIPART),
        (b"--other\r\n\r\n--other--", MULTIPART),
        (multipart(("beschreibung", b"a"))[:-20], MULTIPART),
        (multipart(("beschreibung", b"a\x00b")), MULTIPART),
        (multipart(("beschreibung", b"\xed\xa0\x80")), MULTIPART),
        (multipart(("beschreibung", b"\xff\xfe")), MULTIPART),
        (multipart(("beschreibung", b"x" * 10_000_000)), MULTIPART),
        (multipart(*((f"f{n}", b"x") for n in range(10_000))), MULTIPART),
        (b'--grenze\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--grenze--\r\n', MULTIPART),
        (b"--grenze\r\nContent-Disposition: form-data\r\n\r\nx\r\n--grenze--\r\n", MULTIPART),
        (multipart(("a", b"b")), "multipart/form-data"),
        (multipart(("a", b"b")), "multipart/form-data; boundary=" + "x" * 200),
        (b"beschreibung=%00", URLENCODED),
        (b"beschreibung=%ED%A0%80", URLENCODED),
        (b"beschreibung=%FF", URLENCODED),
        (b"beschreibung=\xff", URLENCODED),
        (b"beschreibung=" + b"x" * 10_000_000, URLENCODED),
        (b"&".join(b"f%d=x" % n for n in range(10_000)), URLENCODED),
        (b"{}", "application/json"),
        (b"x", "text/plain"),
    ],
)
def test_a_body_that_is_no_form_is_400_with_a_message(resident: Resident, body: bytes, content_type: str) -> None:
    answer = raw(resident, body, content_type)
    assert answer.status_code == 400
    assert "Bitte" in answer.text


def test_a_body_over_the_limit_is_413_before_it_is_sent(portal: Installation, resident: Resident) -> None:
    with socket.create_connection(("127.0.0.1", portal.portal_port), timeout=20) as wire:
        head = (
            "POST /musterbau/melden/schaden HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Portal website:{resident.token()}\r\n"
            f"Portal-Base-Url: {resident.base}\r\nContent-Type: {MULTIPART}\r\nContent-Length: 200000000\r\n\r\n"
        )
        wire.sendall(head.encode())
        assert b" 413 " in wire.recv(1000)


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "Content-Length: +5\r\n\r\nhallo",
    ],
)
def test_a_request_whose_end_can_be_read_in_two_ways_is_refused_and_its_connection_closed(
    portal: Installation, head: str
) -> None:
    start = f"POST /musterbau/sso/website HTTP/1.1\r\nHost: x\r\n{head}"
    with socket.create_connection(("127.0.0.1", portal.portal_port), timeout=20) as wire:
        wire.sendall(f"{start}GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answer = b""
        while data := wire.recv(4096):
            answer += data
    assert re.match(rb"HTTP/1\.1 4\d\d ", answer), answer
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_chunked_body_over_the_limit_is_413_while_it_is_read(resident: Resident) -> None:
    sent = 0

    def endless():
        nonlocal sent
        yield b'--grenze\r\nContent-Disposition: form-data; name="anhaenge"; filename="a.mp4"\r\n\r\n'
        for _ in range(400):
            sent += 2**20
            yield b"\0" * 2**20

    try:
        answer = raw(resident, endless(), MULTIPART)
    except requests.ConnectionError:
        answer = None
    assert answer is None or answer.status_code == 413
    assert sent < 300 * 2**20


@pytest.mark.parametrize(
    "path",
    [
        "vorgaenge/nope",
        "vorgaenge/%00",
        "vorgaenge/%ED%A0%80",
        "vorgaenge/00000000-0000-7000-8000-000000000000",
        "vorgaenge/00000000-0000-7000-8000-000000000000/quittung",
        "vorgaenge/00000000-0000-7000-8000-000000000000/quittung.pdf",
        "vorgaenge/00000000-0000-7000-8000-000000000000/anhaenge/00000000-0000-4000-8000-000000000000",
        "gibt/es/nicht",
    ],
)
def test_what_does_not_exist_is_one_404(resident: Resident, path: str) -> None:
    answer = resident.get(path)
    assert answer.status_code == 404
    assert answer.text == resident.get("vorgaenge/nope").text


def test_somebody_elses_vorgang_and_an_unknown_one_answer_alike(resident: Resident) -> None:
    number = resident.file_schaden()
    stranger = Resident(resident.url, sub="fe_users:stranger", person="P777777")
    unknown = stranger.get("vorgaenge/00000000-0000-7000-8000-000000000000")
    for path in ("", "/quittung", "/quittung.pdf"):
        foreign = stranger.get(f"vorgaenge/{number}{path}")
        assert (foreign.status_code, foreign.text) == (404, unknown.text)


def test_an_unknown_mandant_tells_nothing_of_another_one(resident: Resident) -> None:
    nowhere = requests.get(f"{resident.url}/gibtsnicht/", headers=resident.headers(), timeout=10)
    assert nowhere.status_code == 404
    assert "This page does not exist." in nowhere.text
    assert "mp-nav" not in nowhere.text


def test_a_stranger_cannot_write_to_a_vorgang(resident: Resident) -> None:
    number = resident.file_schaden()
    stranger = Resident(resident.url, sub="fe_users:stranger", person="P777777")
    form = stranger.form("melden/kontakt") | {"aktion": "nachricht", "nachricht": "Hallo"}
    assert stranger.post(f"vorgaenge/{number}", form).status_code == 404


def test_the_same_person_of_another_mandant_sees_nothing(resident: Resident) -> None:
    number = resident.file_schaden()
    neighbour = Resident(
        resident.url,
        sub=resident.sub,
        person=resident.person,
        mandant="nachbar",
        key="0123456789abcdef0123456789abcdef"[::-1],
    )
    assert neighbour.get().status_code == 200
    assert neighbour.get(f"vorgaenge/{number}").status_code == 404


@pytest.mark.parametrize("token", ["", "x", "a.b", "a.b.c", ".eyJ.a.b", "x" * 5000])
def test_a_bad_token_is_a_401_problem(resident: Resident, token: str) -> None:
    answer = requests.get(
        f"{resident.url}/musterbau/",
        headers={"Authorization": f"Portal website:{token}", "Portal-Base-Url": resident.base},
        timeout=10,
    )
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == 401


def test_a_replayed_token_changes_nothing_and_is_logged_without_its_text(
    portal: Installation, resident: Resident
) -> None:
    token = resident.token()
    form = resident.form("melden/kontakt") | {"kontaktthema": "ALLGEMEIN", "beschreibung": "einmal"}
    assert resident.post("melden/kontakt", form, token=token).status_code == 303
    other = resident.form("melden/kontakt") | {"kontaktthema": "ALLGEMEIN", "beschreibung": "zweimal"}
    replayed = resident.post("melden/kontakt", other, token=token)
    assert replayed.status_code == 401
    assert "zweimal" not in resident.get("vorgaenge").text
    lines = [json.loads(line) for line in portal.log("portal").splitlines() if line.startswith("{")]
    request_id = replayed.headers["X-Request-ID"]
    reasons = [
        line["reason"] for line in lines if line.get("event") == "token_refused" and line["request_id"] == request_id
    ]
    assert reasons == ["jti used before"]
    assert token not in portal.log("portal")


def test_a_base_url_outside_the_connections_origins_is_refused(resident: Resident) -> None:
    for base in (
        "https://evil.example/portal",
        "http://127.0.0.1:8080.evil.example/",
        "http://user@127.0.0.1:8080/",
        "javascript:alert(1)",
    ):
        headers = resident.headers() | {"Portal-Base-Url": base}
        assert requests.get(f"{resident.url}/musterbau/", headers=headers, timeout=10).status_code == 401


def test_nothing_personal_is_logged(portal: Installation, resident: Resident) -> None:
    resident.file_schaden(beschreibung="Kanarienvogel gelb", telefon="030 5550199", erreichbar="Kanarienzeit")
    resident.get("melden/schaden?suche=Kanariensuche")
    log = portal.log("portal") + portal.log("sync")
    for canary in ("Kanarien", "5550199", "Zoë", "zoe@example.test", str(resident.person)):
        assert canary not in log


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "TRACE", "CONNECT"])
def test_methods_that_a_page_does_not_have_are_405(resident: Resident, method: str) -> None:
    url, headers = f"{resident.url}/musterbau/vorgaenge", resident.headers() | {"X-Canary": "Kanarienvogel"}
    answer = requests.request(method, url, headers=headers, timeout=10)
    assert answer.status_code == 405
    assert "Kanarienvogel" not in answer.text
