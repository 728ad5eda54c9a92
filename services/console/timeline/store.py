"""Reading what MongoDB keeps of a notification: one bounded query per collection, all at once, by tenant."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from services.console.timeline.timeline import Kept, Row
from shared.model.errors import InvalidRecord
from shared.model.records import decode_record
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border

MOST_STATUSES: Final = 1_000
MOST: Final = 200


async def read(database: Database, tenant: str, notification: str) -> Kept:
    """Everything kept of one notification; empty when it is unknown or another tenant's. Raises MongoUnavailable."""
    query = {"tenant": tenant, "notification": notification}
    with mongo_border():
        statuses, decisions, deliveries, holds = await asyncio.gather(
            database.timeline.find(query).sort("at", 1).to_list(MOST_STATUSES),
            database.decisions.find(query).sort("at", 1).to_list(MOST),
            database.deliveries.find(query, {"next": 0}).to_list(MOST),
            database.holds.find(query).sort("due", 1).to_list(MOST),
        )
    return Kept(statuses=statuses, decisions=decisions, deliveries=deliveries, holds=list(map(_with_channel, holds)))


async def notifications_of(database: Database, tenant: str, event: str) -> list[dict[str, Any]] | None:
    """The notifications of an event, each with user, workflow and the last word about it.

    Empty when it started none; None when the event is unknown or another tenant's. Raises MongoUnavailable.
    """
    query = {"tenant": tenant, "data.event_id": event}
    stages: list[dict[str, Any]] = [
        {"$match": query},
        {"$sort": {"at": 1}},
        {
            "$group": {
                "_id": "$notification",
                "user": {"$first": "$user"},
                "workflow": {"$first": "$data.workflow"},
                "type": {"$last": "$type"},
            }
        },
        {"$limit": MOST_STATUSES},
    ]
    with mongo_border():
        found = await database.timeline.aggregate(stages).to_list(MOST_STATUSES)
        if not found and await database.timeline.find_one({"tenant": tenant, "notification": event}) is None:
            return None
    return [
        {"id": row["_id"], "user": row["user"], "workflow": row["workflow"], "last": row["type"]}
        for row in sorted(found, key=lambda row: str(row["user"]))
    ]


def _with_channel(row: Row) -> dict[str, Any]:
    """The hold and the channel that waits; None when the whole notification does."""
    try:
        record = decode_record(bytes(row["record"]))
    except InvalidRecord:
        return dict(row)
    channel = record.delivery.channel if record.delivery else record.channel
    return {**row, "channel": channel}
