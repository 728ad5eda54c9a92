"""The version of the database's schema: what `carillon migrate` made, and what a process needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Final

from shared.model.errors import SchemaOutdated
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.process.retries import retry_until_available

SCHEMA_VERSION: Final = 15
"""One higher with each change of indexes or rows that a process relies on. A newer schema serves older processes."""


async def check_schema(database: Database) -> None:
    """Raises SchemaOutdated until the database has this version or a newer one; MongoUnavailable."""
    with mongo_border():
        row = await database.meta.find_one({"_id": "schema"})
    version = 0 if row is None else int(row["version"])
    if version < SCHEMA_VERSION:
        found = f"schema version {version}" if version else "no schema"
        raise SchemaOutdated(f"the database {database.name} has {found}, this release needs {SCHEMA_VERSION}")


async def await_schema(database: Database, checks: MutableMapping[str, Callable[[], Awaitable[bool | str]]]) -> None:
    """Returns once the schema is there; meanwhile the log and the check `schema` of readiness say what is missing."""

    async def is_there() -> bool:
        await check_schema(database)
        return True

    checks["schema"] = is_there
    await retry_until_available(check_schema, database)
    del checks["schema"]
