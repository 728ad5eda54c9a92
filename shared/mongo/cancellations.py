"""Cancellation keys: a counter each. What was accepted under a smaller one than now is cancelled.

Counters instead of times: what is accepted after the cancel lives, whatever the clocks of the pods say.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NotRequired, TypedDict

from pymongo import ReturnDocument

from shared.model.notifications import Notification
from shared.mongo.bulk import find_by_id
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border


class CancellationRow(TypedDict):
    """One key's counter. `_id` is `tenant:key`."""

    _id: str
    tenant: str
    count: int
    changed_at: datetime
    withdrawn: NotRequired[int]
    """The counter of the last cancel that took back what stands in inboxes as well."""


class Cancellations:
    """The `cancellations` collection. All methods raise MongoUnavailable."""

    def __init__(self, database: Database) -> None:
        self._rows = database.cancellations

    async def count(self, tenant: str, cancellation_key: str) -> int:
        """The key's counter, which what is accepted now carries; 0 for a key that was never cancelled."""
        with mongo_border():
            row = await self._rows.find_one({"_id": _row_id(tenant, cancellation_key), "tenant": tenant})
        return int(row["count"]) if row else 0

    async def counts(self, notifications: Sequence[Notification]) -> list[int]:
        """The counter of each notification's key, in order; 0 without one. Nothing is asked when none has a key."""
        return [row["count"] if row else 0 for row in await self._of(notifications)]

    async def withdrawn(self, notifications: Sequence[Notification]) -> list[int]:
        """Of each notification's key, in order, the counter up to which it is withdrawn; 0 where it never was."""
        return [row.get("withdrawn", 0) if row else 0 for row in await self._of(notifications)]

    async def _of(self, notifications: Sequence[Notification]) -> list[CancellationRow | None]:
        ids = [_row_id(one.tenant, one.cancellation_key) if one.cancellation_key else "" for one in notifications]
        rows: dict[str, CancellationRow] = await find_by_id(self._rows, sorted({*ids} - {""}))
        return [rows.get(row_id) for row_id in ids]

    async def cancel(self, tenant: str, cancellation_key: str, *, withdraw: bool = False) -> int:
        """Raises the key's counter and returns it: what was accepted so far is cancelled.

        `withdraw`: who puts it into an inbox all the same takes it out again.
        """
        with mongo_border():
            row = await self._rows.find_one_and_update(
                {"_id": _row_id(tenant, cancellation_key), "tenant": tenant},
                [{"$set": {"count": _NEXT, "changed_at": "$$NOW"}}, *([_WITHDRAWN] if withdraw else [])],
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        return int(row["count"])


_NEXT = {"$ifNull": [{"$add": ["$count", 1]}, {"$toLong": "$$NOW"}]}
"""A key's first counter is the time in ms, so that one whose row has expired never counts where it has been before."""

_WITHDRAWN = {"$set": {"withdrawn": "$count"}}


def _row_id(tenant: str, cancellation_key: str) -> str:
    return f"{tenant}:{cancellation_key}"
