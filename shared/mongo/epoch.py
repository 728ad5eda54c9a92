"""The epoch of the log: it changes when offsets start anew, so that old cursors are told to reset."""

from __future__ import annotations

from shared.mongo.database import Database
from shared.mongo.errors import mongo_border


async def epoch(database: Database) -> str:
    """Changes when offsets start anew, so that old cursors are told to reset. Raises MongoUnavailable."""
    with mongo_border():
        meta = await database.meta.find_one({"_id": "schema"})
    if meta is None:
        raise RuntimeError("the database was never migrated; run: carillon migrate")
    return str(meta["epoch"])
