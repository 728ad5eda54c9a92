"""Indexes and schema versions, ensured by one runner. Run by hand or by deployment, never by a service."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from shared.holds import server_time
from shared.mongo import Database, mongo_border, open_database

SCHEMA_VERSION: Final = 1
DAY: Final = 86_400
GUARD_DAYS: Final = 35
"""What guards against replays outlives every topic it guards (14 days at most)."""


def _expiring(days: int) -> IndexModel:
    return IndexModel([("created_at", ASCENDING)], expireAfterSeconds=days * DAY)


INDEXES: Final[dict[str, list[IndexModel]]] = {
    "profiles": [],
    "workflows": [IndexModel([("tenant", ASCENDING), ("key", ASCENDING), ("version", DESCENDING)], unique=True)],
    "expansions": [_expiring(GUARD_DAYS)],
    "decisions": [IndexModel([("notification", ASCENDING)]), _expiring(GUARD_DAYS)],
    "deliveries": [IndexModel([("notification", ASCENDING)]), _expiring(GUARD_DAYS)],
    "holds": [
        IndexModel([("due", ASCENDING), ("lease", ASCENDING)]),
        IndexModel([("token", ASCENDING)], sparse=True),
        IndexModel([("tenant", ASCENDING), ("cancellation_key", ASCENDING)]),
        IndexModel([("notification", ASCENDING)]),
    ],
    "inbox": [
        IndexModel([("tenant", ASCENDING), ("user", ASCENDING), ("offset", DESCENDING)]),
        IndexModel([("tenant", ASCENDING), ("user", ASCENDING), ("changed_at", DESCENDING)]),
        IndexModel([("tenant", ASCENDING), ("user", ASCENDING), ("notification", ASCENDING)]),
    ],
    "cancellations": [],
    "timeline": [
        IndexModel([("tenant", ASCENDING), ("notification", ASCENDING), ("at", ASCENDING)]),
        IndexModel(
            [("tenant", ASCENDING), ("data.event_id", ASCENDING)],
            partialFilterExpression={"data.event_id": {"$exists": True}},
        ),
        _expiring(90),
    ],
    "outbox": [IndexModel([("lease", ASCENDING), ("_id", ASCENDING)]), IndexModel([("token", ASCENDING)], sparse=True)],
    "requests": [_expiring(1)],
    "api_keys": [],
    "meta": [],
}


async def migrate(uri: str, name: str) -> int:
    """Brings the database to SCHEMA_VERSION and returns it; safe to run twice at once. Raises MongoAway."""
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


async def epoch(database: Database) -> str:
    """Changes when offsets start anew, so that old cursors are told to reset. Raises MongoAway."""
    with mongo_border():
        meta = await database.meta.find_one({"_id": "schema"})
    if meta is None:
        raise RuntimeError("the database was never migrated; run: carillon migrate")
    return str(meta["epoch"])
