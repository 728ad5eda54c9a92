"""From events to notifications, one chunk at a time.

An event's workflows are written to its `expansions` row first (the first insert wins), so a replay finds
what it found before, whatever was published meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import orjson

from services.router.poison import Poison, dead_letters
from shared.catalog.cache import Catalog
from shared.kafka.producer import Publisher
from shared.model import ids
from shared.model.errors import InvalidEvent
from shared.model.event_codecs import from_kafka
from shared.model.events import ACCEPTED_AT, Event
from shared.model.expansion import expand, from_event
from shared.model.identifiers import check_tenant
from shared.model.notifications import Notification
from shared.model.outputs import Coordinates, Output
from shared.model.records import encode, notify
from shared.model.statuses import Subject, status
from shared.model.timestamps import from_datetime, to_datetime
from shared.model.topics import Topics
from shared.model.workflows import Workflow
from shared.mongo.bulk import insert_new
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.process.clock import now_ms
from shared.process.failpoints import Failpoint, failpoint
from shared.process.metrics import DUPLICATES, REPLAYS

MOST_DIGITS = 15
"""Of a time in milliseconds; what is longer is not one."""


class Expansion(msgspec.Struct, frozen=True, kw_only=True):
    """One event, the workflows it starts and when it was accepted (milliseconds since the epoch)."""

    id: str
    tenant: str
    event: Event
    coordinates: Coordinates
    workflows: tuple[tuple[str, int], ...]
    accepted_at: int


class Expander:
    """Expands chunks of `events.v1`."""

    def __init__(self, *, database: Database, publisher: Publisher, catalog: Catalog, topics: Topics) -> None:
        self._database = database
        self._publisher = publisher
        self._catalog = catalog
        self._topics = topics

    async def prepare(self, chunk: Sequence[Any]) -> list[Output]:
        """Stores what a chunk of events expands to, and returns it. Raises MongoUnavailable: call again."""
        poison: list[Poison] = []
        read = [found for event in chunk if (found := self._read(event.message, poison)) is not None]
        carried = await self._store(read)
        failpoint(Failpoint.AFTER_EXPANSION)
        outputs: list[Output] = []
        for message, expansion in carried:
            try:
                outputs += self._outputs(expansion)
            except InvalidEvent as error:
                poison.append(Poison(message, error))
        return outputs + dead_letters(self._topics, poison, "router")

    async def finish(self, outputs: list[Output]) -> None:
        """Writes it; returns when all of it is durable. Raises KafkaUnavailable: call again."""
        await self._publisher.publish(outputs)
        failpoint(Failpoint.AFTER_PRODUCE)

    def _read(self, message: Any, poison: list[Poison]) -> tuple[Any, Expansion] | None:
        try:
            headers = message.headers or ()
            event = from_kafka(headers.items() if isinstance(headers, dict) else headers, message.value)
            tenant = check_tenant(event.attributes.get("tenant", "default"))
        except InvalidEvent as error:
            poison.append(Poison(message, error))
            return None
        now = now_ms()
        return message, Expansion(
            id=ids.event_id(tenant, event.source, event.id),
            tenant=tenant,
            event=event,
            coordinates=Coordinates(message.topic, message.partition, message.offset),
            workflows=tuple((found.key, found.version) for found in self._catalog.started_by(tenant, event.type)),
            accepted_at=min(_accepted_at(message, now), now),
        )

    async def _store(self, read: list[tuple[Any, Expansion]]) -> list[tuple[Any, Expansion]]:
        """Stores the rows; replays get the stored one, duplicates are dropped. Raises MongoUnavailable."""
        if not read:
            return []
        seen = await insert_new(self._database.expansions, [_document(expansion) for _, expansion in read])
        if not seen:
            return read
        wanted = [read[position][1].id for position in seen]
        with mongo_border():
            rows = {row["_id"]: row async for row in self._database.expansions.find({"_id": {"$in": wanted}})}
        carried = []
        for position, (message, expansion) in enumerate(read):
            if position not in seen:
                carried.append((message, expansion))
            elif (replay := _replayed(expansion, rows[expansion.id])) is not None:
                await self._catalog.fetch(
                    (replay.tenant, key, version)
                    for key, version in replay.workflows
                    if self._catalog.version(replay.tenant, key, version) is None
                )
                carried.append((message, replay))
        return carried

    def _outputs(self, expansion: Expansion) -> list[Output]:
        event = expansion.event
        notifications: list[Notification] = []
        data = orjson.loads(event.data)
        for workflow in self._workflows(expansion):
            request = from_event(
                tenant=expansion.tenant,
                event_id=expansion.id,
                event_type=event.type,
                source=event.source,
                raw=event.data,
                data=data,
                workflow=workflow,
                accepted_at=expansion.accepted_at,
                traceparent=event.attributes.get("traceparent"),
            )
            notifications += expand(request, workflow)
        outputs = [
            Output(self._topics.notifications, ids.user_key(found.tenant, found.user), encode(notify(found)), [])
            for found in notifications
        ]
        told = {
            "event": expansion.id,
            "event_type": event.type,
            "source": event.source,
            "source_id": event.id,
            "workflows": [f"{key} v{version}" for key, version in expansion.workflows],
            "notifications": [found.id for found in notifications],
        }
        outputs.append(
            status(
                self._topics.statuses,
                area="event",
                state="expanded",
                subject=Subject(expansion.id, 0, 0),
                tenant=expansion.tenant,
                user=expansion.id,
                at=expansion.accepted_at,
                data=told,
            )
        )
        return outputs

    def _workflows(self, expansion: Expansion) -> list[Workflow]:
        found = (self._catalog.version(expansion.tenant, key, version) for key, version in expansion.workflows)
        return [workflow for workflow in found if workflow is not None]


def _accepted_at(message: Any, now: int) -> int:
    """When ingest accepted the event, else when its producer wrote it, else now (ms since the epoch)."""
    said = dict(message.headers or ()).get(ACCEPTED_AT, b"")
    if said.isdigit() and len(said) < MOST_DIGITS:
        return int(said)
    return round(message.timestamp * 1000) if message.timestamp and message.timestamp > 0 else now


def _replayed(expansion: Expansion, row: dict[str, Any]) -> Expansion | None:
    """What the first reading of this record stored; None for a duplicate of it."""
    if expansion.coordinates != Coordinates(row["topic"], row["partition"], row["offset"]):
        DUPLICATES.labels("expand").inc()
        return None
    REPLAYS.labels("expand").inc()
    return msgspec.structs.replace(
        expansion,
        workflows=tuple((key, version) for key, version in row["workflows"]),
        accepted_at=from_datetime(row["accepted_at"]),
    )


def _document(expansion: Expansion) -> dict[str, Any]:
    where = expansion.coordinates
    accepted_at = to_datetime(expansion.accepted_at)
    return {
        "_id": expansion.id,
        "tenant": expansion.tenant,
        "type": expansion.event.type,
        "source": expansion.event.source,
        "source_id": expansion.event.id,
        "topic": where.topic,
        "partition": where.partition,
        "offset": where.offset,
        "workflows": [list(pair) for pair in expansion.workflows],
        "accepted_at": accepted_at,
        "created_at": to_datetime(now_ms()),
    }
