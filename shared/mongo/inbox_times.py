"""Inbox rows whose time has come: taken in slices by any number of processes, and kept as untold until they are told.

A row that was taken is marked in the same write that changes it. Who dies in between loses it when the lease is over:
then it counts as changed anew, because clients come back by when a row was changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from shared.model.inbox import Change, InboxItem
from shared.model.inbox_times import TimedChange, TimedChanges
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.inbox_counts import InboxLife, count_inboxes, life_of
from shared.mongo.inbox_rows import WITHOUT_CONTENT, state_of_row
from shared.mongo.leases import Lease, new_lease

SLICE: Final = 100
"""Rows that are taken at once, of each kind: the inboxes of all of them are counted."""
LEASE: Final = timedelta(seconds=5)
_LATER: Final[dict[str, object]] = {"changed_at": "$$NOW"}
_OVER: Final = _LATER | {"deleted_at": "$$NOW", "snoozed_until": "$$REMOVE", "untold": Change.EXPIRED.value}
_BACK: Final = _LATER | {"snoozed_until": "$$REMOVE", "untold": Change.UNSNOOZED.value}


class InboxTimes:
    """The `inbox` collection as time changes it. All methods raise MongoUnavailable."""

    def __init__(self, database: Database, *, lease: timedelta = LEASE) -> None:
        self._database = database
        self._rows = database.inbox
        self._lease = lease

    async def take(self) -> TimedChanges:
        """Changes what is due by MongoDB's clock, and takes what another process has not told."""
        with mongo_border():
            lease = await new_lease(self._database, self._lease)
            due: dict[str, object] = {"$lte": lease.now}
            there: dict[str, object] = {"deleted_at": None}
            slices = [
                await self._take("expires_at", there | {"expires_at": due}, _OVER, lease),
                await self._take("snoozed_until", there | {"snoozed_until": due}, _BACK, lease),
                await self._take("lease", {"untold": {"$exists": True}, "lease": {"$lt": lease.now}}, _LATER, lease),
            ]
            ids = list(dict.fromkeys(row for each in slices for row in each))
            changes = await self._changes(ids, lease.token) if ids else ()
            return TimedChanges(lease.token, tuple(ids), changes, any(len(each) == SLICE for each in slices))

    async def done(self, taken: TimedChanges) -> None:
        """All of it is durable on the log; rows that another process has taken since stay its."""
        with mongo_border():
            mine = {"_id": {"$in": list(taken.rows)}, "token": taken.token}
            await self._rows.update_many(mine, {"$unset": {"untold": "", "token": "", "lease": ""}})

    async def _take(
        self, first: str, where: dict[str, object], changed: dict[str, object], lease: Lease
    ) -> Sequence[str]:
        """The ids that were looked at; of two processes one changes each."""
        found = self._rows.find(where, {"_id": 1}).sort(first, 1).limit(SLICE)
        ids = [row["_id"] async for row in found]
        if ids:
            await self._rows.update_many(where | {"_id": {"$in": ids}}, [{"$set": changed | lease.fields}])
        return ids

    async def _changes(self, ids: Sequence[str], token: str) -> tuple[TimedChange, ...]:
        found: dict[tuple[InboxLife, Change], list[InboxItem]] = defaultdict(list)
        rows = self._rows.find({"_id": {"$in": ids}, "token": token}, WITHOUT_CONTENT)
        async for row in rows.sort("offset", 1):
            found[life_of(row), Change(row["untold"])].append(state_of_row(row))
        counts = await count_inboxes(self._rows, list(dict.fromkeys(owner for owner, _ in found)))
        return tuple(
            TimedChange(*owner, change, tuple(items), *counts[owner])
            for (owner, change), items in found.items()
            if owner in counts
        )
