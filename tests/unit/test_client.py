"""Which address is the asker's: proxies that are trusted, headers that anybody may write, IPv6."""

import falcon
import pytest
from falcon import testing

from service.web.client import address_of, device_label

PUBLIC, PRIVATE = "203.0.113.7", "10.0.0.5"
ELSEWHERE = "8.8.4.4"


@pytest.mark.parametrize(
    "peer,forwarded,proxies,address",
    [
        (ELSEWHERE, None, 0, ELSEWHERE),
        (ELSEWHERE, PUBLIC, 0, ELSEWHERE),
        (PRIVATE, None, 0, PRIVATE),
        (PRIVATE, PUBLIC, 0, ""),
        ("127.0.0.1", PUBLIC, 0, ""),
        (PRIVATE, PUBLIC, 1, PUBLIC),
        (PRIVATE, f"6.6.6.6, {PUBLIC}", 1, PUBLIC),
        (PRIVATE, f"6.6.6.6, {PUBLIC}, 10.0.0.4", 2, PUBLIC),
        (PRIVATE, PUBLIC, 2, PRIVATE),
        (PRIVATE, None, 1, PRIVATE),
        (PRIVATE, "unknown", 1, PRIVATE),
        (PRIVATE, f"{PUBLIC}:51234", 1, PUBLIC),
        (PRIVATE, "2001:db8:1:2:3:4:5:6", 1, "2001:db8:1:2::/64"),
        (PRIVATE, "2001:db8:1:2:ffff::1", 1, "2001:db8:1:2::/64"),
        (PRIVATE, "[2001:db8:1:2::9]:51234", 1, "2001:db8:1:2::/64"),
        (PRIVATE, f"::ffff:{PUBLIC}", 1, PUBLIC),
        ("fe80::1%eth0", None, 0, "fe80::/64"),
        ("", None, 0, ""),
        ("", PUBLIC, 1, PUBLIC),
    ],
)
def test_the_address_is_what_the_last_trusted_proxy_was_asked_by(
    peer: str, forwarded: str | None, proxies: int, address: str
) -> None:
    headers = {"X-Forwarded-For": forwarded} if forwarded is not None else {}
    env = testing.create_environ(headers=headers) | {"REMOTE_ADDR": peer}
    assert address_of(falcon.Request(env), proxies) == address


@pytest.mark.parametrize(
    "agent,name",
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge, Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18 Safari/604",
            "Safari, iPhone",
        ),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome, Android"),
        ("curl/8", ""),
        (None, ""),
    ],
)
def test_a_browser_is_named_as_people_know_it(agent: str | None, name: str) -> None:
    assert device_label(agent) == name
