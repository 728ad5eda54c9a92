"""What older releases did not write into rows that are there already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NotRequired, TypedDict

import structlog
from pymongo import UpdateOne

from shared.model.devices import device_ids
from shared.model.owners import address_ids
from shared.mongo.bulk import Rows
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border

log = structlog.get_logger()
PORTION: Final = 1_000
"""Profiles that are read, and written in one bulk, at once."""
_WITHOUT: Final[dict[str, object]] = {"address_ids": {"$exists": False}, "addresses": {"$exists": True, "$ne": {}}}
_WITHOUT_DEVICES: Final[dict[str, object]] = {"device_ids": {"$exists": False}, "devices": {"$exists": True, "$ne": []}}


class _RowOfBefore(TypedDict):
    """What is read of a profile."""

    _id: str
    addresses: NotRequired[dict[str, str]]
    devices: NotRequired[object]
    version: NotRequired[int]


_FOUND_BY: Final = "profiles can be found by their"
_Place = dict[str, object]
OnPortion = Callable[[str], None]
"""Is told of each portion that is done."""


async def backfill_address_ids(database: Database, progress: OnPortion) -> None:
    """Gives `address_ids` to profiles that have addresses and no such field. Raises MongoUnavailable.

    What is done is not looked at again, so a run that was interrupted is carried on by the next one. A profile that
    changes meanwhile is left to who writes it.
    """
    await _backfill(database.profiles, _WITHOUT, _updates, lambda done: progress(f"{done} {_FOUND_BY} addresses now"))


async def backfill_device_ids(database: Database, progress: OnPortion) -> None:
    """The same for `device_ids`."""
    rows: Rows = database.profiles
    await _backfill(rows, _WITHOUT_DEVICES, _device_updates, lambda done: progress(f"{done} {_FOUND_BY} devices now"))


async def _backfill(
    rows: Rows, without: _Place, updates: Callable[[_RowOfBefore], list[UpdateOne]], progress: Callable[[int], None]
) -> None:
    done, last = 0, ""
    fields = {"addresses": 1, "devices": 1, "version": 1}
    with mongo_border():
        while True:
            place = without | {"_id": {"$gt": last}}
            portion = await rows.find(place, fields).sort("_id", 1).limit(PORTION).to_list(None)
            if not portion:
                return
            last = portion[-1]["_id"]
            result = await rows.bulk_write([update for row in portion for update in updates(row)], ordered=False)
            done += result.modified_count
            progress(done)


def _updates(row: _RowOfBefore) -> list[UpdateOne]:
    try:
        found = address_ids(row["addresses"])
    except (AttributeError, TypeError, ValueError):
        log.error("unreadable_profile", id=row["_id"], next="PUT the profile again")
        found = []
    seen = {"_id": row["_id"], "version": row.get("version"), **_WITHOUT}
    return [UpdateOne(seen, {"$set": {"address_ids": found}})]


def _device_updates(row: _RowOfBefore) -> list[UpdateOne]:
    devices = row["devices"] if isinstance(row["devices"], list) else []
    found = device_ids(
        each for each in devices if isinstance(each, dict) and all(isinstance(v, str) for v in each.values())
    )
    seen = {"_id": row["_id"], "version": row.get("version"), **_WITHOUT_DEVICES}
    return [UpdateOne(seen, {"$set": {"device_ids": found}})]
