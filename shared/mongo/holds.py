"""Holds: "this record, back to the door, at that time", in MongoDB.

Inserted before the offset that caused it is committed; claimed by a token with a lease on the server's
clock, produced, then deleted by that token. The same hold inserted twice is one hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec

from shared.model.holds import Hold
from shared.model.records import encode
from shared.model.timestamps import to_datetime
from shared.mongo.bulk import insert_new
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.leases import server_time


def document(hold: Hold) -> dict[str, Any]:
    """The hold as it is stored."""
    record, about = hold.record, hold.record.about
    return {
        "_id": hold.id,
        "tenant": record.tenant,
        "user": record.user,
        "notification": about.id if about else None,
        "cause": hold.cause,
        "due": to_datetime(hold.due),
        "lease": to_datetime(0),
        "cancellation_key": about.cancellation_key if about else None,
        "cancel_count": about.cancel_count if about else 0,
        "record": encode(record),
    }


async def place(database: Database, holds: Sequence[Hold]) -> None:
    """Stores holds; those that are there already stay as they are. Raises MongoUnavailable."""
    if holds:
        await insert_new(database.holds, [document(hold) for hold in holds])


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """A due hold that this process alone may produce until its lease ends."""

    id: str
    tenant: str
    user: str
    record: bytes
    late_seconds: float


async def claim(database: Database, *, most: int, lease: timedelta, pick: Any) -> tuple[str, list[Claimed]]:
    """Claims up to `most` due holds; returns the token and what was really won. Raises MongoUnavailable.

    `pick(ids)` chooses among more due ids than wanted, so that instances do not fight for the same ones.
    """
    token = uuid4().hex
    with mongo_border():
        now = await server_time(database)
        free = {"due": {"$lte": now}, "lease": {"$lt": now}}
        due = [row["_id"] async for row in database.holds.find(free, {"_id": 1}).sort("due", 1).limit(most * 4)]
        if not due:
            return token, []
        await database.holds.update_many(
            {"_id": {"$in": pick(due)}, "lease": {"$lt": now}}, {"$set": {"token": token, "lease": now + lease}}
        )
        won = [
            Claimed(
                id=row["_id"],
                tenant=row["tenant"],
                user=row["user"],
                record=bytes(row["record"]),
                late_seconds=(now - row["due"]).total_seconds(),
            )
            async for row in database.holds.find({"token": token}).sort("due", 1)
        ]
    return token, won


async def seconds_to_next(database: Database, most: float) -> float:
    """How long until the next hold is due, at most `most`. Raises MongoUnavailable."""
    with mongo_border():
        now = await server_time(database)
        row = await database.holds.find_one({"lease": {"$lt": now}}, {"due": 1}, sort=[("due", 1)])
    return most if row is None else max(0.0, min(most, (row["due"] - now).total_seconds()))


async def release(database: Database, token: str) -> None:
    """Deletes what was claimed under `token`; a lease that was lost meanwhile changes nothing. Raises MongoUnavailable."""
    with mongo_border():
        await database.holds.delete_many({"token": token})


async def hasten(database: Database, tenant: str, cancellation_key: str) -> int:
    """Makes the cancelled holds of a key due now, so that the door ends them; returns how many. Raises MongoUnavailable.

    What was accepted since the counter rose is left to its time: the door would send it early.
    """
    with mongo_border():
        counter = await database.cancellations.find_one({"_id": f"{tenant}:{cancellation_key}"})
        result = await database.holds.update_many(
            {
                "tenant": tenant,
                "cancellation_key": cancellation_key,
                "cancel_count": {"$lt": counter["count"] if counter else 0},
            },
            {"$set": {"due": to_datetime(0)}},
        )
    return int(result.modified_count)
