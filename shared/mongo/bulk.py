"""Unordered bulk inserts in which the first insert wins, and reading back what was there before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo.errors import BulkWriteError

from shared.mongo.errors import duplicates, mongo_border

Rows = AsyncIOMotorCollection[Any]
"""Any collection: its rows' type is the caller's."""


async def insert_new(rows: Rows, documents: Sequence[Any]) -> set[int]:
    """Inserts in one unordered bulk; returns the positions that were there already. Raises MongoUnavailable."""
    with mongo_border():
        try:
            await rows.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            return duplicates(error)
    return set()


async def insert_until_known(rows: Rows, documents: Sequence[Any]) -> int:
    """Inserts one after the other; returns how many, up to the first that is there already. Raises MongoUnavailable."""
    with mongo_border():
        try:
            await rows.insert_many(documents, ordered=True)
        except BulkWriteError as error:
            duplicates(error)
            return int(error.details["nInserted"])
    return len(documents)


async def find_by_id(rows: Rows, ids: Iterable[str]) -> dict[str, Any]:
    """The stored rows of `ids`, by id; those that are not there are left out. Raises MongoUnavailable."""
    wanted = list(ids)
    if not wanted:
        return {}
    with mongo_border():
        return {row["_id"]: row async for row in rows.find({"_id": {"$in": wanted}})}
