"""Who is connected: a row per user, with a lease of each gateway process that has a connection of theirs.

Times are the server's. What a process that died has left ends with its leases; rows without any are removed by MongoDB.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Final

from pymongo import UpdateOne

from shared.mongo.bulk import Rows
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border

LEASE: Final = timedelta(seconds=60)
MAX_AT_ONCE: Final = 1_000
"""Users of one command."""


class Presence:
    """The `presence` collection, as one gateway process writes it and everybody reads it. All raise MongoUnavailable."""

    def __init__(self, database: Database, process: str = "", *, lease: timedelta = LEASE) -> None:
        """`process` names the gateway process: no other has the name, nor one before it. Who only reads has none."""
        self._rows: Rows = database.presence
        self._process = process
        self._lease_ms = lease // timedelta(milliseconds=1)

    async def renew(self, users: Collection[str]) -> None:
        """These (by user key) are connected to this process for another lease, whatever was known of them."""
        for some in _slices(users):
            with mongo_border():
                found = await self._rows.update_many({"_id": {"$in": some}}, self._leased())
                if found.matched_count < len(some):
                    changes = [UpdateOne({"_id": user}, self._leased(), upsert=True) for user in some]
                    await self._rows.bulk_write(changes, ordered=False)

    async def gone(self, users: Collection[str]) -> None:
        """These have no connection to this process any more."""
        for some in _slices(users):
            with mongo_border():
                await self._rows.update_many({"_id": {"$in": some}}, _kept(self._others()))
                await self._rows.delete_many({"_id": {"$in": some}, "pods": []})

    async def online(self, users: Collection[str]) -> set[str]:
        """Those of `users` (by user key) who are connected somewhere."""
        if not users:
            return set()
        living = {"_id": {"$in": list(users)}, "$expr": {"$gt": ["$until", "$$NOW"]}}
        with mongo_border():
            return {row["_id"] async for row in self._rows.find(living, {"_id": 1})}

    def _leased(self) -> list[dict[str, object]]:
        own = {"pod": self._process, "until": {"$add": ["$$NOW", self._lease_ms]}}
        return _kept({"$concatArrays": [self._others(), [own]]})

    def _others(self) -> dict[str, object]:
        """The leases of other processes, as far as they last."""
        lasts = {"$and": [{"$ne": ["$$each.pod", self._process]}, {"$gt": ["$$each.until", "$$NOW"]}]}
        return {"$filter": {"input": {"$ifNull": ["$pods", []]}, "as": "each", "cond": lasts}}


def _kept(pods: dict[str, object]) -> list[dict[str, object]]:
    """An update: the leases, and when the last of them ends, by which the row is removed; without any, at once."""
    return [{"$set": {"pods": pods}}, {"$set": {"until": {"$ifNull": [{"$max": "$pods.until"}, "$$NOW"]}}}]


def _slices(users: Collection[str]) -> Iterator[Sequence[str]]:
    rest = iter(users)
    while some := list(islice(rest, MAX_AT_ONCE)):
        yield some
