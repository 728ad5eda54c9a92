"""What waits for the producers' senders, as the delivery workers see it.

A worker claims what it looks at by moving the time of the next look on: if it dies, another looks then.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from pymongo import UpdateOne

from shared.model import formats
from shared.model.attempts import attempts_of
from shared.model.deliveries import DeliveryResult, DeliveryState
from shared.model.errors import MongoUnavailable
from shared.model.formats import NewerFormat
from shared.model.pull import PulledDelivery, RowPlace, next_look, place_of
from shared.model.timestamps import from_datetime, to_datetime
from shared.mongo.bulk import Rows, insert_new
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.leases import new_lease, server_time
from shared.mongo.ledger import LedgerRow, entry_of, result_fields
from shared.mongo.pull_rows import MAX_BYTES, PullRow, from_row, new_row, place

LOOK: Final = timedelta(seconds=30)
"""How long a worker that looks at some has time to tell what follows."""
TRIES: Final = 5
COMPARED: Final = frozenset({"_id", "generation", "pass", "state"})
WITHOUT_CONTENT: Final = {"pull": 0}
WAITING: Final[dict[str, object]] = {"pull.ready": True}


class PullRows:
    """A PullQueue over the collection `deliveries`."""

    def __init__(self, database: Database, *, look: timedelta = LOOK) -> None:
        self._database = database
        self._rows: Rows = database.deliveries
        self._look = look
        self._token = uuid4().hex

    async def insert(self, batch: list[PulledDelivery]) -> list[RowPlace]:
        """One bulk for what is new, another for what comes back."""
        if not batch:
            return []
        with mongo_border():
            now = await server_time(self._database)
        rows = [new_row(pulled, now) for pulled in batch]
        places = [RowPlace.BEHIND] * len(batch)
        left = sorted(await insert_new(self._rows, rows))
        for _ in range(TRIES):
            if not left:
                return places
            left = await self._go_on(batch, rows, left, places)
        raise MongoUnavailable("others write the same deliveries at the same time")

    async def _go_on(
        self, batch: list[PulledDelivery], rows: list[PullRow], seen: list[int], places: list[RowPlace]
    ) -> list[int]:
        """Puts those that go on in the place of their earlier pass; returns which are to be looked at again."""
        with mongo_border():
            known = {"_id": {"$in": [rows[position]["_id"] for position in seen]}}
            stored: dict[str, LedgerRow] = {row["_id"]: row async for row in self._rows.find(known, WITHOUT_CONTENT)}
            now = await server_time(self._database)
            updates = []
            for position in seen:
                row = stored[rows[position]["_id"]]
                places[position] = _place_of(row, now, batch[position])
                if places[position] is RowPlace.BEHIND:
                    updates.append(_in_place_of(row, rows[position]))
            if not updates:
                return []
            written = await self._rows.bulk_write(updates, ordered=False)
        if written.matched_count == len(updates):
            return []
        return [position for position in seen if places[position] is RowPlace.BEHIND]

    async def claim(self, *, most: int) -> list[PulledDelivery]:
        """The longest due first."""
        with mongo_border():
            lease = await new_lease(self._database, self._look, self._token)
            due = {"pull.look": {"$lte": lease.now}, **formats.readable()}
            found = self._rows.find(due, {"pull.size": 1}).sort("pull.look", 1).limit(most)
            ids, size = [], 0
            async for row in found:
                ids.append(row["_id"])
                size += row["pull"]["size"]
                if size >= MAX_BYTES:
                    break
            if not ids:
                return []
            claimed = {"pull.look": lease.until, "pull.by": lease.token}
            await self._rows.update_many({"_id": {"$in": ids}, **due}, {"$set": claimed})
            ours = {"_id": {"$in": ids}, **claimed}
            return [from_row(row) async for row in self._rows.find(ours)]

    async def record(self, results: list[tuple[PulledDelivery, DeliveryResult]]) -> set[str]:
        """Fenced by the time of the look; what was recorded before, by this very claim, is recorded."""
        if not results:
            return set()
        updates = [
            UpdateOne(
                {**self._as_claimed(pulled), "state": DeliveryState.CLAIMED},
                {
                    "$set": {
                        "attempts": result.attempts,
                        "pull.ready": False,
                        **result_fields(result, pulled.delivery.format),
                    }
                },
            )
            for pulled, result in results
        ]
        with mongo_border():
            written = await self._rows.bulk_write(updates, ordered=False)
            if written.matched_count == len(updates):
                return {pulled.delivery.id for pulled, _ in results}
            ids = [pulled.delivery.id for pulled, _ in results]
            mine = {"_id": {"$in": ids}, "pull.by": self._token, "state": {"$ne": DeliveryState.CLAIMED}}
            fields = {"generation": 1, "pass": 1}
            recorded = {(row["_id"], row["generation"], row["pass"]) async for row in self._rows.find(mine, fields)}
        each = [pulled.delivery for pulled, _ in results]
        return {one.id for one in each if (one.id, one.generation, one.pass_) in recorded}

    async def keep(self, waiting: list[PulledDelivery]) -> None:
        """Unless somebody has taken them meanwhile. Their rows are as good as new: what is old is deleted."""
        if not waiting:
            return
        with mongo_border():
            now = await server_time(self._database)
            later = [
                UpdateOne(
                    self._as_claimed(each),
                    {
                        "$set": {
                            "pull.look": to_datetime(next_look(each.delivery, from_datetime(now))),
                            "created_at": now,
                        }
                    },
                )
                for each in waiting
            ]
            await self._rows.bulk_write(later, ordered=False)

    async def done(self, ended: list[PulledDelivery]) -> None:
        """The content goes; who took it last stays, for reports that are repeated."""
        over = {"state": {"$ne": DeliveryState.CLAIMED}}
        updates = [UpdateOne(place(pulled.delivery) | over, {"$unset": {"pull": ""}}) for pulled in ended]
        if updates:
            with mongo_border():
                await self._rows.bulk_write(updates, ordered=False)

    async def count(self, *, most: int) -> int:
        """Of all tenants."""
        with mongo_border():
            return int(await self._rows.count_documents(WAITING, limit=most))

    def _as_claimed(self, pulled: PulledDelivery) -> dict[str, object]:
        return place(pulled.delivery) | {"pull.by": self._token, "pull.look": to_datetime(pulled.look)}


def _place_of(row: LedgerRow, now: datetime, pulled: PulledDelivery) -> RowPlace:
    try:
        return place_of(entry_of(row, now), pulled.delivery)
    except NewerFormat as newer:
        raise newer.of(pulled.received.record.coordinates) from None


def _in_place_of(before: LedgerRow, row: PullRow) -> UpdateOne:
    """What goes on takes the place of its earlier pass, all of whose outputs are out: it came back by the last of them."""
    as_it_was = {name: value for name, value in before.items() if name in COMPARED}
    fresh = {name: value for name, value in row.items() if name != "_id"}
    if earlier := attempts_of(before):
        fresh |= {"attempt_log": earlier, "last_attempts": []}
    return UpdateOne(as_it_was, {"$set": fresh, "$unset": {"taken": ""}})
