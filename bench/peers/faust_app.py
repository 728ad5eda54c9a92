"""What the Faust peers share: an app with Faust's defaults, started as `faust worker` would, and the database."""

from __future__ import annotations

from functools import cache
from typing import Any

import faust
import msgspec
from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ReadPreference, WriteConcern
from pymongo.read_concern import ReadConcern

from shared.model.workflows import Workflow
from shared.mongo.database import open_client
from shared.process.settings import ConsumerSettings

OURS = ConsumerSettings()


def peer_app(name: str, **options: Any) -> faust.App:
    """An app whose consumer group is `name`; `options` are Faust's and win over the defaults."""
    return faust.App(
        f"{OURS.topic_prefix}.{name}",
        broker=f"kafka://{OURS.kafka}",
        key_serializer="raw",
        value_serializer="raw",
        consumer_auto_offset_reset="earliest",
        topic_disable_leader=True,  # one topic less to create at the start
        topic_allow_declare=False,  # they are there
        web_enabled=False,
        **options,
    )


@cache
def database() -> AsyncIOMotorDatabase:
    """With the guarantees of the product's; connects on the loop that asks first."""
    return open_client(OURS.mongo).get_database(
        OURS.mongo_database,
        read_preference=ReadPreference.PRIMARY,
        write_concern=WriteConcern("majority", j=True),
        read_concern=ReadConcern("majority"),
    )


_workflows: dict[str, Workflow] = {}


async def workflow_of(tenant: str, key: str, version: int) -> Workflow:
    """Kept in memory, as anybody would."""
    name = f"{tenant}:{key}:{version}"
    if name not in _workflows:
        row = await database().workflows.find_one({"_id": name})
        if row is None:
            raise LookupError(name)
        _workflows[name] = msgspec.convert(row["body"], Workflow)
    return _workflows[name]
