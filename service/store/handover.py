"""What immotion says when it takes Vorgänge, written for a whole batch at once."""

import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import peewee

from service.store.database import database, engine
from service.store.models import VorgangRow
from service.store.query import many
from service.store.records import HandedOver
from service.store.vorgaenge import ImmotionIdTaken

_ANY = UUID(int=0)
_OWN = ("UEBERMITTLUNG", "UEBERGEBEN")  # what the portal itself says of a Vorgang
# MariaDB's driver is slow with many statements; keys are compared as its tables do, or no index is used
_AT_ONCE = """
UPDATE JSON_TABLE(%s, '$[*]' COLUMNS(
    immotion_id VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$[0]',
    vorgangsnummer VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$[1]',
    status VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$[2]',
    id VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$[3]'
)) AS said STRAIGHT_JOIN vorgang AS here ON here.id = said.id
SET here.immotion_id = COALESCE(said.immotion_id, here.immotion_id),
    here.vorgangsnummer = COALESCE(said.vorgangsnummer, here.vorgangsnummer),
    here.status_at = IF(here.status IN (%s, %s) AND here.status_seq = 0, %s, here.status_at),
    here.status = IF(here.status IN (%s, %s) AND here.status_seq = 0, said.status, here.status)
"""


def note_handed_over(facts: Sequence[HandedOver], now: datetime) -> None:
    """Write what immotion said of these Vorgänge, in one go; raises ImmotionIdTaken, and then nothing is written.

    The status moves only while it is one of the portal's own: one that came as an event meanwhile stays in force.
    """
    if not facts:
        return
    # in the order of their ids, as all do who change several: so none waits for another in a circle
    ordered = sorted(facts, key=lambda fact: fact.vorgang_id)
    at = VorgangRow.status_at.db_value(now)
    rows = [(f.immotion_id, f.vorgangsnummer, f.status, VorgangRow.id.db_value(f.vorgang_id)) for f in ordered]
    try:
        if engine() == "mysql":
            database.execute_sql(_AT_ONCE, (json.dumps(rows), *_OWN, at, *_OWN))
        else:
            _note_one_by_one(rows, at)
    except peewee.IntegrityError as clash:
        raise ImmotionIdTaken from clash


def _note_one_by_one(rows: Sequence[tuple[str | None, str | None, str, str]], at: int | None) -> None:
    known = {
        "immotion_id": peewee.fn.COALESCE("", VorgangRow.immotion_id),
        "vorgangsnummer": peewee.fn.COALESCE("", VorgangRow.vorgangsnummer),
    }
    here = VorgangRow.id == _ANY
    own = VorgangRow.status.in_(list(_OWN)) & (VorgangRow.status_seq == 0)
    moving = VorgangRow.update(**known, status="", status_at=0).where(here & own)
    moved = many(moving, [(*said, status, at, key, *_OWN, 0) for *said, status, key in rows])
    if moved < len(rows):
        staying = VorgangRow.update(**known).where(here)
        many(staying, [(*said, key) for *said, _, key in rows])
