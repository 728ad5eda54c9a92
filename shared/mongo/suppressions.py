"""The suppression list in MongoDB, and the one rule of writing it: write, tell `decide`, and only then answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final, NotRequired, TypedDict

import msgspec
import structlog
from pymongo import ReturnDocument

from shared.model import formats, ids, records
from shared.model.lives import Life
from shared.model.outputs import Output
from shared.model.ports import RecordWriter
from shared.model.suppressions import Suppression, SuppressionReason
from shared.model.timestamps import from_datetime, to_datetime
from shared.model.topics import Topics
from shared.mongo.bulk import Rows
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border

log = structlog.get_logger()
PAGE: Final = 500
"""Users of an address that are told of at once."""


class SuppressionRow(TypedDict):
    """One entry. `_id` is all of it but when and by whom, so that repeating a call changes nothing."""

    _id: str
    tenant: str
    address: str
    reason: str
    category: str | None
    created_at: datetime
    by: str
    format: NotRequired[int]


class Suppressions:
    """The `suppressions` collection. All methods raise MongoUnavailable."""

    def __init__(self, database: Database) -> None:
        self._rows: Rows = database.suppressions

    async def of_addresses(self, wanted: Mapping[str, Collection[str]]) -> dict[tuple[str, str], list[Suppression]]:
        """The entries of these address ids, by tenant and address; those without one are left out.

        One question, and none when none are wanted. Of one that only a newer version can read there is nothing but
        its `format`.
        """
        if not any(wanted.values()):
            return {}
        found: dict[tuple[str, str], list[Suppression]] = defaultdict(list)
        places = {(tenant, address) for tenant, addresses in wanted.items() for address in addresses}
        asked = {
            "tenant": {"$in": sorted({tenant for tenant, _ in places})},
            "address": {"$in": sorted({address for _, address in places})},
        }
        with mongo_border():
            async for row in self._rows.find(asked):
                if (row["tenant"], row["address"]) in places:
                    found[row["tenant"], row["address"]].append(_from_row(row))
        return found

    async def put(self, entry: Suppression) -> Suppression:
        """Stores an entry; one that is there already stays as it is. Returns what is stored."""
        row: SuppressionRow = {
            "_id": _row_id(entry),
            "tenant": entry.tenant,
            "address": entry.address,
            "reason": entry.reason.value,
            "category": entry.category,
            "created_at": to_datetime(entry.created_at),
            "by": entry.by,
        }
        with mongo_border():
            stored = await self._rows.find_one_and_update(
                {"_id": row["_id"], "tenant": entry.tenant},
                {"$setOnInsert": row},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        return _from_row(stored)

    async def remove(
        self, tenant: str, address: str, *, category: str | None, reason: SuppressionReason | None = None
    ) -> int:
        """Takes off the entries of this category alone (None: those of everything); returns how many there were."""
        place = {"tenant": tenant, "address": address, "category": category}
        with mongo_border():
            return (await self._rows.delete_many(place if reason is None else place | {"reason": reason})).deleted_count


async def put(database: Database, writer: RecordWriter, topics: Topics, entry: Suppression) -> Suppression:
    """Stores an entry and tells `decide` of all users who have the address: what is accepted afterwards obeys it.

    Raises MongoUnavailable or KafkaUnavailable; then repeat the call.
    """
    stored = await Suppressions(database).put(entry)
    await announce(database, writer, topics, entry.tenant, entry.address)
    return stored


async def remove(
    database: Database,
    writer: RecordWriter,
    topics: Topics,
    *,
    tenant: str,
    address: str,
    category: str | None,
    reason: SuppressionReason | None = None,
) -> int:
    """Takes entries off and tells `decide`, as `put` does; returns how many there were."""
    removed = await Suppressions(database).remove(tenant, address, category=category, reason=reason)
    await announce(database, writer, topics, tenant, address)
    return removed


async def announce(database: Database, writer: RecordWriter, topics: Topics, tenant: str, *addresses: str) -> None:
    """A control record for each user who has one of the addresses, a page at a time: the routers read their lists again.

    Raises MongoUnavailable or KafkaUnavailable.
    """
    last = ""
    while True:
        place = {"tenant": tenant, "address_ids": {"$in": addresses}, "_id": {"$gt": last}}
        with mongo_border():
            page = await database.profiles.find(place, {"user": 1, "life": 1}).sort("_id", 1).limit(PAGE).to_list(PAGE)
        if page:
            await writer.publish([_changed(topics, tenant, row["user"], row.get("life", {})) for row in page])
        if len(page) < PAGE:
            return
        last = page[-1]["_id"]


def _changed(topics: Topics, tenant: str, user: str, life: Mapping[str, object]) -> Output:
    record = records.profile_changed(tenant, user, msgspec.convert(life, Life).number)
    return Output(topics.notifications, ids.user_key(tenant, user), records.encode(record), [])


def _from_row(row: SuppressionRow) -> Suppression:
    number = row.get("format", formats.OLDEST)
    if number > formats.FORMAT:
        log.error("newer_suppression", id=row["_id"], format=number, next="update this process")
        reason = SuppressionReason.MANUAL
        return Suppression(tenant=row["tenant"], address=row["address"], reason=reason, format=number)
    return Suppression(
        tenant=row["tenant"],
        address=row["address"],
        reason=SuppressionReason(row["reason"]),
        category=row["category"],
        created_at=from_datetime(row["created_at"]),
        by=row["by"],
        format=number,
    )


def _row_id(entry: Suppression) -> str:
    return ids.derive("suppression", entry.tenant, entry.address, entry.reason, entry.category or "")
