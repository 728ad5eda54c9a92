"""A record of a dead-letter topic of deliveries as the row that the console keeps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Final, NotRequired, TypedDict

import msgspec

from shared.model import formats, ids
from shared.model.channels import Channel
from shared.model.dead_letters import DeadLetterState, failure_of
from shared.model.outputs import Headers, KafkaRecord
from shared.model.reasons import Reason
from shared.model.timestamps import to_datetime

MAX_MS: Final = 253_402_300_799_999
"""The end of the year 9999, the last that a date has."""
MAX_KEPT_BYTES: Final = 12 * 1_048_576
"""Of a record: a row of MongoDB takes 16 MiB. Of what is larger the row says where it stands on the log."""
UNREADABLE: Final = "unreadable"
"""The reason of what is no delivery that anybody could read."""
UNKNOWN: Final = "unknown"
_REASONS: Final = frozenset(Reason)
_SHORTENED: Final = "value_shortened_from"


class StoredRedrive(TypedDict):
    """How a letter was sent again. `by` is a key's id."""

    generation: int
    by: str
    at: datetime
    forced: bool
    job: NotRequired[str]
    data: NotRequired[bytes]
    """What is sent instead, as JSON."""
    before: NotRequired[str]
    """SHA-256 of the data as they were, and below as they are."""
    after: NotRequired[str]


class DeadLetterRow(TypedDict):
    """A dead letter. `_id` derives from the delivery and its generation, so that a replay is the same row."""

    _id: str
    tenant: str
    user: str
    life: int
    channel: str
    state: str
    reason: str
    code: str
    attempts: int
    at: datetime
    first_failed_at: datetime
    generation: int
    topic: str
    """Where the record stood; the dead letter itself stands at `letter_offset` of its channel's topic."""
    partition: int
    offset: int
    letter_topic: str
    letter_offset: int
    bytes: int
    created_at: datetime
    whole: bool
    """It can be sent again: the delivery is there, and all of it."""
    delivery: NotRequired[str]
    step: NotRequired[str]
    notification: NotRequired[str]
    event_id: NotRequired[str]
    workflow: NotRequired[str]
    version: NotRequired[int]
    ends_at: NotRequired[datetime]
    """When its notification expires."""
    value: NotRequired[bytes]
    headers: NotRequired[list[list[bytes | None]]]
    redrive: NotRequired[StoredRedrive]
    discarded_by: NotRequired[str]
    erased: NotRequired[bool]
    format: NotRequired[int]


_Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""What a row takes."""
_Time = Annotated[int, msgspec.Meta(ge=0, le=MAX_MS)]


class _About(msgspec.Struct, frozen=True):
    id: str
    tenant: str
    user: str
    workflow: str = ""
    version: _Count = 0
    event_id: str = ""
    life: _Count = 0
    expires_at: _Time = 0


class _Known(msgspec.Struct, frozen=True):
    """What of a delivery is the same in every format."""

    id: str
    notification: _About
    step: str = ""
    generation: _Count = 0
    format: _Count = formats.OLDEST


_decoder: Final = msgspec.json.Decoder(_Known)


def letter_row(channel: Channel, record: KafkaRecord, now: int) -> DeadLetterRow:
    """The row of what was read from the dead-letter topic of `channel`; `now` in milliseconds since the epoch.

    What nobody can read is kept as well, under the tenant that its key names.
    """
    headers, failure = failure_of(record)
    code = failure.get("error_code") or (str(record.fault) if record.fault is not None else UNKNOWN)
    at = _number(failure, "last_failed_at", record.timestamp if 0 < record.timestamp <= MAX_MS else now)
    tenant, _, user = (record.key or b"").decode(errors="replace").partition(":")
    row: DeadLetterRow = {
        "_id": _id(record, failure),
        "tenant": tenant,
        "user": user,
        "life": 0,
        "channel": channel.value,
        "state": DeadLetterState.OPEN.value,
        "reason": _reason(failure.get("error_class", ""), code),
        "code": code,
        "attempts": _number(failure, "attempts", 0),
        "at": to_datetime(at),
        "first_failed_at": to_datetime(_number(failure, "first_failed_at", at)),
        "generation": 0,
        "topic": failure.get("source_topic", record.topic),
        "partition": _number(failure, "source_partition", -1),
        "offset": _number(failure, "source_offset", -1),
        "letter_topic": record.topic,
        "letter_offset": record.offset,
        "bytes": record.size,
        "created_at": to_datetime(now),
        "whole": False,
    }
    if record.size <= MAX_KEPT_BYTES:
        row["value"], row["headers"] = record.value or b"", _headers(headers)
    known = _known(record)
    return row if known is None else _of_delivery(row, known, whole=_SHORTENED not in failure)


def _of_delivery(row: DeadLetterRow, known: _Known, *, whole: bool) -> DeadLetterRow:
    about = known.notification
    row |= {
        "_id": ids.derive("dead_letter", known.id, known.generation),
        "tenant": about.tenant,
        "user": about.user,
        "life": about.life,
        "generation": known.generation,
        "delivery": known.id,
        "step": known.step,
        "notification": about.id,
        "event_id": about.event_id,
        "workflow": about.workflow,
        "version": about.version,
        "whole": whole and "value" in row,
    }
    if known.format > formats.OLDEST:
        row["format"] = known.format
    if about.expires_at:
        row["ends_at"] = to_datetime(about.expires_at)
    return row


def _known(record: KafkaRecord) -> _Known | None:
    if record.fault is not None:
        return None
    try:
        return _decoder.decode(record.value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _id(record: KafkaRecord, failure: dict[str, str]) -> str:
    """Of what names no delivery: where it stood, else what it is, since whatever wrote it may have written it again."""
    names = ("source_topic", "source_partition", "source_offset")
    if all(name in failure for name in names):
        return ids.derive("dead_letter", *(failure[name] for name in names))
    raw = sha256(record.value or b"").hexdigest()
    return ids.derive("dead_letter", record.topic, failure.get("source_topic", ""), raw)


def _reason(error_class: str, code: str) -> str:
    return next((each for each in (error_class, code) if each in _REASONS), UNREADABLE)


def _number(failure: dict[str, str], name: str, otherwise: int) -> int:
    """Bounded to what every later hop can carry."""
    given = failure.get(name, "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 14 else otherwise


def _headers(headers: Headers) -> list[list[bytes | None]]:
    return [[name.encode(errors="surrogateescape"), raw] for name, raw in headers]


def read_headers(stored: Sequence[Sequence[bytes | None]]) -> list[tuple[str, str | None]]:
    """Stored headers for people: what is not UTF-8 is written with backslashes."""
    shown = [[None if raw is None else bytes(raw).decode(errors="backslashreplace") for raw in pair] for pair in stored]
    return [(name or "", value) for name, value in shown]
