"""What happened to a notification, read from MongoDB: one bounded query per collection, all at once, by tenant."""

from __future__ import annotations

import asyncio
from typing import Final

from services.console.timeline.core.rows import StoredRow, StoredRows
from services.console.timeline.core.timeline import Timeline, build_timeline
from shared.model.errors import InvalidRecord
from shared.model.formats import NewerFormat
from shared.model.records import decode_record
from shared.mongo.bulk import Rows
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border

MAX_STATUSES: Final = 1_000
MOST: Final = 200
OF_OTHERS: Final = ("carillon.event.", "carillon.fanout.")
"""Statuses that stand under an id of their own, which is no notification's."""


async def read_timeline(database: Database, tenant: str, notification: str) -> Timeline | None:
    """What happened to one notification; None when it is unknown or another tenant's. Raises MongoUnavailable."""
    return build_timeline(notification, tenant, await read_rows(database, tenant, notification))


async def read_rows(database: Database, tenant: str, notification: str) -> StoredRows:
    """What is stored of one notification: of each collection the newest, so that the end is always there.

    Raises MongoUnavailable.
    """
    query = {"tenant": tenant, "notification": notification}
    with mongo_border():
        statuses, decisions, deliveries, holds = await asyncio.gather(
            _newest(database.timeline, query, by="at", most=MAX_STATUSES),
            _newest(database.decisions, query, by="at", most=MOST),
            _newest(database.deliveries, query, by="created_at", most=MOST),
            _newest(database.holds, query, by="due", most=MOST),
        )
    return StoredRows(
        statuses=[row for row in statuses if not str(row["type"]).startswith(OF_OTHERS)],
        decisions=decisions,
        deliveries=deliveries,
        holds=[_with_channel(hold) for hold in holds],
        complete=len(statuses) < MAX_STATUSES and len(decisions) < MOST,
    )


async def _newest(rows: Rows, query: StoredRow, *, by: str, most: int) -> list[StoredRow]:
    """The last `most` of a collection, by time."""
    found = await rows.find(query).sort(by, -1).to_list(most)
    return found[::-1]


def _with_channel(row: StoredRow) -> StoredRow:
    """The hold with the channel that waits, and the step; None when the whole notification does."""
    try:
        record = decode_record(bytes(row["record"]))
    except (InvalidRecord, NewerFormat):
        return row
    at = record.delivery or record
    return {**row, "channel": at.channel, "step": at.step}
