"""The outbox: records that wait in MongoDB while Kafka is unavailable.

One relay at a time, whatever the number of ingest processes: who claims the oldest row may go on, so rows are
relayed in their order. A claim has a token and a lease on the server's clock; rows are deleted by token.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from itertools import count
from typing import Any, Final
from uuid import uuid4

from pymongo.errors import BulkWriteError

from shared.model.errors import MongoUnavailable
from shared.model.outputs import Output
from shared.mongo import leases
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.process.clock import now_ms

MOST_ROWS: Final = 500
MOST_BYTES: Final = 4 * 1_048_576
"""In one claim; a single row may be larger."""
LEASE: Final = timedelta(seconds=10)


class OutboxSink:
    """A sink of group commit: one bulk per group."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._instance = uuid4().hex[:12]
        self._numbers = count()

    async def start(self) -> None:
        """Raises MongoUnavailable when no primary answers."""
        with mongo_border():
            await self._database.command("ping")

    async def publish(self, outputs: list[Output]) -> None:
        """Inserts in order (majority, journal). Raises MongoUnavailable: some of it may be there."""
        with mongo_border():
            try:
                await self._database.outbox.insert_many([self._row(output) for output in outputs])
            except BulkWriteError as error:
                raise MongoUnavailable("the bulk was not written in full") from error

    async def discard(self) -> None:
        """Nothing is held here."""

    async def stop(self) -> None:
        """The client is closed by whoever opened it."""

    def _row(self, output: Output) -> dict[str, Any]:
        return {
            "_id": f"{now_ms():015d}-{self._instance}-{next(self._numbers):012d}",
            "topic": output.topic,
            "key": output.key,
            "value": output.value,
            "headers": [list(header) for header in output.headers],
            "size": len(output.value or b""),
            "lease": leases.FREE,
        }


async def claim(database: Database, *, lease: timedelta = LEASE) -> tuple[str, list[Output]]:
    """The oldest rows, claimed under the token returned; none when another process relays. Raises MongoUnavailable."""
    rows = database.outbox
    with mongo_border():
        claim = await leases.new_lease(database, lease)
        head = await rows.find_one({}, {"size": 1, "lease": 1}, sort=[("_id", 1)])
        if head is None or not await leases.claim_rows(rows, [head["_id"]], claim):
            return claim.token, []
        later = rows.find({"_id": {"$gt": head["_id"]}}, {"size": 1}).sort("_id", 1).limit(MOST_ROWS - 1)
        more = _within(head["size"], [row async for row in later])
        if more:
            await leases.claim_rows(rows, more, claim)
        won = [_output(row) async for row in rows.find({"token": claim.token}).sort("_id", 1)]
    return claim.token, won


def _within(used: int, rows: Iterable[dict[str, Any]]) -> list[str]:
    """The first rows that stay below MOST_BYTES with the `used` ones."""
    taken: list[str] = []
    for row in rows:
        used += row["size"]
        if used > MOST_BYTES:
            break
        taken.append(row["_id"])
    return taken


async def delete(database: Database, token: str) -> int:
    """Ends the rows that were relayed under `token`; returns how many. Raises MongoUnavailable."""
    with mongo_border():
        return await leases.delete_claimed(database.outbox, token)


async def give_back(database: Database, token: str) -> None:
    """Frees what was claimed under `token` and could not be relayed. Raises MongoUnavailable."""
    with mongo_border():
        await leases.give_back(database.outbox, token)


def _output(row: dict[str, Any]) -> Output:
    key, value = row["key"], row["value"]
    headers = [(name, bytes(raw)) for name, raw in row["headers"]]
    return Output(row["topic"], None if key is None else bytes(key), None if value is None else bytes(value), headers)
