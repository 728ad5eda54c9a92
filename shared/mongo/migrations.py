"""Schema versions, ensured by one runner. Run by hand or by deployment, never by a service."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final
from uuid import uuid4

from pymongo import IndexModel

from shared.mongo.database import Database, open_database
from shared.mongo.errors import mongo_border
from shared.mongo.indexes import INDEXES, guarding
from shared.mongo.leases import claim_or_create, delete_claimed, new_lease
from shared.process.settings import GUARD_DAYS

SCHEMA_VERSION: Final = 1
LOCK: Final = timedelta(seconds=60)


async def migrate(uri: str, name: str, *, guard_days: int = GUARD_DAYS) -> int:
    """Brings the database to SCHEMA_VERSION and returns it; safe to run twice at once. Raises MongoUnavailable.

    `guard_days`: how long what guards against replays is kept; of rows that are there already, too.
    """
    async with open_database(uri, name, timeout_ms=30_000) as database:
        with mongo_border():
            await _locked(database, guard_days)
    return SCHEMA_VERSION


async def _locked(database: Database, guard_days: int) -> None:
    lease = await new_lease(database, LOCK)
    while not await claim_or_create(database.meta, "lock", lease):
        await asyncio.sleep(0.2)  # another runner holds the lock, in another process; its lease ends on its own
        lease = await new_lease(database, LOCK)
    for collection, indexes in INDEXES.items():
        if indexes:
            await database[collection].create_indexes(indexes)
    for collection, index in guarding(guard_days).items():
        await _ensure_expiry(database, collection, index)
    await database.meta.update_one(
        {"_id": "schema"},
        {"$set": {"version": SCHEMA_VERSION}, "$setOnInsert": {"epoch": uuid4().hex[:8]}},
        upsert=True,
    )
    await delete_claimed(database.meta, lease.token)


async def _ensure_expiry(database: Database, collection: str, index: IndexModel) -> None:
    """Creates an index that expires rows; one that is there already gets the time that is wanted now."""
    wanted = index.document
    found = (await database[collection].index_information()).get(wanted["name"])
    if found is None:
        await database[collection].create_indexes([index])
    elif found.get("expireAfterSeconds") != wanted["expireAfterSeconds"]:
        change = {"name": wanted["name"], "expireAfterSeconds": wanted["expireAfterSeconds"]}
        await database.command("collMod", collection, index=change)
