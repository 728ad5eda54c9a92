"""The `delivery_states` collection: where each delivery stands, kept beside the timeline and found by tenant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from services.console.core.paging import PagePlace
from services.console.deliveries.core.delivery_filter import DeliveryFilter, query_of
from services.console.deliveries.core.state_row import StateRow
from shared.mongo.bulk import Rows, insert_new
from shared.mongo.database import Database
from shared.mongo.errors import duplicates, mongo_border

MAX_BULK: Final = 500


class StateStore(Protocol):
    """Where the consumer keeps what it learnt: the collection, or in memory."""

    async def put(self, rows: Sequence[StateRow], /) -> None:
        """Each row takes the place of one that ranks lower, and of none else. Raises MongoUnavailable."""
        ...


class DeliveryStates:
    """The `delivery_states` collection. All methods raise MongoUnavailable; then the same call may be repeated."""

    def __init__(self, database: Database) -> None:
        self._rows: Rows = database.delivery_states

    async def put(self, rows: Sequence[StateRow]) -> None:
        """As StateStore says."""
        # An insert costs MongoDB a fifth of an update, and under load most have their end in the batch they begin in.
        first = [row for row in rows if row.first]
        seen = await insert_new(self._rows, [_document(row) for row in first]) if first else set()
        rest = [row for row in rows if not row.first] + [first[position] for position in sorted(seen)]
        updates = [
            UpdateOne(
                {"_id": row.id, "tenant": row.fields["tenant"], "rank": {"$lt": row.rank}},
                {"$set": row.fields | {"rank": row.rank}},
                upsert=row.whole,
            )
            for row in rest
        ]
        for begin in range(0, len(updates), MAX_BULK):
            with mongo_border():
                try:
                    await self._rows.bulk_write(updates[begin : begin + MAX_BULK], ordered=False)
                except BulkWriteError as error:
                    duplicates(error)  # it ranks higher already

    async def page(
        self, tenant: str, wanted: DeliveryFilter, *, after: PagePlace | None, most: int
    ) -> list[dict[str, Any]]:
        """The newest of those that are meant, behind `after`."""
        query = query_of(tenant, wanted)
        if after is not None:
            query = {"$and": [query, after.behind("accepted_at")]}
        with mongo_border():
            return await self._rows.find(query).sort([("accepted_at", -1), ("_id", -1)]).limit(most).to_list(most)


def _document(row: StateRow) -> dict[str, Any]:
    return {"_id": row.id, **row.fields, "rank": row.rank}
