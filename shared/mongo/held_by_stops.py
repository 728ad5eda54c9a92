"""What an emergency stop holds: released or cancelled when the stop is gone, a bounded piece of it at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NotRequired, TypedDict

from shared.model.channels import Channel
from shared.model.holds import Cause
from shared.model.records import CANCELLED_SINCE
from shared.model.tenants import Stop, StopSweep, Swept
from shared.model.timestamps import from_datetime, to_datetime
from shared.mongo.bulk import Rows
from shared.mongo.leases import free_at

MAX_SWEPT: Final = 1000
"""Holds that one piece looks at."""
_CHANNELS: Final = {channel.value: channel for channel in Channel}
STOPPED: Final[dict[str, object]] = {"cause": Cause.STOPPED.value}


class _Stopped(TypedDict):
    _id: str
    workflow: NotRequired[str]
    channel: NotRequired[str | None]
    accepted_at: NotRequired[datetime]
    cancelled: NotRequired[bool]


async def sweep_stopped(rows: Rows, tenant: str, sweep: StopSweep, now: datetime) -> Swept:
    """As HoldStore says; `now` is the server's. Raises what pymongo raises.

    What is due already is looked at as well: a hold that was released may still be cancelled before it is claimed.
    """
    waiting = STOPPED | {"tenant": tenant, "_id": {"$gt": sweep.after}}
    fields = dict.fromkeys(("workflow", "channel", "accepted_at", "cancelled"), 1)
    found: list[_Stopped] = [row async for row in rows.find(waiting, fields).sort("_id", 1).limit(MAX_SWEPT)]
    cancelled = [row["_id"] for row in found if _is_cancelled(row, sweep)]
    known = set(cancelled)
    released = [row["_id"] for row in found if row["_id"] not in known and _is_released(row, sweep)]
    # With its old time it would be decided as of that, when it expires: `hastened` takes it off.
    due_now = {"$min": {"due": now}}
    marked = due_now | {"$set": {"hastened": True, "cancelled": True}, "$max": {"format": CANCELLED_SINCE}}
    return Swept(
        released=await _update(rows, released, due_now | {"$set": {"hastened": True}}, now, {"hastened": None}),
        cancelled=await _update(rows, cancelled, marked, now, {"cancelled": None}),
        after=found[-1]["_id"] if len(found) == MAX_SWEPT else None,
    )


async def count_sweepable(rows: Rows, tenant: str, sweep: StopSweep) -> Swept:
    """What a whole sweep comes to if nobody else sweeps meanwhile, however many pieces it takes.

    Raises what pymongo raises.
    """
    of_tenant = STOPPED | {"tenant": tenant, "cancelled": None}
    stopped = [_covered(stop) for stop in sweep.stops]
    cancels = [{**_covered(stop), "accepted_at": {"$lte": to_datetime(stop.since)}} for stop in sweep.cancels]
    cancelled = await rows.count_documents(of_tenant | {"$or": cancels}) if cancels else 0
    released = 0
    if {} not in stopped:
        others = [*stopped, *cancels]
        released = await rows.count_documents(of_tenant | {"hastened": None} | ({"$nor": others} if others else {}))
    return Swept(released=released, cancelled=cancelled)


def _covered(stop: Stop) -> dict[str, object]:
    """The filter of what it covers."""
    named = {"workflow": stop.workflow, "channel": stop.channel and stop.channel.value}
    return {name: value for name, value in named.items() if value is not None}


async def _update(
    rows: Rows, ids: list[str], change: dict[str, object], now: datetime, unmarked: dict[str, object]
) -> int:
    """Of those that nobody has claimed and that are not marked yet."""
    if not ids:
        return 0
    return int((await rows.update_many({"_id": {"$in": ids}, **free_at(now), **unmarked}, change)).modified_count)


def _is_cancelled(row: _Stopped, sweep: StopSweep) -> bool:
    at = row.get("accepted_at")
    return at is not None and sweep.cancels_it(row.get("workflow"), _channel(row), from_datetime(at))


def _is_released(row: _Stopped, sweep: StopSweep) -> bool:
    return not row.get("cancelled") and sweep.releases(row.get("workflow"), _channel(row))


def _channel(row: _Stopped) -> Channel | None:
    name = row.get("channel")
    return _CHANNELS.get(name) if name else None
