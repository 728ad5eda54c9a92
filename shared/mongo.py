"""The memory: the only file that opens MongoDB (motor), and the names of its collections.

Writes are `w:majority, j:true`, reads are majority reads: what a decision rests on cannot be rolled back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import stamina
from bson.codec_options import CodecOptions, TypeDecoder, TypeRegistry
from bson.int64 import Int64
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from pymongo import ReadPreference, WriteConcern
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    ExecutionTimeout,
    WriteConcernError,
)
from pymongo.read_concern import ReadConcern

from shared.errors import MongoAway, Unavailable

Database = AsyncIOMotorDatabase[dict[str, Any]]


class _PlainInts(TypeDecoder):
    """BSON's 64-bit integers as `int`: msgspec and orjson encode no subclass of it."""

    bson_type = Int64

    def transform_bson(self, value: Int64) -> int:
        return int(value)


CODEC: Final[CodecOptions[dict[str, Any]]] = CodecOptions(tz_aware=True, type_registry=TypeRegistry([_PlainInts()]))

AWAY: Final = (ConnectionFailure, ExecutionTimeout, WriteConcernError)
DUPLICATE_KEY: Final = 11000
NO_PRIMARY: Final = frozenset({50, 91, 189, 10107, 11600, 11602, 13435, 13436})
"""Codes of writes that ran out of time, or met a primary that was stepping down or shutting down."""


def open_client(uri: str, *, timeout_ms: int = 5_000) -> AsyncIOMotorClient[dict[str, Any]]:
    """A client; connects on first use. Every operation ends within `timeout_ms` or fails."""
    return AsyncIOMotorClient(
        uri, serverSelectionTimeoutMS=timeout_ms, connectTimeoutMS=timeout_ms, timeoutMS=timeout_ms, tz_aware=True
    )


@asynccontextmanager
async def open_database(uri: str, name: str, *, timeout_ms: int = 5_000) -> AsyncIterator[Database]:
    """The database with Carillon's guarantees, closed at the end."""
    client = open_client(uri, timeout_ms=timeout_ms)
    try:
        yield client.get_database(
            name,
            codec_options=CODEC,
            read_preference=ReadPreference.PRIMARY,
            write_concern=WriteConcern("majority", j=True),
            read_concern=ReadConcern("majority"),
        )
    finally:
        client.close()


@contextmanager
def mongo_border() -> Iterator[None]:
    """Maps MongoDB's infrastructure errors to MongoAway.

    A bulk that was refused for another reason is a RuntimeError with its codes alone: its text holds documents.
    """
    try:
        yield
    except AWAY as error:
        raise MongoAway(type(error).__name__) from error
    except BulkWriteError as error:
        raise _refused(error) from None


def duplicates(error: BulkWriteError) -> set[int]:
    """Positions of an unordered insert that were there already; raises what `mongo_border` does for the rest."""
    details = error.details or {}
    failures = details.get("writeErrors", [])
    if details.get("writeConcernErrors") or any(failure["code"] != DUPLICATE_KEY for failure in failures):
        raise _refused(error) from None
    return {failure["index"] for failure in failures}


def _refused(error: BulkWriteError) -> MongoAway | RuntimeError:
    details = error.details or {}
    codes = {failure["code"] for failure in details.get("writeErrors", [])} - {DUPLICATE_KEY}
    if details.get("writeConcernErrors") or codes & NO_PRIMARY:
        return MongoAway("the primary went away under a write")
    return RuntimeError(f"MongoDB refused a bulk, codes {sorted(codes)}")


async def insert_new(collection: Any, documents: list[dict[str, Any]]) -> set[int]:
    """Inserts in one unordered bulk; returns the positions that were there already. Raises MongoAway."""
    with mongo_border():
        try:
            await collection.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            return duplicates(error)
    return set()


async def ping(database: Database) -> bool:
    """True when the primary answers; raises pymongo's error otherwise."""
    await database.command("ping")
    return True


def patiently() -> stamina.BoundAsyncRetryingCaller:
    """Calls that wait for MongoDB or Kafka to come back, for as long as it takes."""
    return stamina.AsyncRetryingCaller(attempts=None, timeout=None, wait_initial=0.05, wait_max=5.0).on(Unavailable)
