"""What immotion is shown: one access token for all threads, renewed in time; refusals and faults told apart."""

import base64
import io
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from service.settings import FileDropSettings, ImmotionSettings, OAuthSettings
from service.store.records import Anhang
from service.sync.immotion import checkup
from service.sync.immotion.access import FixedAccess, TokenAccess
from service.sync.immotion.channel import CredentialsRefused, Temporary
from service.sync.immotion.factory import Channels
from service.sync.immotion.filedrop.channel import FileDropChannel
from service.sync.immotion.http import HttpChannel, shared_of
from service.sync.immotion.pools import pools, tls_of
from service.watched import Watched
from tests.support.ports import free_port
from tests.support.tokens import TOKEN_PATH, FarSide, far_side
from tests.support.vorgaenge import NOW

SECRET = "s:ecret/ä+%"


@pytest.fixture
def side() -> Iterator[FarSide]:
    with far_side() as running:
        yield running


def oauth_of(side: FarSide, **changes: Any) -> OAuthSettings:
    return OAuthSettings(
        **{"token_url": side.url + TOKEN_PATH, "client_id": "por tal", "client_secret": SECRET} | changes
    )


def settings_of(side: FarSide, **oauth: Any) -> ImmotionSettings:
    return ImmotionSettings(url=side.url, timeout_s=5, oauth=oauth_of(side, **oauth))


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def access(side: FarSide, clock: Callable[[], float] = time.monotonic, timeout_s: float = 5) -> TokenAccess:
    settings = settings_of(side)
    assert settings.oauth is not None
    return TokenAccess(settings.oauth, pools(side.url, tls_of(settings)), timeout_s=timeout_s, monotonic=clock)


def shown(of: TokenAccess) -> str:
    return of.headers()["Authorization"]


def test_sixty_four_threads_with_channels_of_their_own_share_one_token(side: FarSide) -> None:
    side.delay_s = 0.1
    channels, settings = Channels(), settings_of(side)
    made = [channels.of("m", settings) for _ in range(64)]
    with ThreadPoolExecutor(64) as pool:
        found = list(pool.map(lambda channel: channel.find_vorgang(uuid4(), "r"), made))
    for channel in made:
        channel.close()
    assert len(side.asked) == 1
    assert len(found) == len(side.calls) == 64
    assert {shown for _, shown, _ in side.calls} == {"Bearer token-1"}


def test_each_mandant_has_a_token_of_its_own(side: FarSide) -> None:
    channels, settings = Channels(), settings_of(side)
    for mandant in ("a", "b", "a"):
        channels.of(mandant, settings).find_vorgang(uuid4(), "r")
    assert [shown for _, shown, _ in side.calls] == ["Bearer token-1", "Bearer token-2", "Bearer token-1"]


def test_a_folder_needs_no_access(tmp_path: Any) -> None:
    settings = FileDropSettings(channel="filedrop", directory=tmp_path)
    assert isinstance(Channels().of("m", settings), FileDropChannel)


def test_client_and_secret_are_encoded_as_the_rfc_says_and_the_scope_is_asked_for(side: FarSide) -> None:
    shared_of(settings_of(side, scope="vorgang.write vorgang.read")).access.headers()
    headers, body = side.asked[0]
    basic = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode()
    assert basic == "por+tal:s%3Aecret%2F%C3%A4%2B%25"
    assert body == b"grant_type=client_credentials&scope=vorgang.write+vorgang.read"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_a_query_of_the_endpoint_is_kept(side: FarSide) -> None:
    shared_of(settings_of(side, token_url=f"{side.url}{TOKEN_PATH}/?realm=x")).access.headers()
    assert len(side.asked) == 1


@pytest.mark.parametrize(
    "expires_in,good_for", [(3600, 3540), ("3600", 3540), (40, 30), (None, 240), (0, 240), ("soon", 240), (1e999, 240)]
)
def test_a_token_is_renewed_before_it_expires(side: FarSide, expires_in: object, good_for: float) -> None:
    side.expires_in = expires_in
    clock = Clock()
    of = access(side, clock)
    assert shown(of) == "Bearer token-1"
    clock.now += good_for - 1
    assert shown(of) == "Bearer token-1"
    clock.now += 1
    assert shown(of) == "Bearer token-2"
    assert len(side.asked) == 2


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def until(check: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not check():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_while_one_thread_renews_the_others_go_on_with_the_token_that_is_still_good(side: FarSide) -> None:
    clock = Clock()
    of = access(side, clock)
    shown(of)
    clock.now += 3550
    side.delay_s = 1.0
    renewing = in_thread(lambda: shown(of))
    until(lambda: len(side.asked) == 2)
    begun = time.monotonic()
    assert {shown(of) for _ in range(100)} == {"Bearer token-1"}
    assert time.monotonic() - begun < 0.5
    renewing.join()
    assert shown(of) == "Bearer token-2"
    assert len(side.asked) == 2


def test_a_fault_of_the_endpoint_is_none_while_the_token_is_still_good(side: FarSide) -> None:
    clock = Clock()
    of = access(side, clock)
    shown(of)
    side.endpoint = (503, {})
    clock.now += 3550
    assert shown(of) == "Bearer token-1"
    clock.now += 51
    with pytest.raises(Temporary):
        shown(of)


def test_threads_that_wait_share_the_fault_instead_of_asking_one_after_the_other(side: FarSide) -> None:
    side.delay_s, side.endpoint = 0.5, (503, {})
    of = access(side)
    faults = []

    def ask() -> None:
        with pytest.raises(Temporary, match="oauth:503") as fault:
            shown(of)
        faults.append(fault.value)

    first = in_thread(ask)
    until(lambda: len(side.asked) == 1)
    threads = [first] + [in_thread(ask) for _ in range(15)]
    for thread in threads:
        thread.join()
    assert (len(faults), len(side.asked)) == (16, 1)


def test_a_thread_waits_no_longer_for_another_than_for_the_endpoint(
    side: FarSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.sync.immotion.access.CONNECT_S", 0.05)
    of = access(side, timeout_s=0.1)
    going_on = threading.Event()
    fetch = of._fetch
    monkeypatch.setattr(of, "_fetch", lambda: (going_on.wait(5), fetch())[1])
    first = in_thread(lambda: shown(of))
    until(lambda: of._asking is not None)
    with pytest.raises(Temporary, match="oauth:TimeoutError"):
        shown(of)
    going_on.set()
    first.join()


def test_what_nobody_foresaw_keeps_no_thread_waiting(side: FarSide, monkeypatch: pytest.MonkeyPatch) -> None:
    of = access(side)
    monkeypatch.setattr(of, "_fetch", lambda: 1 / 0)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            shown(of)
    monkeypatch.undo()
    assert shown(of) == "Bearer token-1"


def test_a_401_in_the_middle_renews_the_token_once_and_sends_the_whole_file_again(side: FarSide) -> None:
    channel = HttpChannel(settings_of(side))
    content = b"x" * 300_000
    anhang = Anhang(uuid4(), "m", "a.pdf", "application/pdf", len(content), "00" * 32, 0, NOW, None, NOW)
    channel.put_anhang(anhang, io.BytesIO(content), "r")
    side.refused = {"token-1"}
    channel.put_anhang(anhang, io.BytesIO(content), "r")
    channel.put_anhang(anhang, io.BytesIO(content), "r")
    channel.close()
    assert [(shown, body == content) for _, shown, body in side.calls] == [
        ("Bearer token-1", True),
        ("Bearer token-1", True),
        ("Bearer token-2", True),
        ("Bearer token-2", True),
    ]


def test_a_document_is_opened_although_its_first_call_got_a_401(side: FarSide) -> None:
    channel = HttpChannel(settings_of(side))
    side.refused = {"token-1"}
    with channel.dokument("d") as dokument:
        assert b"V-1" in b"".join(dokument.chunks)
    channel.close()


def test_many_threads_whose_token_is_refused_renew_it_once(side: FarSide) -> None:
    channels, settings = Channels(), settings_of(side)
    made = [channels.of("m", settings) for _ in range(16)]
    made[0].find_vorgang(uuid4(), "r")
    side.refused, side.delay_s = {"token-1"}, 0.2
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda channel: channel.find_vorgang(uuid4(), "r"), made))
    for channel in made:
        channel.close()
    assert len(side.asked) == 2


def test_a_late_401_to_the_old_token_does_not_cost_the_new_one(side: FarSide) -> None:
    of = access(side)
    old = of.headers()
    assert of.refused(old)
    new = of.headers()
    assert of.refused(old)
    assert of.headers() == new != old


def test_a_new_token_that_gets_a_401_too_is_a_refusal(side: FarSide) -> None:
    channel = HttpChannel(settings_of(side))
    side.refused = {f"token-{number}" for number in range(9)}
    with pytest.raises(CredentialsRefused, match="NICHT_ANGEMELDET"):
        channel.put_vorgang(uuid4(), {}, "r")
    channel.close()
    assert (len(side.asked), len(side.calls)) == (2, 2)


def test_a_403_is_a_refusal_at_once(side: FarSide) -> None:
    channel = HttpChannel(settings_of(side))
    side.refused, side.refuses_with = {"token-1"}, 403
    with pytest.raises(CredentialsRefused):
        channel.put_vorgang(uuid4(), {}, "r")
    channel.close()
    assert (len(side.asked), len(side.calls)) == (1, 1)


def test_a_token_that_never_changes_is_not_tried_twice(side: FarSide) -> None:
    side.refused = {"fixed"}
    channel = HttpChannel(ImmotionSettings(url=side.url, token="fixed"))
    with pytest.raises(CredentialsRefused):
        channel.put_vorgang(uuid4(), {}, "r")
    channel.close()
    assert len(side.calls) == 1


def test_without_a_token_none_is_shown(side: FarSide) -> None:
    assert shared_of(ImmotionSettings(url=side.url)).access.headers() == {}
    assert FixedAccess(Watched("token", ("t",))).headers() == {"Authorization": "Bearer t"}


REFUSED = [
    (400, {"error": "invalid_client"}, "oauth:invalid_client"),
    (401, {"error": "invalid_client", "error_description": SECRET}, "oauth:invalid_client"),
    (401, b"<html>", "oauth:401"),
    (401, {"error": f"unknown secret {SECRET}"}, "oauth:401"),
    (400, {"error": "invalid_scope"}, "oauth:invalid_scope"),
    (403, {"error": "access_denied"}, "oauth:access_denied"),
]
FAULTS = [
    (500, {"error": "invalid_client"}, "oauth:500"),
    (503, b"", "oauth:503"),
    (429, {}, "oauth:429"),
    (400, {"error": "temporarily_unavailable"}, "oauth:400"),
    (400, [], "oauth:400"),
    (404, b"<html>", "oauth:404"),
    (302, b"", "oauth:302"),
    (0, b"", "oauth:ProtocolError"),
    (200, b"<html>a proxy</html>", "oauth:success"),
    (200, {"access_token": "a\r\nX-Evil: 1", "token_type": "Bearer"}, "oauth:success"),
    (200, {"access_token": "", "token_type": "Bearer"}, "oauth:success"),
    (200, {"access_token": "t", "token_type": "mac"}, "oauth:success"),
    (200, b"\xff\xfe", "oauth:success"),
]


@pytest.mark.parametrize("status,body,code", REFUSED)
def test_an_endpoint_that_knows_us_not_is_a_refusal_which_tells_a_code_and_no_secret(
    side: FarSide, status: int, body: Any, code: str
) -> None:
    side.endpoint = (status, body)
    with pytest.raises(CredentialsRefused) as refused:
        HttpChannel(settings_of(side)).put_vorgang(uuid4(), {}, "r")
    assert str(refused.value) == code
    assert side.calls == []


@pytest.mark.parametrize("status,body,error", FAULTS)
def test_an_endpoint_that_fails_is_tried_again_and_immotion_got_nothing(
    side: FarSide, status: int, body: Any, error: str
) -> None:
    side.endpoint = (status, body)
    side.endpoint_headers = {"Retry-After": "7", "Location": f"{side.url}/elsewhere"}
    with pytest.raises(Temporary, match=error) as fault:
        HttpChannel(settings_of(side)).put_vorgang(uuid4(), {}, "r")
    assert (fault.value.outcome_unknown, fault.value.scope) == (False, "connection")
    assert fault.value.retry_after == (None if status in {0, 200} else 7.0)
    assert side.calls == []


def test_an_endpoint_that_is_away_or_silent_is_tried_again(side: FarSide) -> None:
    away = settings_of(side, token_url=f"http://127.0.0.1:{free_port()}/t")
    with pytest.raises(Temporary, match="oauth:NewConnectionError"):
        shared_of(away).access.headers()
    side.delay_s = 0.5
    with pytest.raises(Temporary, match="oauth:ReadTimeoutError") as fault:
        shown(access(side, timeout_s=0.1))
    assert not fault.value.outcome_unknown


def test_neither_secret_nor_token_can_be_read_from_what_is_printed(side: FarSide) -> None:
    settings = settings_of(side)
    of = access(side)
    shown(of)
    texts = [
        repr(settings),
        str(settings),
        repr(of),
        repr(vars(of)),
        repr(ImmotionSettings(url=side.url, token="fixed-secret")),
    ]
    assert not [text for text in texts if SECRET in text or "token-1" in text or "fixed" in text]


def test_the_doctor_tells_which_of_the_two_refuses_and_what_to_do(side: FarSide) -> None:
    assert checkup.access(settings_of(side)) is None
    side.refused = {f"token-{number}" for number in range(9)}
    assert "immotion refuses us, who show a token of http" in str(checkup.access(settings_of(side)))
    assert "check immotion.oauth.scope" in str(checkup.access(settings_of(side)))
    side.endpoint = (401, {"error": "invalid_client"})
    assert "(oauth:invalid_client); check immotion.oauth: client_id" in str(checkup.access(settings_of(side)))
    side.endpoint = (503, {})
    assert "(oauth:503); check immotion.oauth.token_url" in str(checkup.access(settings_of(side)))


def test_the_doctor_says_what_to_do_about_a_fixed_token_or_none(side: FarSide) -> None:
    side.refused = {"fixed", ""}
    assert "renew immotion.token" in str(checkup.access(ImmotionSettings(url=side.url, token="fixed")))
    assert "who show nothing (NICHT_ANGEMELDET); set immotion.token, immotion.oauth" in str(
        checkup.access(ImmotionSettings(url=side.url))
    )
    side.refused, side.refuses_with = {"fixed"}, 500
    assert "/kataloge cannot be read (500" in str(checkup.access(ImmotionSettings(url=side.url, token="fixed")))


@pytest.mark.parametrize("form", ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"])
def test_an_endpoint_may_ask_to_wait_until_a_date(side: FarSide, form: str) -> None:
    side.endpoint = (503, b"")
    side.endpoint_headers = {"Retry-After": time.strftime(form, time.gmtime(time.time() + 600))}
    with pytest.raises(Temporary) as fault:
        HttpChannel(settings_of(side)).put_vorgang(uuid4(), {}, "r")
    assert 500 < (fault.value.retry_after or 0) <= 600
