"""How many sockets each gateway process has of each tenant: a row for each of both, with a lease.

Times are the server's. Rows of a process that died are removed by MongoDB when their leases are over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from pymongo import DeleteOne, UpdateOne

from shared.model.connected import ConnectedCounts
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.presence import LEASE

LIVING: Final = {"$expr": {"$gt": ["$until", "$$NOW"]}}


class SocketLeases:
    """The SocketLeaseStore of one database."""

    def __init__(self, database: Database, process: str = "", *, lease: timedelta = LEASE) -> None:
        """`process` names the gateway process, as no other is named; who only counts has none."""
        self._database = database
        self._process = process
        self._lease_ms = lease // timedelta(milliseconds=1)

    async def renew(self, sockets: Mapping[str, int]) -> None:
        """As SocketLeaseStore says."""
        until = {"$add": ["$$NOW", self._lease_ms]}
        changes = [
            UpdateOne(
                {"_id": f"{self._process}:{tenant}"},
                [{"$set": {"process": self._process, "tenant": tenant, "sockets": count, "until": until}}],
                upsert=True,
            )
            if count
            else DeleteOne({"_id": f"{self._process}:{tenant}"})
            for tenant, count in sockets.items()
        ]
        if changes:
            with mongo_border():
                await self._database.socket_leases.bulk_write(changes, ordered=False)

    async def gone(self) -> None:
        """As SocketLeaseStore says."""
        with mongo_border():
            await self._database.socket_leases.delete_many({"process": self._process})

    async def counts(self, tenant: str) -> ConnectedCounts:
        """As SocketLeaseStore says."""
        own = {"_id": {"$gt": f"{tenant}:", "$lt": f"{tenant};"}}  # of the user keys that begin with the tenant
        with mongo_border():
            users, rows = await asyncio.gather(
                self._database.presence.count_documents(own | LIVING),
                self._database.socket_leases.find({"tenant": tenant} | LIVING, {"sockets": 1}).to_list(None),
            )
        return ConnectedCounts(users, sum(row["sockets"] for row in rows), len(rows))
