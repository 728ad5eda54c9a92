"""Which minutes are to be counted: `rollup_marks`, a row for each minute of a tenant of which a status was stored.

A minute is marked behind its statuses and before they are acknowledged, so that whoever dies between the two marks it
when the statuses are read again. It is marked again by each batch, under another token: a mark that was set while its
minute was counted outlives that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, Protocol
from uuid import uuid4

from pymongo import DeleteOne, UpdateOne

from services.console.analytics.core.buckets import RollupPlace
from services.console.analytics.core.stored_rollup import row_id
from shared.model.timestamps import from_datetime, to_datetime
from shared.mongo.bulk import Rows
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.process.clock import now_ms

MAX_BULK = 1_000


class Mark(NamedTuple):
    """A minute to be counted, as it was marked last."""

    place: RollupPlace
    token: str


class MarkStore(Protocol):
    """Where marks are kept. All methods raise MongoUnavailable; then the same call may be repeated."""

    async def mark(self, places: Collection[RollupPlace], /) -> None:
        """These minutes are to be counted from now on."""
        ...

    async def oldest(self, most: int, /) -> list[Mark]:
        """Those that wait longest."""
        ...

    async def clear(self, marks: Sequence[Mark], /) -> None:
        """They are counted; what was marked again meanwhile stays."""
        ...


class Marks:
    """The `rollup_marks` collection. All methods raise MongoUnavailable."""

    def __init__(self, database: Database) -> None:
        self._rows: Rows = database.rollup_marks

    async def mark(self, places: Iterable[RollupPlace]) -> None:
        """As MarkStore says."""
        now, token = to_datetime(now_ms()), uuid4().hex
        updates = [
            UpdateOne(
                {"_id": row_id(place)},
                {
                    "$set": {"tenant": place.tenant, "start": to_datetime(place.start), "token": token},
                    "$setOnInsert": {"marked_at": now},
                },
                upsert=True,
            )
            for place in sorted(set(places))
        ]
        for begin in range(0, len(updates), MAX_BULK):
            with mongo_border():
                await self._rows.bulk_write(updates[begin : begin + MAX_BULK], ordered=False)

    async def oldest(self, most: int) -> list[Mark]:
        """As MarkStore says."""
        with mongo_border():
            found = await self._rows.find().sort("marked_at", 1).to_list(most)
        return [Mark(RollupPlace(row["tenant"], from_datetime(row["start"])), row["token"]) for row in found]

    async def clear(self, marks: Sequence[Mark]) -> None:
        """As MarkStore says."""
        deletes = [DeleteOne({"_id": row_id(mark.place), "token": mark.token}) for mark in marks]
        if deletes:
            with mongo_border():
                await self._rows.bulk_write(deletes, ordered=False)

    async def pending(self, tenant: str, start: int, end: int) -> int:
        """How many of a tenant's marks there are in a time; `end` is not included."""
        between = {"$gte": to_datetime(start), "$lt": to_datetime(end)}
        with mongo_border():
            return await self._rows.count_documents({"tenant": tenant, "start": between})
