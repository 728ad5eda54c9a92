"""Schema versions, ensured by one runner. Run by hand or by deployment, never by a service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final
from uuid import uuid4

import structlog
from pymongo import IndexModel

from shared.model.errors import MongoUnavailable
from shared.mongo.backfill import OnPortion, backfill_address_ids, backfill_device_ids
from shared.mongo.bulk import Rows
from shared.mongo.database import Database, open_database
from shared.mongo.errors import mongo_border
from shared.mongo.indexes import Retention, indexes
from shared.mongo.leases import claim_or_create, delete_claimed, new_lease, renew
from shared.mongo.schema import SCHEMA_VERSION

log = structlog.get_logger()
LOCK: Final = timedelta(seconds=60)


async def migrate(uri: str, name: str, retention: Retention | None = None, progress: OnPortion = lambda _: None) -> int:
    """Brings the database to SCHEMA_VERSION and returns it; safe to run twice at once. Raises MongoUnavailable.

    Takes as long as MongoDB builds indexes: hours, for the first one over a big collection. `progress` is told what else took long. Whatever ends it, the next run
    goes on where this one stood.
    """
    async with open_database(uri, name, timeout_ms=None) as database:
        with mongo_border():
            async with lock(database, LOCK):
                for collection, wanted in indexes(retention or Retention()).items():
                    await _ensure(database, collection, wanted)
                await backfill_address_ids(database, progress)
                await backfill_device_ids(database, progress)
                await _finish(database)
    return SCHEMA_VERSION


@asynccontextmanager
async def lock(database: Database, length: timedelta) -> AsyncIterator[None]:
    """One runner at a time. The lock ends `length` after its process died, and never while it lives."""
    lease = await new_lease(database, length)
    while not await claim_or_create(database.meta, "lock", lease):
        await asyncio.sleep(0.2)  # another runner holds the lock, in another process; its lease ends on its own
        lease = await new_lease(database, length)
    renewing = asyncio.create_task(_renew(database, lease.token, length))
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.wait({renewing})
        await delete_claimed(database.meta, lease.token)


async def _renew(database: Database, token: str, length: timedelta) -> None:
    while True:
        await asyncio.sleep(length.total_seconds() / 3)
        try:
            with mongo_border():
                await renew(database.meta, await new_lease(database, length, token))
        except MongoUnavailable as error:
            log.warning("lock_not_renewed", error=str(error), next="it is tried again; what it locks may run twice")


async def _ensure(database: Database, collection: str, wanted: Sequence[IndexModel]) -> None:
    """Builds what is missing, and changes how long rows are kept where that is another time now."""
    rows: Rows = database[collection]
    known = {index["name"]: index async for index in rows.list_indexes()}
    for model in wanted:
        index = model.document
        before = known.get(index["name"], index)
        if before.get("expireAfterSeconds") != index.get("expireAfterSeconds"):
            change = {"name": index["name"], "expireAfterSeconds": index["expireAfterSeconds"]}
            await database.command({"collMod": collection, "index": change})
    if wanted:
        await rows.create_indexes(wanted)


async def _finish(database: Database) -> None:
    # Counters of before this version say nothing of when they were changed: they are kept from now on.
    await database.cancellations.update_many({"changed_at": {"$exists": False}}, [{"$set": {"changed_at": "$$NOW"}}])
    await database.meta.update_one(
        {"_id": "schema"},
        {"$max": {"version": SCHEMA_VERSION}, "$setOnInsert": {"epoch": uuid4().hex[:8]}},
        upsert=True,
    )
