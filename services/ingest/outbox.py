"""The outbox: records that wait in MongoDB while Kafka is unavailable.

One relay at a time, whatever the number of ingest processes: who claims the oldest row may go on, so rows are
relayed in their order. A claim has a token and a lease on the server's clock; rows are deleted by token.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import count
from typing import Final, NotRequired, Protocol, TypedDict
from uuid import uuid4

from pymongo.errors import BulkWriteError

from shared.model import formats
from shared.model.errors import MongoUnavailable
from shared.model.outputs import Headers, Output
from shared.mongo import leases
from shared.mongo.bulk import Rows
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.process.clock import now_ms

MAX_ROWS: Final = 500
MAX_BYTES: Final = 4 * 1_048_576
"""In one claim; a single row may be larger."""
LEASE: Final = timedelta(seconds=10)


class OutboxRow(TypedDict):
    """A record that waits. `_id` sorts by the time of writing; a claimed one has a `token`."""

    _id: str
    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    size: int
    """Bytes of the value."""
    lease: datetime
    token: NotRequired[str]
    partition: NotRequired[int]
    """Of one whose key does not say it."""


class OutboxStore(Protocol):
    """What the relay needs of the outbox. All methods raise MongoUnavailable."""

    async def claim(self) -> tuple[str, list[Output]]:
        """The oldest records, claimed under the token returned; none when another process relays."""
        ...

    async def delete(self, token: str, /) -> int:
        """Ends what was relayed under `token`; returns how many."""
        ...

    async def give_back(self, token: str, /) -> None:
        """Frees what was claimed under `token` and could not be relayed."""
        ...


class OutboxRows:
    """The `outbox` collection: a sink of group commit, one bulk per group, and what the relay needs."""

    def __init__(self, database: Database, *, lease: timedelta = LEASE) -> None:
        self._database = database
        self._rows: Rows = database.outbox
        self._lease = lease
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
                await self._rows.insert_many([self._row(output) for output in outputs])
            except BulkWriteError as error:
                raise MongoUnavailable("the bulk was not written in full") from error

    async def discard(self) -> None:
        """Nothing is held here."""

    async def stop(self) -> None:
        """The client is closed by whoever opened it."""

    async def claim(self) -> tuple[str, list[Output]]:
        """The oldest records that this version reads, claimed under the token returned; none when another process relays."""
        rows = self._rows
        with mongo_border():
            claim = await leases.new_lease(self._database, self._lease)
            head = await rows.find_one(formats.readable(), {"size": 1, "lease": 1}, sort=[("_id", 1)])
            if head is None or not await leases.claim_rows(rows, [head["_id"]], claim):
                return claim.token, []
            later = (
                rows.find({"_id": {"$gt": head["_id"]}, **formats.readable()}, {"size": 1})
                .sort("_id", 1)
                .limit(MAX_ROWS - 1)
            )
            more = _within(head["size"], [row async for row in later])
            if more:
                await leases.claim_rows(rows, more, claim)
            won = [output_of(row) async for row in rows.find({"token": claim.token}).sort("_id", 1)]
        return claim.token, won

    async def delete(self, token: str) -> int:
        """Ends what was relayed under `token`; returns how many."""
        with mongo_border():
            return await leases.delete_claimed(self._rows, token)

    async def give_back(self, token: str) -> None:
        """Frees what was claimed under `token` and could not be relayed."""
        with mongo_border():
            await leases.give_back(self._rows, token)

    def _row(self, output: Output) -> OutboxRow:
        explicit = {} if output.partition is None else {"partition": output.partition}
        return {
            "_id": f"{now_ms():015d}-{self._instance}-{next(self._numbers):012d}",
            "topic": output.topic,
            "key": output.key,
            "value": output.value,
            "headers": output.headers,
            "size": len(output.value or b""),
            "lease": leases.FREE,
            **explicit,  # type: ignore[typeddict-item]  # an int, where there is one
        }


def _within(used: int, rows: Iterable[OutboxRow]) -> list[str]:
    """The first rows that stay below MAX_BYTES with the `used` ones."""
    taken: list[str] = []
    for row in rows:
        used += row["size"]
        if used > MAX_BYTES:
            break
        taken.append(row["_id"])
    return taken


def output_of(row: OutboxRow) -> Output:
    """The record that waited."""
    key, value = row["key"], row["value"]
    headers = [(name, None if raw is None else bytes(raw)) for name, raw in row["headers"]]
    plain = Output(row["topic"], None if key is None else bytes(key), None if value is None else bytes(value), headers)
    return plain._replace(partition=row.get("partition"))
