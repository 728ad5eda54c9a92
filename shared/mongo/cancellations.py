"""Cancellation keys: a counter each. What was accepted under a smaller one than now is cancelled.

Counters instead of times: what is accepted after the cancel lives, whatever the clocks of the pods say.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict

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
        ids = [_row_id(one.tenant, one.cancellation_key) if one.cancellation_key else "" for one in notifications]
        rows: dict[str, CancellationRow] = await find_by_id(self._rows, sorted({*ids} - {""}))
        return [rows[row_id]["count"] if row_id in rows else 0 for row_id in ids]

    async def cancel(self, tenant: str, cancellation_key: str) -> int:
        """Raises the key's counter and returns it: what was accepted so far is cancelled."""
        with mongo_border():
            row = await self._rows.find_one_and_update(
                {"_id": _row_id(tenant, cancellation_key), "tenant": tenant},
                [{"$set": {"count": _NEXT, "changed_at": "$$NOW"}}],
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        return int(row["count"])


_NEXT = {"$ifNull": [{"$add": ["$count", 1]}, {"$toLong": "$$NOW"}]}
"""A key's first counter is the time in ms, so that one whose row has expired never counts where it has been before."""


def _row_id(tenant: str, cancellation_key: str) -> str:
    return f"{tenant}:{cancellation_key}"
