"""What older releases did not write into rows that are there already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NotRequired, TypedDict

import structlog
from pymongo import UpdateOne

from shared.model.owners import address_ids
from shared.mongo.bulk import Rows
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border

log = structlog.get_logger()
PORTION: Final = 1_000
"""Profiles that are read, and written in one bulk, at once."""
_WITHOUT: Final = {"address_ids": {"$exists": False}, "addresses": {"$exists": True, "$ne": {}}}


class _RowOfBefore(TypedDict):
    """What is read of a profile."""

    _id: str
    addresses: dict[str, str]
    version: NotRequired[int]


OnPortion = Callable[[str], None]
"""Is told of each portion that is done."""


async def backfill_address_ids(database: Database, progress: OnPortion) -> None:
    """Gives `address_ids` to profiles that have addresses and no such field. Raises MongoUnavailable.

    What is done is not looked at again, so a run that was interrupted is carried on by the next one. A profile that
    changes meanwhile is left to who writes it.
    """
    rows: Rows = database.profiles
    done, last = 0, ""
    with mongo_border():
        while True:
            place = _WITHOUT | {"_id": {"$gt": last}}
            portion = await rows.find(place, {"addresses": 1, "version": 1}).sort("_id", 1).limit(PORTION).to_list(None)
            if not portion:
                return
            last = portion[-1]["_id"]
            result = await rows.bulk_write([update for row in portion for update in _updates(row)], ordered=False)
            done += result.modified_count
            progress(f"{done} profiles can be found by their addresses now")


def _updates(row: _RowOfBefore) -> list[UpdateOne]:
    try:
        found = address_ids(row["addresses"])
    except (AttributeError, TypeError, ValueError):
        log.error("unreadable_profile", id=row["_id"], next="PUT the profile again")
        found = []
    seen = {"_id": row["_id"], "version": row.get("version"), **_WITHOUT}
    return [UpdateOne(seen, {"$set": {"address_ids": found}})]
