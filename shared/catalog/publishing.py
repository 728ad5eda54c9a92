"""Publishing workflows: stored by version in MongoDB, announced on the catalog topic."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from shared.catalog.rows import _workflow
from shared.kafka.producer import Publisher
from shared.model.outputs import Output
from shared.model.timestamps import to_datetime
from shared.model.topics import Topics
from shared.model.workflows import Workflow
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.process.clock import now_ms


async def publish(
    database: Database, publisher: Publisher, topics: Topics, tenant: str, found: Iterable[Workflow]
) -> list[Workflow]:
    """Publishes what differs from its newest version, under the next number; returns what is new.

    Raises MongoUnavailable or KafkaUnavailable; running it again repeats nothing but the announcement.
    """
    new: list[Workflow] = []
    for workflow in found:
        with mongo_border():
            row = await database.workflows.find_one({"tenant": tenant, "key": workflow.key}, sort=[("version", -1)])
        latest = _workflow(row) if row else None
        if latest is None or msgspec.structs.replace(latest, version=0) != workflow:
            latest = msgspec.structs.replace(workflow, version=latest.version + 1 if latest else 1)
            with mongo_border():
                await database.workflows.insert_one(
                    {
                        "_id": f"{tenant}:{workflow.key}:{latest.version}",
                        "tenant": tenant,
                        "key": workflow.key,
                        "version": latest.version,
                        "body": msgspec.to_builtins(latest),
                        "created_at": to_datetime(now_ms()),
                    }
                )
            new.append(latest)
        key = f"{tenant}:{workflow.key}".encode()
        await publisher.publish([Output(topics.catalog, key, msgspec.json.encode(latest), [])])
    return new
