"""Stored decisions: inserted before anything is produced, the first insert wins.

A record seen again at the same coordinates is a replay and gets the stored decision; at other coordinates
it is a duplicate and is dropped, because the first record carries the subject through on its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from services.router.core.decision import Decision
from services.router.core.routing import RoutingItem
from shared.model.outputs import Coordinates
from shared.model.timestamps import from_datetime, to_datetime
from shared.mongo.bulk import insert_new
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.process.metrics import DUPLICATES, REPLAYS


async def store(database: Database, decisions: Sequence[Decision]) -> list[Decision]:
    """Stores decisions and returns those to carry out: new ones, and stored ones of replays. Raises MongoUnavailable."""
    if not decisions:
        return []
    seen = await insert_new(database.decisions, [_document(decision) for decision in decisions])
    if not seen:
        return list(decisions)
    stored = await _stored(database, [decisions[position].id for position in seen])
    carried: list[Decision] = []
    for position, decision in enumerate(decisions):
        if position not in seen:
            carried.append(decision)
        elif (replay := _replayed(decision, stored[decision.id])) is not None:
            carried.append(replay)
    return carried


async def _stored(database: Database, wanted: list[str]) -> dict[str, dict[str, Any]]:
    with mongo_border():
        return {row["_id"]: row async for row in database.decisions.find({"_id": {"$in": wanted}})}


def _replayed(decision: Decision, row: dict[str, Any]) -> Decision | None:
    """The stored decision when the record is the one it was made for; None for a duplicate of that record."""
    if decision.coordinates != Coordinates(row["topic"], row["partition"], row["offset"]):
        DUPLICATES.labels("door").inc()
        return None
    REPLAYS.labels("door").inc()
    return msgspec.structs.replace(
        decision,
        items=msgspec.convert(tuple(row["items"]), tuple[RoutingItem, ...]),
        at=from_datetime(row["at"]),
        profile_version=row["profile_version"],
    )


def _document(decision: Decision) -> dict[str, Any]:
    record, notification, where = decision.record, decision.notification, decision.coordinates
    at = to_datetime(decision.at)
    return {
        "_id": decision.id,
        "tenant": notification.tenant,
        "user": notification.user,
        "notification": notification.id,
        "event_id": notification.event_id,
        "subject": record.subject,
        "kind": record.kind,
        "generation": record.generation,
        "pass": record.pass_,
        "topic": where.topic,
        "partition": where.partition,
        "offset": where.offset,
        "workflow": notification.workflow,
        "version": notification.version,
        "profile_version": decision.profile_version,
        "inputs": decision.snapshot,
        "items": [msgspec.to_builtins(item) for item in decision.items],
        "at": at,
        "created_at": at,
    }
