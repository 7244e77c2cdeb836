"""Point 2: an answer lost after immotion's commit, and the same form posted many times at once, double nothing."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import requests
from peewee import fn

from service.store.database import connected
from service.store.models import OutboxRow, VorgangRow
from service.store.query import tuples
from tests.faults.killer import start_sync
from tests.faults.points import Finding
from tests.faults.workload import (
    Client,
    Filed,
    Form,
    compare,
    counts_of,
    drain,
    file_directly,
    installed,
    opened,
    pictures,
    switch_faults,
)
from tests.support.portal import Installation, vorgang_id, wait_for

_SYNCS = 2
_SETTINGS = "threads = 8\nlease_s = 5"
_CUT_RATE = 0.3  # of half, five follow each other so often that the breaker is open most of the time
_CUT = "cut_after_commit"
_SHARE = 10  # of the cuts, one in so many is to an attachment's, and as many to a message's answer
_MESSAGES = 30  # with fewer, chance might cut none of them
_VORGAENGE = 60  # … or not as many as it should


def measure(directory: Path, engine: str, *, cuts: int = 1000, keys: int = 1000, posts: int = 20) -> list[Finding]:
    """Post each of `keys` forms `posts` times at once, then with another text; then cut so many of immotion's answers.

    Two workers forward; three of ten answers to `PUT` of attachments, messages and Vorgänge are cut until it has been
    so many: with all of them cut the breaker would rightly stay open.
    """
    with installed(directory, engine, immotion=_SETTINGS) as installation:
        installation.start("portal", "serve")
        wait_for(f"{installation.url}/readyz")
        with opened(installation):
            filed, found = _post_at_once(installation, engine, keys, posts)
            return found + _cut(installation, engine, filed, cuts)


class _Crowd:
    """One resident who posts a form many times at once, over as many connections."""

    def __init__(self, installation: Installation, posts: int) -> None:
        self._clients = [Client(installation, 1) for _ in range(posts)]
        self._together = threading.Barrier(posts)
        self._pool = ThreadPoolExecutor(posts)
        self._forms: list[Form] = []

    def post_at_once(self, text: str) -> list[str]:
        """Render one form, post it with every client at the same moment; return what each was answered."""
        form = self._clients[0].form(text)
        self._forms.append(form)

        def post(client: Client) -> str:
            self._together.wait(60)
            return _answer(lambda: client.post(form))

        return list(self._pool.map(post, self._clients))

    def post_changed(self, number: int) -> str:
        """Post the form of an earlier round with another text; return what was answered."""
        form = self._forms[number].changed(beschreibung="Etwas ganz anderes")
        return _answer(lambda: self._clients[number % len(self._clients)].post(form))

    def close(self) -> None:
        self._pool.shutdown()


def _answer(post: Callable[[], requests.Response]) -> str:
    try:
        answer = post()
    except requests.RequestException as fault:
        return type(fault).__name__
    return f"303 {vorgang_id(answer)}" if answer.status_code == 303 else str(answer.status_code)


def _post_at_once(installation: Installation, engine: str, keys: int, posts: int) -> tuple[list[Filed], list[Finding]]:
    crowd = _Crowd(installation, posts)
    rounds = [crowd.post_at_once(f"Meldung {number}") for number in range(keys)]
    before = _stored()
    refused = Counter(crowd.post_changed(number) for number in range(keys))
    after = _stored()
    crowd.close()
    odd = Counter(answer for answers in rounds for answer in answers if not answer.startswith("303 "))
    agreed = [answers[0].removeprefix("303 ") for answers in rounds if len(set(answers)) == 1]
    filed = [Filed(answers[0].removeprefix("303 "), f"Meldung {number}") for number, answers in enumerate(rounds)]
    return filed, [
        Finding(
            f"{keys:,} idempotency keys × {posts} posts at once",
            engine,
            f"{len(before):,} Vorgänge; {len(agreed):,} keys whose {posts} answers name the same one; "
            f"{sum(odd.values())} answers that were none{f': {dict(odd)}' if odd else ''}",
            f"{keys:,} Vorgänge, every post answered with its key's",
            before == {one.vorgang_id: one.text for one in filed} and len(agreed) == len(before) == keys and not odd,
        ),
        Finding(
            "… the same key with another text",
            engine,
            f"{refused['409']:,} refused (409); {len(after.keys() - before.keys())} stored, "
            f"{sum(before[key] != after.get(key) for key in before)} changed",
            f"{keys:,} refused; 0 stored",
            refused == {"409": keys} and before == after,
        ),
    ]


def _stored() -> dict[str, str]:
    with connected():
        return {str(key): text for key, text in tuples(VorgangRow.select(VorgangRow.id, VorgangRow.beschreibung))}


def _cut(installation: Installation, engine: str, filed: list[Filed], cuts: int) -> list[Finding]:
    """Cut answers to each of the three calls, one after the other, while there is enough of what it carries."""
    installation.start_standin()
    for number in range(_SYNCS):
        start_sync(installation, f"sync-{number}")
    share = max(cuts // _SHARE, 1)
    for call in ("PUT /anhaenge", "PUT /aktivitaeten"):
        _spoil(installation, call, share)
        _add_messages(installation, filed, max(4 * share, _MESSAGES))
        drain()
    left = cuts - 2 * share
    _spoil(installation, "PUT /vorgaenge", left)
    everything = filed + file_directly(max(4 * left, _VORGAENGE), "Unmittelbar")
    drain()
    return _findings(installation, engine, everything, cuts)


def _spoil(installation: Installation, call: str, count: int) -> None:
    switch_faults(installation, rate=_CUT_RATE, kinds=[_CUT], calls=[call], count=count)


def _add_messages(installation: Installation, filed: list[Filed], count: int) -> None:
    """Have the resident write to one Vorgang after the other, each time with a picture."""
    client, album = Client(installation, 1), pictures(8, installation.directory / "album")
    for number in range(count):
        client.add(filed[number % len(filed)], f"Nachtrag {number} {uuid4()}", album[number % len(album)])


def _findings(installation: Installation, engine: str, everything: list[Filed], cuts: int) -> list[Finding]:
    seen, counts = compare(installation, everything), counts_of(installation)
    cut = {name: counts.of(f"PUT /{name}", _CUT) for name in ("vorgaenge", "anhaenge", "aktivitaeten")}
    ledger = installation.ledger()
    asked = sum(row["aufrufe"].get("GET /vorgaenge", 0) for row in ledger)
    with connected():
        failed = int(OutboxRow.select(fn.SUM(OutboxRow.attempts)).scalar() or 0)
    return [
        Finding(
            f"{cuts:,} answers cut after immotion's commit, among {len(everything):,} Vorgänge",
            engine,
            f"{', '.join(f'{count:,} to PUT {name}' for name, count in cut.items())}: {seen.delivery()}, "
            f"{seen.disordered} out of order, {seen.wrong_files} with other files; {failed:,} attempts failed",
            "0 doubled, 0 lost, 0 out of order; some of each cut",
            seen.delivered()
            and not seen.disordered
            and not seen.wrong_files
            and failed >= cuts == sum(cut.values())
            and min(cut.values()) > 0,
        ),
        Finding(
            "… asked by our id before a resend",
            engine,
            f"{asked:,} look-ups; {counts.unasked} Vorgänge sent again unasked although immotion had them",
            "0 sent again",
            counts.unasked == 0 and asked >= cut["vorgaenge"],
        ),
    ]
