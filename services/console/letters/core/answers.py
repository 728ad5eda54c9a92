"""Dead letters as the console's API shows them. Addresses and contents are in the detail of one alone."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

import msgspec

from services.console.letters.core.letter_row import DeadLetterRow, StoredRedrive, read_headers
from shared.deciding.plain_words import meaning, next_step
from shared.model.timestamps import from_datetime, rfc3339


class RedriveShown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a dead letter was sent again."""

    generation: int
    by: str
    """The id of the key."""
    at: str
    forced: bool = False
    job: str | None = None
    edited: bool = False
    data_sha256_before: str | None = None
    data_sha256_after: str | None = None


class DeadLetterSummary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A dead letter, without what was to be sent."""

    id: str
    state: str
    channel: str
    reason: str
    meaning: str
    code: str
    attempts: int
    first_failed_at: str
    at: str
    generation: int
    can_be_redriven: bool
    user: str
    workflow: str | None = None
    step: str | None = None
    notification: str | None = None
    delivery: str | None = None
    event_id: str | None = None
    expires_at: str | None = None
    redrive: RedriveShown | None = None


class DeadLetterPage(msgspec.Struct, frozen=True, kw_only=True):
    """Dead letters, the newest first, and the `cursor` of the next page; null when these are the last."""

    dead_letters: list[DeadLetterSummary]
    cursor: str | None


class DeadLetterGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Those that failed alike."""

    channel: str
    reason: str
    code: str
    count: int
    oldest: str
    newest: str
    meaning: str
    next_step: str | None


class DeadLetterGroups(msgspec.Struct, frozen=True, kw_only=True):
    """Dead letters by channel, reason and code, the largest group first."""

    groups: list[DeadLetterGroup]
    complete: bool
    """False: there are more groups than are shown."""


class HeaderShown(msgspec.Struct, frozen=True, kw_only=True):
    """A header of the record, as it came."""

    name: str
    value: str | None


class LedgerShown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of the delivery since."""

    state: str
    generation: int
    attempts: int
    reason: str | None = None
    code: str | None = None


class DeadLetterDetail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A dead letter with what was to be sent, and to where."""

    letter: DeadLetterSummary
    next_step: str | None = None
    payload: Any = None
    """The delivery; text in base64 where it is no JSON, null where it is kept no more."""
    headers: list[HeaderShown] = []
    stood_at: str | None = None
    """Topic, partition and offset of the record, and below of its dead letter."""
    letter_at: str | None = None
    bytes: int = 0
    became: LedgerShown | None = None


class RedriveAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The letter, and as what it is sent again: `dry_run` says that it is not."""

    letter: DeadLetterSummary
    redrive: RedriveShown
    dry_run: bool


def summary(row: DeadLetterRow) -> DeadLetterSummary:
    """The row for people."""
    redrive = row.get("redrive")
    return DeadLetterSummary(
        id=row["_id"],
        state=row["state"],
        channel=row["channel"],
        reason=row["reason"],
        meaning=meaning(row["reason"]),
        code=row["code"],
        attempts=row["attempts"],
        first_failed_at=_time(row["first_failed_at"]),
        at=_time(row["at"]),
        generation=row["generation"],
        can_be_redriven=row["whole"] and not row.get("erased", False),
        user=row["user"],
        workflow=row.get("workflow"),
        step=row.get("step"),
        notification=row.get("notification"),
        delivery=row.get("delivery"),
        event_id=row.get("event_id"),
        expires_at=_time(row["ends_at"]) if "ends_at" in row else None,
        redrive=shown_redrive(redrive) if redrive is not None else None,
    )


def group(*, channel: str, reason: str, code: str, count: int, oldest: datetime, newest: datetime) -> DeadLetterGroup:
    """One group for people."""
    return DeadLetterGroup(
        channel=channel,
        reason=reason,
        code=code,
        count=count,
        oldest=_time(oldest),
        newest=_time(newest),
        meaning=meaning(reason),
        next_step=next_step(reason),
    )


def detail(row: DeadLetterRow, became: LedgerShown | None) -> DeadLetterDetail:
    """All that is known of one; `became` is its delivery's row in the ledger."""
    return DeadLetterDetail(
        letter=summary(row),
        next_step=next_step(row["reason"]),
        payload=_payload(row.get("value")),
        headers=[HeaderShown(name=name, value=value) for name, value in read_headers(row.get("headers", []))],
        stood_at=f"{row['topic']}[{row['partition']}]@{row['offset']}" if row["offset"] >= 0 else row["topic"],
        letter_at=f"{row['letter_topic']}[0]@{row['letter_offset']}",
        bytes=row["bytes"],
        became=became,
    )


def _payload(value: bytes | None) -> object:
    if value is None:
        return None
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return base64.b64encode(value).decode()


def shown_redrive(redrive: StoredRedrive) -> RedriveShown:
    """A redrive for people."""
    return RedriveShown(
        generation=redrive["generation"],
        by=redrive["by"],
        at=_time(redrive["at"]),
        forced=redrive["forced"],
        job=redrive.get("job"),
        edited="after" in redrive,
        data_sha256_before=redrive.get("before"),
        data_sha256_after=redrive.get("after"),
    )


def _time(at: datetime) -> str:
    return rfc3339(from_datetime(at))
