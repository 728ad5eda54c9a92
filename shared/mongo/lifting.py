"""Many entries of the suppression list taken off at once, a page by a call: what a provider's bad hour has put there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from shared.model import formats
from shared.model.errors import Unavailable
from shared.model.ports import RecordWriter
from shared.model.suppressions import SuppressionReason
from shared.model.timestamps import to_datetime
from shared.model.topics import Topics
from shared.mongo.bulk import insert_new
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.suppressions import announce

PAGE: Final = 200
"""Entries that one call takes off."""
MAX_COUNTED: Final = 100_000


class ToLift(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries of a tenant, of whatever category. Times are milliseconds since the epoch."""

    tenant: str
    reason: SuppressionReason
    by: str | None = None
    since: int | None = None
    until: int | None = None
    """Put there before."""


class TakenOff(NamedTuple):
    """How many entries were taken off, or would be; `more`: there are others."""

    entries: int
    more: bool


async def count(database: Database, wanted: ToLift, *, most: int = MAX_COUNTED) -> TakenOff:
    """How many there are, as far as `most`. Raises MongoUnavailable."""
    with mongo_border():
        found = await database.suppressions.count_documents(query(wanted), limit=most + 1)
    return TakenOff(min(found, most), found > most)


async def lift(database: Database, writer: RecordWriter, topics: Topics, wanted: ToLift, *, most: int) -> TakenOff:
    """Takes the oldest `most` off and tells `decide` of all users who have their addresses, as `remove` does.

    Raises MongoUnavailable or KafkaUnavailable; then repeat the call. What could not be told stays on the list.
    """
    asked = query(wanted)
    with mongo_border():
        rows = await database.suppressions.find(asked).sort("created_at", 1).limit(most + 1).to_list(most + 1)
        taken = rows[:most]
        if not taken:
            return TakenOff(0, more=False)
        await database.suppressions.delete_many({"_id": {"$in": [row["_id"] for row in taken]}, **asked})
    try:
        await announce(database, writer, topics, wanted.tenant, *sorted({row["address"] for row in taken}))
    except Unavailable:
        await insert_new(database.suppressions, taken)
        raise
    return TakenOff(len(taken), len(rows) > most)


def query(wanted: ToLift) -> Mapping[str, Any]:
    """None that only a newer version can read."""
    times = {"$gte": wanted.since, "$lt": wanted.until}
    within = {name: to_datetime(at) for name, at in times.items() if at is not None}
    return {
        "tenant": wanted.tenant,
        "reason": wanted.reason.value,
        **({"by": wanted.by} if wanted.by is not None else {}),
        **({"created_at": within} if within else {}),
        "format": {"$not": {"$gt": formats.FORMAT}},
    }
