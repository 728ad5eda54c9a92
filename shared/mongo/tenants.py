"""Tenants' settings in MongoDB, and the one rule of writing them: write, tell `decide`, and only then answer.

The control record goes to every partition of `notifications.v1`, so whatever is accepted after the answer is decided
with the new settings. It is written even when nothing changed: repeating a call heals a crash between.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

import msgspec
import structlog
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from shared.model import formats, ids
from shared.model.errors import Invalid, Unavailable
from shared.model.formats import NewerFormat
from shared.model.outputs import Output
from shared.model.ports import RecordWriter
from shared.model.records import Record, encode, tenant_changed
from shared.model.tenants import ENVIRONMENT, Stop, TenantSettings
from shared.model.timestamps import to_datetime
from shared.model.topics import Topics
from shared.mongo.bulk import find_by_id
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.process.clock import now_ms

log = structlog.get_logger()
TRIES: Final = 20
MAX_LISTED: Final = 10_000

TenantChange = Callable[[TenantSettings], TenantSettings]
"""From the stored settings (empty ones of version 0 for a new tenant) to the wanted ones; may run more than once."""


class ContendedTenant(Unavailable):
    """Too many others wrote the same tenant's settings at the same time."""


async def read(database: Database, tenant: str) -> TenantSettings:
    """The stored settings, or empty ones of version 0. Raises MongoUnavailable, NewerFormat or Invalid."""
    with mongo_border():
        row = await database.tenants.find_one({"_id": tenant})
    try:
        return TenantSettings(tenant=tenant) if row is None else _settings(row)
    except msgspec.ValidationError as error:
        detail = f"the row of {tenant!r} in the collection tenants was not written by Carillon: {error}"
        raise Invalid("unreadable_tenant", detail) from error


async def read_many(database: Database, tenants: Iterable[str]) -> dict[str, TenantSettings]:
    """The stored settings of tenants, and of `*`, the environment; others are left out. Raises MongoUnavailable.

    Of settings that only a newer version can read there is nothing but their `format`. Those that cannot be read stop
    the tenant: what waits can still be sent when they are mended.
    """
    rows: dict[str, Mapping[str, object]] = await find_by_id(database.tenants, [*tenants, ENVIRONMENT])
    return {tenant: _readable(tenant, row) for tenant, row in rows.items()}


async def list_all(database: Database) -> list[TenantSettings]:
    """All stored settings by name, the environment's first. Raises MongoUnavailable."""
    with mongo_border():
        rows = database.tenants.find({}).sort("_id", 1).limit(MAX_LISTED)
        return [_readable(row["_id"], row) async for row in rows]


async def count_stops(database: Database) -> int:
    """How many stops are in place, of all tenants. Raises MongoUnavailable."""
    with mongo_border():
        rows = database.tenants.find({"stops": {"$exists": True}}, {"stops": 1}).limit(MAX_LISTED)
        return sum([len(row["stops"]) for row in await rows.to_list(None) if isinstance(row["stops"], list)])


async def versions(database: Database, tenants: Iterable[str]) -> dict[str, int]:
    """The versions of stored settings, of `*` as well. Raises MongoUnavailable."""
    with mongo_border():
        rows = database.tenants.find({"_id": {"$in": [*tenants, ENVIRONMENT]}}, {"version": 1})
        return {row["_id"]: row.get("version", 0) async for row in rows}


async def write(
    database: Database,
    writer: RecordWriter,
    topics: Topics,
    *,
    tenant: str,
    change: TenantChange,
    cancels: tuple[Stop, ...] = (),
    before_telling: Callable[[TenantSettings], Awaitable[None]] | None = None,
) -> TenantSettings:
    """Applies `change`, raises the version, tells `decide` in every partition; returns the stored settings.

    `cancels` goes with it: what an operator cancelled. `before_telling` is awaited when it is written. Writers of the same tenant do not undo each other: the change is
    applied anew to what was written between. Tenant, version and format are not for `change` to set. Raises
    MongoUnavailable, KafkaUnavailable or ContendedTenant; then the same call may be repeated. NewerFormat, Invalid:
    what cannot be read is not written over. What `change` raises passes.
    """
    for _ in range(TRIES):
        stored = await read(database, tenant)
        written = await _replace(database, stored, change(stored))
        if written is not None:
            if before_telling is not None:
                await before_telling(written)
            await writer.publish(announcements(topics, tenant_changed(tenant, cancels)))
            return written
    raise ContendedTenant("the tenant's settings change too often to be written")


def announcements(topics: Topics, record: Record) -> list[Output]:
    """The record in every partition of `notifications.v1`."""
    key, value = ids.user_key(record.tenant, record.user), encode(record)
    return [Output(topics.notifications, key, value, [], number) for number in range(topics.partitions)]


async def _replace(database: Database, stored: TenantSettings, wanted: TenantSettings) -> TenantSettings | None:
    """The settings as written; None when another writer was there between."""
    row: dict[str, object] = {
        **msgspec.to_builtins(wanted),
        "_id": stored.tenant,
        "tenant": stored.tenant,
        "version": stored.version + 1,
        "updated_at": to_datetime(now_ms()),
    }
    row.pop("format", None)  # nothing in it needs a newer reader than the first of tenants
    seen = {"version": stored.version} if stored.version else {"version": {"$exists": False}}
    try:
        with mongo_border():
            document: Mapping[str, object] | None = await database.tenants.find_one_and_replace(
                {"_id": stored.tenant} | seen, row, upsert=not stored.version, return_document=ReturnDocument.AFTER
            )
    except DuplicateKeyError:
        return None
    return None if document is None else _settings(document)


def _settings(row: Mapping[str, object]) -> TenantSettings:
    formats.check_row("tenant", row)
    return msgspec.convert({**row, "tenant": row["_id"]}, TenantSettings)


def _readable(tenant: str, row: Mapping[str, object]) -> TenantSettings:
    version = row.get("version")
    number = version if isinstance(version, int) else 0
    try:
        return _settings(row)
    except NewerFormat as newer:
        log.error("newer_tenant", tenant=tenant, error=str(newer), next="update this process")
        return TenantSettings(tenant=tenant, version=number, format=newer.number)
    except msgspec.ValidationError as error:
        log.error(
            "unreadable_tenant",
            tenant=tenant,
            error=type(error).__name__,
            next="all of it is held until its row in `tenants` is mended",
        )
        return TenantSettings(tenant=tenant, version=number, stops=(Stop(),))
