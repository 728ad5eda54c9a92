"""Schema versions, ensured by one runner. Run by hand or by deployment, never by a service."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

from pymongo.errors import DuplicateKeyError

from shared.mongo.database import Database, open_database
from shared.mongo.errors import mongo_border
from shared.mongo.indexes import INDEXES
from shared.mongo.leases import server_time

SCHEMA_VERSION: Final = 1


async def migrate(uri: str, name: str) -> int:
    """Brings the database to SCHEMA_VERSION and returns it; safe to run twice at once. Raises MongoUnavailable."""
    async with open_database(uri, name, timeout_ms=30_000) as database:
        with mongo_border():
            await _locked(database)
    return SCHEMA_VERSION


async def _locked(database: Database) -> None:
    token = uuid4().hex
    while not await _lock(database, token):  # noqa: ASYNC110  # the other runner is another process
        await asyncio.sleep(0.2)  # another runner holds the lock, in another process; its lease ends on its own
    for collection, indexes in INDEXES.items():
        if indexes:
            await database[collection].create_indexes(indexes)
    await database.meta.update_one(
        {"_id": "schema"},
        {"$set": {"version": SCHEMA_VERSION}, "$setOnInsert": {"epoch": uuid4().hex[:8]}},
        upsert=True,
    )
    await database.meta.delete_one({"_id": "lock", "token": token})


async def _lock(database: Database, token: str) -> bool:
    now = await server_time(database)
    taken: dict[str, Any] = {"token": token, "until": now + timedelta(seconds=60)}
    try:
        result = await database.meta.update_one({"_id": "lock", "until": {"$lt": now}}, {"$set": taken}, upsert=True)
    except DuplicateKeyError:
        return False
    return bool(result.upserted_id or result.modified_count)
