"""Sending a dead letter again: whether it may be, as what it is stored, and the record that does it."""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha256
from typing import Final

import msgspec

from services.console.letters.core.letter_row import DeadLetterRow, StoredRedrive
from shared.model import ids
from shared.model.dead_letters import DeadLetterState
from shared.model.errors import InvalidRecord
from shared.model.outputs import Output
from shared.model.records import Kind, Record, decode_delivery, encode
from shared.model.timestamps import DAY_MS, from_datetime, to_datetime
from shared.model.topics import Topics

FORCED_MS: Final = DAY_MS
"""What is sent although it has expired expires so long after somebody wanted that."""


class Obstacle(StrEnum):
    """Why a letter is not sent again."""

    NOT_WHOLE = "not_whole"
    """It is no delivery that anybody could read, or only a part of it; or its user is deleted."""
    DISCARDED = "discarded"
    REDRIVEN = "redriven"
    """It is sent again already."""
    EXPIRED = "expired"


def obstacle(row: DeadLetterRow, now: int, *, forced: bool) -> Obstacle | None:
    """What stands in the way of sending it again at `now` (milliseconds since the epoch); None: nothing.

    What is decided again later may stand in the way of more: opt-outs, suppressions, devices that are gone.
    """
    if row["state"] == DeadLetterState.DISCARDED:
        return Obstacle.DISCARDED
    if row["state"] != DeadLetterState.OPEN:
        return Obstacle.REDRIVEN
    if not row["whole"] or row.get("erased", False):
        return Obstacle.NOT_WHOLE
    if "ends_at" in row and from_datetime(row["ends_at"]) <= now and not forced:
        return Obstacle.EXPIRED
    return None


def again(row: DeadLetterRow, before: StoredRedrive) -> DeadLetterRow:
    """The letter as it would stand if the redrive `before`, which sent nothing, had become a dead letter."""
    return {**row, "state": DeadLetterState.OPEN.value, "generation": before["generation"]}


def redrive_of(
    row: DeadLetterRow, *, by: str, at: int, forced: bool, job: str | None = None, data: bytes | None = None
) -> StoredRedrive:
    """As it is stored before anything is written: all that the record derives from, and who wanted it.

    `data` are what is sent instead. Raises InvalidRecord for a delivery that cannot be read, NewerFormat.
    """
    stored: StoredRedrive = {
        "generation": row["generation"] + 1,
        "by": by,
        "at": to_datetime(at),
        "forced": forced,
    }
    if job is not None:
        stored["job"] = job
    if data is not None:
        before = decode_delivery(row.get("value")).notification.data
        stored |= {
            "data": data,
            "before": sha256(bytes(before)).hexdigest(),
            "after": sha256(data).hexdigest(),
        }
    return stored


def says_the_same(row: DeadLetterRow, data: bytes | None) -> bool:
    """Whether the letter is sent again with these data already, or nobody wants others."""
    redrive = row.get("redrive")
    return redrive is not None and (data is None or redrive.get("after") == sha256(data).hexdigest())


def redrive_output(topics: Topics, row: DeadLetterRow) -> Output | None:
    """The record that brings the delivery to `decide`, one generation on; the same each time it is asked for.

    None: there is nothing left of it to send. Raises NewerFormat.
    """
    redrive = row.get("redrive")
    if redrive is None or "value" not in row:
        return None
    try:
        delivery = decode_delivery(bytes(row["value"]))
    except InvalidRecord:
        return None
    notification = delivery.notification
    if "data" in redrive:
        notification = msgspec.structs.replace(notification, data=msgspec.Raw(bytes(redrive["data"])))
    if redrive["forced"]:
        until = max(notification.expires_at, from_datetime(redrive["at"]) + FORCED_MS)
        notification = msgspec.structs.replace(notification, expires_at=until)
    again = msgspec.structs.replace(
        delivery,
        notification=notification,
        generation=redrive["generation"],
        pass_=0,
        attempts=0,
        first_failed_at=None,
        turn_at=None,
        turns=0,
        fallback=(),
        fallback_at=None,
    )
    record = Record(
        kind=Kind.REDRIVE,
        tenant=notification.tenant,
        user=notification.user,
        subject=delivery.id,
        generation=redrive["generation"],
        delivery=again,
        forced=redrive["forced"],
        format=max(Kind.REDRIVE.since, delivery.format),
    )
    return Output(topics.notifications, ids.user_key(record.tenant, record.user), encode(record), [])
