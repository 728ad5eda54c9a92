"""Schedules in MongoDB: one row each, changed by compare-and-set on its version, claimed by a lease when due."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, NotRequired, TypedDict

from pymongo.errors import DuplicateKeyError

from shared.model import formats
from shared.model.schedules import MAX_PAGE_BYTES, Schedule, decode_schedule, encode_schedule
from shared.model.timestamps import from_datetime, to_datetime
from shared.mongo.bulk import Rows
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.leases import FREE, claim_rows, free_at, new_lease, server_time


class ScheduleRow(TypedDict):
    """A schedule as it is stored; `next` only while it has one. A claimed one also has a `token`."""

    _id: str
    tenant: str
    schedule: str
    version: int
    lease: datetime
    body: bytes
    next: NotRequired[datetime]
    format: NotRequired[int]


class DueSchedules(NamedTuple):
    """Schedules that this process alone may fire until its lease ends, as of a time on the server's clock."""

    now: int
    schedules: Sequence[Schedule]


class Schedules:
    """The `schedules` collection. All methods raise MongoUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows: Rows = database.schedules

    async def read(self, tenant: str, schedule: str) -> Schedule | None:
        """One of a tenant's; None when there is none. Raises NewerFormat."""
        with mongo_border():
            row = await self._rows.find_one({"_id": _row_id(tenant, schedule), "tenant": tenant})
        return None if row is None else _schedule(row)

    async def page(self, tenant: str, *, after: str, most: int) -> list[Schedule]:
        """Up to `most` of a tenant's whose id is greater than `after`, by id, or MAX_PAGE_BYTES of them.

        Those of newer versions are left out.
        """
        wanted = {"tenant": tenant, "schedule": {"$gt": after}, **formats.readable()}
        found: list[Schedule] = []
        size = 0
        with mongo_border():
            async for row in self._rows.find(wanted).sort("schedule", 1).limit(most):
                found.append(_schedule(row))
                size += len(found[-1].data)
                if size >= MAX_PAGE_BYTES:
                    break
        return found

    async def count(self, tenant: str, *, most: int) -> int:
        """How many a tenant has, counted up to `most`."""
        with mongo_border():
            return int(await self._rows.count_documents({"tenant": tenant}, limit=most))

    async def swap(self, before: Schedule | None, after: Schedule) -> bool:
        """Writes `after` if the row is still as `before` says (None: not there); False when it is not.

        Whoever has claimed it has lost it.
        """
        with mongo_border():
            if before is None:
                try:
                    await self._rows.insert_one(_row(after, 0))
                except DuplicateKeyError:
                    return False
                return True
            place = {"_id": _row_id(before.tenant, before.id), "version": before.version}
            changed = await self._rows.replace_one(place, _row(after, before.version + 1))
        return bool(changed.matched_count)

    async def remove(self, tenant: str, schedule: str) -> bool:
        """Deletes one; False when there is none."""
        with mongo_border():
            found = await self._rows.delete_one({"_id": _row_id(tenant, schedule), "tenant": tenant})
        return bool(found.deleted_count)

    async def claim(self, *, most: int, lease: timedelta) -> DueSchedules:
        """Up to `most` that are due, the longest waiting first; when more are, each tenant has its share.

        What a newer version wrote is left to a newer one.
        """
        with mongo_border():
            claim = await new_lease(self._database, lease)
            wanted = {"next": {"$lte": claim.now}, **free_at(claim.now), **formats.readable()}
            due = await self._oldest(wanted, most)
            if len(due) == most:
                due = await self._shares(wanted, due)
            if due:
                await claim_rows(self._rows, due, claim)
            won = [_schedule(row) async for row in self._rows.find({"token": claim.token})] if due else []
        return DueSchedules(from_datetime(claim.now), won)

    async def _oldest(self, wanted: Mapping[str, object], most: int) -> list[str]:
        return [row["_id"] async for row in self._rows.find(wanted, {"_id": 1}).sort("next", 1).limit(most)]

    async def _shares(self, wanted: Mapping[str, object], oldest: list[str]) -> list[str]:
        """Of each tenant its oldest, up to its share; what they leave over is for the oldest of all."""
        most = len(oldest)
        tenants: list[str] = await self._rows.distinct("tenant", wanted)
        some = tenants if len(tenants) <= most else random.sample(tenants, most)
        share = most // len(some) if some else most
        found = [each for tenant in some for each in await self._oldest({"tenant": tenant, **wanted}, share)]
        return list(dict.fromkeys([*found, *oldest]))[:most]

    async def seconds_to_next(self, most: float) -> float:
        """How long until the next one is due, at most `most`."""
        with mongo_border():
            now = await server_time(self._database)
            wanted = {"next": {"$exists": True}, **free_at(now), **formats.readable()}
            row = await self._rows.find_one(wanted, {"next": 1}, sort=[("next", 1)])
        return most if row is None else max(0.0, min(most, (row["next"] - now).total_seconds()))


def _row_id(tenant: str, schedule: str) -> str:
    return f"{tenant}:{schedule}"


def _row(schedule: Schedule, version: int) -> ScheduleRow:
    row: ScheduleRow = {
        "_id": _row_id(schedule.tenant, schedule.id),
        "tenant": schedule.tenant,
        "schedule": schedule.id,
        "version": version,
        "lease": FREE,
        "body": encode_schedule(schedule),
    }
    if schedule.next_at is not None:
        row["next"] = to_datetime(schedule.next_at)
    return row


def _schedule(row: ScheduleRow) -> Schedule:
    formats.check_row("schedule", row)
    return decode_schedule(bytes(row["body"]), row["version"])
