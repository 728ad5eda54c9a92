"""Schema versions, ensured by one runner. Run by hand or by deployment, never by a service."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final
from uuid import uuid4

from shared.mongo.database import Database, open_database
from shared.mongo.errors import mongo_border
from shared.mongo.indexes import INDEXES
from shared.mongo.leases import claim_or_create, delete_claimed, new_lease

SCHEMA_VERSION: Final = 1
LOCK: Final = timedelta(seconds=60)


async def migrate(uri: str, name: str) -> int:
    """Brings the database to SCHEMA_VERSION and returns it; safe to run twice at once. Raises MongoUnavailable."""
    async with open_database(uri, name, timeout_ms=30_000) as database:
        with mongo_border():
            await _locked(database)
    return SCHEMA_VERSION


async def _locked(database: Database) -> None:
    lease = await new_lease(database, LOCK)
    while not await claim_or_create(database.meta, "lock", lease):
        await asyncio.sleep(0.2)  # another runner holds the lock, in another process; its lease ends on its own
        lease = await new_lease(database, LOCK)
    for collection, indexes in INDEXES.items():
        if indexes:
            await database[collection].create_indexes(indexes)
    await database.meta.update_one(
        {"_id": "schema"},
        {"$set": {"version": SCHEMA_VERSION}, "$setOnInsert": {"epoch": uuid4().hex[:8]}},
        upsert=True,
    )
    await delete_claimed(database.meta, lease.token)
