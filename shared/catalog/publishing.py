"""Publishing workflows: stored by version in MongoDB, announced on the catalog topic."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import msgspec

from shared.catalog.rows import WorkflowRow, from_row, row_id, to_row
from shared.model.formats import NewerFormat
from shared.model.outputs import Output
from shared.model.ports import RecordWriter
from shared.model.topics import Topics
from shared.model.workflows import Workflow
from shared.mongo.bulk import Rows
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.process.clock import now_ms


async def publish(
    database: Database, publisher: RecordWriter, topics: Topics, tenant: str, found: Iterable[Workflow]
) -> list[Workflow]:
    """Publishes what differs from its newest version, under the next number; returns what is new.

    Raises MongoUnavailable or KafkaUnavailable; running it again repeats nothing but the announcement.
    """
    new: list[Workflow] = []
    rows: Rows = database.workflows
    for workflow in found:
        with mongo_border():
            row = await rows.find_one({"tenant": tenant, "key": workflow.key}, sort=[("version", -1)])
        latest = _readable(row) if row else None
        if latest is None or msgspec.structs.replace(latest, version=0) != workflow:
            latest = msgspec.structs.replace(workflow, version=row["version"] + 1 if row else 1)
            with mongo_border():
                await rows.insert_one(to_row(tenant, latest, now_ms()))
            new.append(latest)
        key = f"{tenant}:{workflow.key}".encode()
        await publisher.publish([Output(topics.catalog, key, msgspec.json.encode(latest), [])])
    return new


class PublishedVersion(NamedTuple):
    """One version of a workflow."""

    number: int
    published_at: datetime
    workflow: Workflow | None
    """None: only a newer version of Carillon can read it."""


async def published_versions(database: Database, tenant: str, key: str, *, most: int) -> list[PublishedVersion]:
    """The newest `most` versions of a workflow, the newest first. Raises MongoUnavailable."""
    rows: Rows = database.workflows
    with mongo_border():
        found = await rows.find({"tenant": tenant, "key": key}, sort=[("version", -1)], limit=most).to_list(most)
    return [PublishedVersion(row["version"], row["created_at"], _readable(row)) for row in found]


async def published_version(database: Database, tenant: str, key: str, number: int) -> PublishedVersion | None:
    """One version; None: there is none of this number. Raises MongoUnavailable."""
    rows: Rows = database.workflows
    with mongo_border():
        row = await rows.find_one({"_id": row_id(tenant, key, number)})
    return PublishedVersion(number, row["created_at"], _readable(row)) if row else None


def _readable(row: WorkflowRow) -> Workflow | None:
    """None: a newer version published it, so whatever is published now differs (after a roll-back, say)."""
    try:
        return from_row(row)
    except NewerFormat:
        return None
