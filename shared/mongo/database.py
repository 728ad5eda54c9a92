"""The only file that opens MongoDB (motor).

Writes are `w:majority, j:true`, reads are majority reads: what a decision rests on cannot be rolled back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from bson import encode
from bson.codec_options import CodecOptions, TypeDecoder, TypeRegistry
from bson.int64 import Int64
from bson.raw_bson import RawBSONDocument
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from pymongo import ReadPreference, WriteConcern
from pymongo.read_concern import ReadConcern

Database = AsyncIOMotorDatabase[dict[str, Any]]


class _PlainInts(TypeDecoder):
    """BSON's 64-bit integers as `int`: msgspec and orjson encode no subclass of it."""

    bson_type = Int64

    def transform_bson(self, value: Int64) -> int:
        return int(value)


CODEC: Final[CodecOptions[dict[str, Any]]] = CodecOptions(tz_aware=True, type_registry=TypeRegistry([_PlainInts()]))


FIND_MS: Final = 30_000
"""How long a server may be looked for where nothing else is bounded."""


def open_client(uri: str, *, timeout_ms: int | None = 5_000) -> AsyncIOMotorClient[dict[str, Any]]:
    """A client; connects on first use. Every operation ends within `timeout_ms` or fails; None: it may take hours."""
    find_ms = timeout_ms or FIND_MS
    return AsyncIOMotorClient(
        uri, serverSelectionTimeoutMS=find_ms, connectTimeoutMS=find_ms, timeoutMS=timeout_ms, tz_aware=True
    )


@asynccontextmanager
async def open_database(uri: str, name: str, *, timeout_ms: int | None = 5_000) -> AsyncIterator[Database]:
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


def encoded(document: Mapping[str, object]) -> Mapping[str, object]:
    """The document as its BSON bytes, which every row that holds it takes as they are."""
    return RawBSONDocument(encode(document, codec_options=CODEC))


async def ping(database: Database) -> bool:
    """True when the primary answers; raises pymongo's error otherwise."""
    await database.command("ping")
    return True
