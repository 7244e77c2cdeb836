"""Secrets that change with their files while the service runs; a bad file changes nothing."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import structlog
from itsdangerous import BadSignature

from service.access.signing import Signer
from service.access.vault import Vault, VaultRefused
from service.keys import KeyRing, Keys, bearer_token, connection_keys, files_of, webhook_secrets
from service.settings import ConnectionSettings, ImmotionSettings, SettingsError, load_settings
from service.standing import Standing
from service.sync.immotion.access import FixedAccess
from service.sync.webhook import ImmotionHook
from tests.support.portal import Installation

OLD, NEW, NEWEST = "o" * 32, "n" * 32, "w" * 32
NOW = 1_800_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    write(path, OLD)
    return path


def write(file: Path, *keys: str, age: float = 60) -> None:
    file.write_text("\n".join(keys), encoding="utf-8")
    os.utime(file, (NOW - age, NOW - age))


def ring(file: Path, monotonic: Callable[[], float] = lambda: 0.0) -> KeyRing:
    settings = ConnectionSettings(kind="generic", origins=("https://a.example",), keys_file=file)
    made = connection_keys("connections.website", settings)
    made.clock, made.monotonic = lambda: NOW, monotonic
    return made


def test_a_changed_file_is_in_force_at_the_next_look_and_between_looks_nothing_is_read(file: Path) -> None:
    clock = Clock()
    keys = ring(file, clock)
    assert keys() == (OLD,)
    write(file, OLD, NEW, age=30)
    clock.now = 1.9
    assert keys() == (OLD,)
    clock.now = 2.0
    assert keys() == (OLD, NEW)
    write(file, NEW, age=20)
    clock.now = 4.0
    assert keys() == (NEW,)


def test_a_file_that_was_written_just_now_is_left_alone_until_it_is_quiet(file: Path) -> None:
    keys = ring(file)
    write(file, OLD, NEW, age=1.9)
    assert keys.looked_up() == (OLD,)
    os.utime(file, (NOW - 2, NOW - 2))
    assert keys.looked_up() == (OLD, NEW)


def test_another_file_in_its_place_is_seen_even_with_the_same_date_and_length(file: Path, tmp_path: Path) -> None:
    keys = ring(file)
    assert keys.looked_up() == (OLD,)
    write(tmp_path / "other", NEW)
    (tmp_path / "other").rename(file)
    assert keys.looked_up() == (NEW,)


def test_a_file_dated_by_a_clock_that_is_ahead_is_taken_and_looked_at_again_each_time(file: Path) -> None:
    keys = ring(file)
    write(file, NEW, age=-3600)
    assert keys.looked_up() == (NEW,)
    write(file, NEWEST, age=-3600)
    assert keys.looked_up() == (NEWEST,)


@pytest.mark.parametrize(
    "broken,reason",
    [
        (b"", "give at least one secret"),
        (b"# none\n\n", "give at least one secret"),
        (OLD.encode() + b"\nhalf a k", "at least 32 bytes each"),
        (b"\xff\xfe" + OLD.encode(), "is no text in UTF-8"),
        (None, "cannot be read (No such file"),
    ],
    ids=["empty", "comments", "half", "no text", "gone"],
)
def test_a_broken_file_leaves_the_former_keys_in_force_and_is_logged_once(
    file: Path, broken: bytes | None, reason: str
) -> None:
    keys = ring(file)
    file.unlink()
    if broken is not None:
        file.write_bytes(broken)
        os.utime(file, (NOW - 9, NOW - 9))
    with structlog.testing.capture_logs() as logs:
        assert [keys.looked_up() for _ in range(3)] == [(OLD,)] * 3
        write(file, NEW)
        assert keys.looked_up() == (NEW,)
    said, mended = logs
    assert (said["event"], said["setting"], said["alarm"]) == ("keys_unusable", "connections.website.keys", True)
    assert reason in said["reason"]
    assert mended["event"] == "keys_read"
    assert OLD not in str(logs)


def test_what_another_process_signed_with_a_newer_key_is_read_before_the_next_look(file: Path) -> None:
    write(file, OLD)
    behind = Signer(ring(file), "salt")
    assert behind.loads(Signer([OLD], "salt").dumps("early")) == "early"
    write(file, OLD, NEW, age=10)
    assert behind.loads(Signer([NEW], "salt").dumps("late")) == "late"
    write(file, NEW, age=5)
    with pytest.raises(BadSignature):
        behind.loads(Signer([NEWEST], "salt").dumps("never"))
    with pytest.raises(BadSignature):
        behind.loads(Signer([OLD], "salt").dumps("dropped"))


def test_what_another_process_sealed_under_a_newer_key_opens_before_the_next_look(file: Path) -> None:
    vault = Vault(ring(file))
    sealed = vault.seal("early", bound=["row"])
    write(file, OLD, NEW, age=10)
    assert vault.open(Vault([NEW]).seal("late", bound=["row"]), bound=["row"]) == "late"
    assert vault.open(sealed, bound=["row"]) == "early"
    write(file, NEW, age=5)
    with pytest.raises(VaultRefused):
        vault.open(Vault([NEWEST]).seal("never", bound=["row"]), bound=["row"])
    with pytest.raises(VaultRefused):
        vault.open(sealed, bound=["row"])


def test_a_token_for_immotion_is_replaced_and_one_refused_is_tried_again_only_if_there_is_another(file: Path) -> None:
    token = bearer_token(ImmotionSettings(url="http://a.example", token_file=file))
    token.clock, token.monotonic = lambda: NOW, lambda: 0.0
    access = FixedAccess(token)
    shown = access.headers()
    assert shown == {"Authorization": f"Bearer {OLD}"}
    assert not access.refused(shown)
    write(file, NEW, age=9)
    assert access.refused(shown)
    assert access.headers() == {"Authorization": f"Bearer {NEW}"}
    write(file, "schlüssel", age=8)
    assert not access.refused(access.headers())


def test_a_webhook_secret_that_is_none_is_not_taken(file: Path) -> None:
    secret = "whsec_" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
    write(file, secret)
    secrets = webhook_secrets("immotion", ImmotionSettings(url="http://a.example", webhook_secrets_file=file))
    secrets.clock = lambda: NOW
    write(file, "whsec_half", age=9)
    assert secrets.looked_up() == (secret,)
    assert len(ImmotionHook({"m": secrets}, lambda: NOW)._verifiers["m"].now()) == 1


def with_file(directory: Path, keys: str) -> tuple[Installation, Path]:
    installation = Installation(directory)
    file = directory / "website.keys"
    write(file, keys)
    text = installation.config.read_text(encoding="utf-8")
    head = text[: text.index("[mandanten.musterbau.connections.website]")]
    tail = text[len(head) :]
    line = tail[tail.index("keys = [") : tail.index("\n", tail.index("keys = ["))]
    installation.config.write_text(head + tail.replace(line, f'keys_file = "{file}"', 1), encoding="utf-8")
    return installation, file


def test_a_process_that_begins_while_a_file_is_broken_gets_what_was_good_last(tmp_path: Path) -> None:
    installation, file = with_file(tmp_path, OLD)
    clock = Clock()
    standing = Standing(lambda: load_settings(installation.config), clock)
    keys = lambda: standing.read().mandanten["musterbau"].connections["website"].keys  # noqa: E731
    assert keys() == (OLD,)
    write(file, NEW)
    clock.now = 2.0
    standing.look()
    write(file, "half")
    clock.now = 4.0
    standing.look()
    with structlog.testing.capture_logs() as logs:
        assert keys() == (NEW,)
    assert [log["event"] for log in logs] == ["settings_unusable"]
    assert "website.keys: at least 32 bytes" in logs[0]["problems"][0]
    write(file, NEW, NEWEST)
    assert keys() == (NEW, NEWEST)


def test_a_process_that_begins_while_a_file_is_being_written_waits_for_its_end(tmp_path: Path) -> None:
    installation, file = with_file(tmp_path, OLD)
    clock = Clock()

    def wait(seconds: float) -> None:
        clock.now += seconds
        if clock.now > 1:
            write(file, OLD, NEW)

    standing = Standing(lambda: load_settings(installation.config), clock, lambda: NOW, wait)
    keys = lambda: standing.read().mandanten["musterbau"].connections["website"].keys  # noqa: E731
    assert keys() == (OLD,)
    assert clock.now == 0
    write(file, OLD, NEW[:-1] + "h", age=0.5)
    assert keys() == (OLD, NEW)
    assert clock.now < 2


def test_a_file_that_is_written_without_end_is_taken_as_it_is(tmp_path: Path) -> None:
    installation, file = with_file(tmp_path, OLD)
    clock = Clock()

    def wait(seconds: float) -> None:
        clock.now += seconds

    standing = Standing(lambda: load_settings(installation.config), clock, lambda: NOW, wait)
    standing.read()
    write(file, NEW, age=0.5)
    clock.now = 10.0
    kept = standing.look()
    assert kept is not None
    assert kept.mandanten["musterbau"].connections["website"].keys == (OLD,)
    assert standing.read().mandanten["musterbau"].connections["website"].keys == (NEW,)
    assert 16 < clock.now < 17


def test_without_any_good_settings_the_first_process_is_refused_by_name(tmp_path: Path) -> None:
    installation, _ = with_file(tmp_path, "half")
    with pytest.raises(SettingsError, match=r"website\.keys: at least 32"):
        Standing(lambda: load_settings(installation.config)).read()


def test_the_doctor_tells_a_broken_file_by_name_and_a_good_one_too(tmp_path: Path) -> None:
    installation, file = with_file(tmp_path, OLD)
    name = "mandanten.musterbau.connections.website.keys"
    assert list(files_of(load_settings(installation.config))) == [(name, file)]
    assert f"ok    key files: {name}: read and usable" in installation.run("doctor").stdout
    write(file, "half")
    broken = installation.run("doctor")
    assert broken.returncode == 1
    assert f"FAIL  settings: {name}: at least 32 bytes each" in broken.stdout
    assert "what runs goes on with the secrets it has" in broken.stdout


def test_keys_may_be_a_plain_sequence() -> None:
    plain: Sequence[Keys] = ([OLD], (OLD,))
    assert {Signer(keys, "salt").loads(Signer([OLD], "salt").dumps(1)) for keys in plain} == {1}
