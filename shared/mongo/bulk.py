"""Unordered bulk inserts in which the first insert wins."""

from __future__ import annotations

from typing import Any

from pymongo.errors import (
    BulkWriteError,
)

from shared.mongo.errors import duplicates, mongo_border


async def insert_new(collection: Any, documents: list[dict[str, Any]]) -> set[int]:
    """Inserts in one unordered bulk; returns the positions that were there already. Raises MongoUnavailable."""
    with mongo_border():
        try:
            await collection.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            return duplicates(error)
    return set()
