"""Stored expansions: which workflow versions an event starts; the first insert wins.

So a replay finds what it found before, whatever was published meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypedDict

import msgspec

from services.router.core.expansion import Expansion
from shared.model.outputs import Coordinates
from shared.model.timestamps import from_datetime, to_datetime
from shared.mongo.bulk import find_by_id, insert_new
from shared.mongo.database import Database
from shared.process.clock import now_ms
from shared.process.metrics import DUPLICATES, REPLAYS


class ExpansionRow(TypedDict):
    """One event."""

    _id: str
    tenant: str
    type: str
    source: str
    source_id: str
    topic: str
    partition: int
    offset: int
    workflows: list[list[str | int]]
    accepted_at: datetime
    created_at: datetime


class ExpansionStore(Protocol):
    """Where expansions are kept."""

    async def insert(self, expansions: Sequence[Expansion]) -> list[Expansion]:
        """Stores expansions; returns those to carry out, in order: new ones, and the stored ones of replays.

        Raises MongoUnavailable: call again with the same expansions.
        """
        ...


class Expansions:
    """The `expansions` collection."""

    def __init__(self, database: Database) -> None:
        self._rows = database.expansions

    async def insert(self, expansions: Sequence[Expansion]) -> list[Expansion]:
        """As ExpansionStore says."""
        if not expansions:
            return []
        seen = await insert_new(self._rows, [_row(expansion) for expansion in expansions])
        if not seen:
            return list(expansions)
        stored = await find_by_id(self._rows, [expansions[position].id for position in seen])
        found = (
            replayed(expansion, stored[expansion.id]) if position in seen else expansion
            for position, expansion in enumerate(expansions)
        )
        return [expansion for expansion in found if expansion is not None]


def replayed(expansion: Expansion, row: ExpansionRow) -> Expansion | None:
    """What the first reading of this record stored; None for a duplicate of it."""
    received = expansion.received
    if received.record.coordinates != Coordinates(row["topic"], row["partition"], row["offset"]):
        DUPLICATES.labels("expand").inc()
        return None
    REPLAYS.labels("expand").inc()
    return Expansion(
        received=msgspec.structs.replace(received, accepted_at=from_datetime(row["accepted_at"])),
        workflows=tuple((str(key), int(version)) for key, version in row["workflows"]),
    )


def _row(expansion: Expansion) -> ExpansionRow:
    received = expansion.received
    return {
        "_id": received.id,
        "tenant": received.tenant,
        "type": received.event.type,
        "source": received.event.source,
        "source_id": received.event.id,
        "topic": received.record.topic,
        "partition": received.record.partition,
        "offset": received.record.offset,
        "workflows": [[key, version] for key, version in expansion.workflows],
        "accepted_at": to_datetime(received.accepted_at),
        "created_at": to_datetime(now_ms()),
    }
