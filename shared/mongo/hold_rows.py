"""How a hold is stored, and what comes back of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NotRequired, TypedDict

import msgspec

from shared.model import formats
from shared.model.holds import Cause, Hold, ParkedHold
from shared.model.records import cancelled, decode_record, encode, without_due
from shared.model.timestamps import to_datetime
from shared.mongo.leases import FREE


class _Parked(TypedDict, total=False):
    account: str
    rank: int
    accepted_at: datetime
    workflow: str
    channel: str | None


class HoldRow(_Parked):
    """A hold as it is stored; `record` comes back as it stands, but for its time. A claimed one also has a `token`.

    One that waits for a provider account has that, and what says who goes first; one that is stopped has what says
    which stop concerns it.
    """

    _id: str
    tenant: str
    user: str
    notification: str | None
    cause: str
    due: datetime
    lease: datetime
    cancellation_key: str | None
    cancel_count: int
    life: int
    record: bytes
    hastened: NotRequired[bool]
    """Brought forward: it is decided as of when it is released."""
    cancelled: NotRequired[bool]
    """By an operator: it comes back to end."""
    format: NotRequired[int]


class ClaimedHold(msgspec.Struct, frozen=True, kw_only=True):
    """A due hold that this process alone may produce until its lease ends."""

    id: str
    tenant: str
    user: str
    record: bytes
    late_seconds: float


def hold_row(hold: Hold) -> HoldRow:
    """The hold as it is stored."""
    record, about, ended = hold.record, hold.record.about, hold.hastened_for
    parked: _Parked = {}
    if hold.account is not None and about is not None:
        parked = {
            "account": hold.account,
            "rank": about.priority.rank,
            "accepted_at": to_datetime(about.accepted_at),
        }
    elif hold.cause is Cause.STOPPED and about is not None:
        channel = record.delivery.channel if record.delivery else record.channel
        parked = {
            "workflow": about.workflow,
            "channel": channel,
            "accepted_at": to_datetime(about.accepted_at),
        }
    return {
        **parked,
        "_id": hold.id,
        "tenant": record.tenant,
        "user": record.user,
        "notification": ended.id if ended else None,
        "cause": hold.cause,
        "due": to_datetime(hold.due),
        "lease": FREE,
        "cancellation_key": ended.cancellation_key if ended else None,
        "cancel_count": ended.cancel_count if ended else 0,
        "life": about.life if about else 0,
        "record": encode(record),
        **formats.stamp(record.format),  # type: ignore[typeddict-item]  # an int, where there is one
    }


def claimed_of(row: HoldRow, now: datetime) -> ClaimedHold:
    """What goes back to `decide`; `now` is the server's."""
    record = bytes(row["record"])
    if row.get("cancelled"):
        record = cancelled(record)
    elif row.get("hastened"):
        record = without_due(record)
    return ClaimedHold(
        id=row["_id"],
        tenant=row["tenant"],
        user=row["user"],
        record=record,
        late_seconds=0.0 if row["due"] == FREE else (now - row["due"]).total_seconds(),  # FREE: hastened, was never due
    )


def parked_of(row: Mapping[str, Any]) -> ParkedHold:
    """Of a row of which only the record was read."""
    record = decode_record(bytes(row["record"]))
    return ParkedHold(id=row["_id"], delivery=record.subject, passes=record.pass_)
