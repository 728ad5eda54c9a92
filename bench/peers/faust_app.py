"""What the Faust peers share: an app with Faust's defaults, started as `faust worker` would, and the database.

And what the naive ones do with what they looked up: decide, `insert_one` for the decision, `topic.send` for each output.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import faust
import msgspec
from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ReadPreference, WriteConcern
from pymongo.read_concern import ReadConcern

from services.router.core.decision import Decision
from services.router.core.effects import derive_effects
from shared.deciding.routing import route
from shared.deciding.routing_input import RoutingInput
from shared.model.channels import Channel
from shared.model.outputs import Coordinates
from shared.model.records import Record
from shared.model.timestamps import to_datetime
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


def targets_of(app: faust.App) -> dict[str, Any]:
    """The topics that a decision's outputs go to, by name."""
    names = (OURS.topics.statuses, *(OURS.topics.deliveries(channel) for channel in Channel))
    return {name: app.topic(name, key_type=bytes, value_type=bytes) for name in names}


def decided(message: Any, record: Record, inputs: RoutingInput) -> Decision:
    """By the product's own rules."""
    profile = inputs.profile
    return Decision(
        record=record,
        notification=inputs.notification,
        coordinates=Coordinates(message.topic, message.partition, message.offset),
        items=route(inputs),
        at=inputs.now,
        profile_version=profile.version if profile else 0,
        snapshot={"preferences": msgspec.to_builtins(profile.preferences) if profile else None},
    )


async def carry_out(decision: Decision, targets: Mapping[str, Any]) -> None:
    """Stores it, then sends its outputs one by one."""
    about, at = decision.notification, to_datetime(decision.at)
    await database().decisions.insert_one(
        {
            "_id": decision.id,
            "tenant": about.tenant,
            "user": about.user,
            "notification": about.id,
            "inputs": decision.snapshot,
            "items": [msgspec.to_builtins(item) for item in decision.items],
            "at": at,
            "created_at": at,
        }
    )
    for output in derive_effects(OURS.topics, [decision]).outputs:
        await targets[output.topic].send(key=output.key, value=output.value, headers=dict(output.headers))
