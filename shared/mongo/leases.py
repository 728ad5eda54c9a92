"""Claims that end on their own: a row is leased to a token until a time on the server's clock.

Every leased row has the fields `token` (whose it is) and `lease` (until when). A process that dies loses its
rows when their leases end; whatever it still writes is fenced by its token.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import uuid4

from pymongo.errors import DuplicateKeyError

from shared.mongo.bulk import Rows
from shared.mongo.database import Database

FREE: Final = datetime.fromtimestamp(0, UTC)
"""The `lease` of a row that nobody has claimed."""
LEASE_ENDED: Final = {"$lt": ["$lease", "$$NOW"]}
"""Whether a row's lease is over, as an aggregation expression: for claims that are one pipeline update."""


class Lease(NamedTuple):
    """A claim in the making: who claims, from when, until when (the server's clock)."""

    token: str
    now: datetime
    until: datetime

    @property
    def fields(self) -> dict[str, object]:
        """What a claimed row holds."""
        return {"token": self.token, "lease": self.until}


async def server_time(database: Database) -> datetime:
    """MongoDB's clock, which all instances share. Raises what pymongo raises."""
    # command() does not take the database's options by itself, and would answer with a time without a zone.
    hello = await database.command("hello", codec_options=database.codec_options)
    now: datetime = hello["localTime"]
    return now


async def new_lease(database: Database, length: timedelta, token: str | None = None) -> Lease:
    """A lease from now on, under `token` or a fresh one."""
    now = await server_time(database)
    return Lease(token or uuid4().hex, now, now + length)


def free_at(now: datetime) -> dict[str, object]:
    """The filter of rows that can be claimed at `now`."""
    return {"lease": {"$lt": now}}


async def claim_rows(rows: Rows, ids: Sequence[str], lease: Lease) -> int:
    """Claims those of `ids` that are free; returns how many. What was won is found by the token."""
    result = await rows.update_many({"_id": {"$in": list(ids)}, **free_at(lease.now)}, {"$set": lease.fields})
    return int(result.modified_count)


async def claim_or_create(rows: Rows, row_id: str, lease: Lease) -> bool:
    """Claims one row, which is made if it is not there; False when somebody else holds it."""
    try:
        result = await rows.update_one({"_id": row_id, **free_at(lease.now)}, {"$set": lease.fields}, upsert=True)
    except DuplicateKeyError:
        return False
    return bool(result.upserted_id or result.modified_count)


async def renew(rows: Rows, lease: Lease) -> bool:
    """Makes what is claimed under the lease's token last until its new end; False when it was lost."""
    result = await rows.update_many({"token": lease.token}, {"$set": lease.fields})
    return bool(result.matched_count)


async def delete_claimed(rows: Rows, token: str) -> int:
    """Deletes what is claimed under `token`; rows whose lease was lost meanwhile stay. Returns how many."""
    return int((await rows.delete_many({"token": token})).deleted_count)


async def give_back(rows: Rows, token: str) -> None:
    """Frees what is claimed under `token`."""
    await rows.update_many({"token": token}, {"$set": {"lease": FREE}, "$unset": {"token": 1}})
