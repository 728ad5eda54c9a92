"""Stored expansions: what each workflow that an event starts made of it; the first insert wins.

So a replay finds the versions it found before, whatever was published meanwhile. An event of which nothing could be
expanded is dead, and one that is sent again takes its place, one generation on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from services.router.core.expansion import Expansion, StoredExpansion
from services.router.core.parts import EventPart
from shared.model.expansion import EventState
from shared.model.formats import check_row_at
from shared.model.outputs import Coordinates
from shared.model.timestamps import from_datetime, to_datetime
from shared.mongo.bulk import find_by_id, insert_new
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.expansions import ExpansionRow, PartRow
from shared.process.clock import now_ms
from shared.process.metrics import DUPLICATES, EVENTS_REDRIVEN, REPLAYS

Carried = Expansion | StoredExpansion


class ExpansionStore(Protocol):
    """Where expansions are kept."""

    async def insert(self, expansions: Sequence[Expansion]) -> list[Carried]:
        """Stores expansions; returns those to carry out, in order: new ones, and what is stored of replays.

        Raises MongoUnavailable: call again with the same expansions. NewerFormat: call again without what waits.
        """
        ...


class Expansions:
    """The `expansions` collection."""

    def __init__(self, database: Database) -> None:
        self._rows = database.expansions

    async def insert(self, expansions: Sequence[Expansion]) -> list[Carried]:
        """As ExpansionStore says."""
        if not expansions:
            return []
        seen = await insert_new(self._rows, [expansion_row(expansion) for expansion in expansions])
        if not seen:
            return list(expansions)
        stored = await find_by_id(self._rows, [expansions[position].id for position in seen])
        carried: list[Carried] = []
        for position, expansion in enumerate(expansions):
            found = await self._again(expansion, stored[expansion.id]) if position in seen else expansion
            if found is not None:
                carried.append(found)
        return carried

    async def _again(self, expansion: Expansion, row: ExpansionRow) -> Carried | None:
        """What becomes of an event that is stored already; its row is the new one's when that takes its place."""
        found = seen_again(expansion, row)
        if not isinstance(found, Expansion):
            (DUPLICATES if found is None else REPLAYS).labels("expand").inc()
            return found
        before = {"_id": row["_id"], "generation": {"$lt": found.generation}}
        with mongo_border():
            result = await self._rows.replace_one(before, expansion_row(found))
        if not result.modified_count:  # another process was faster, and carries it out
            DUPLICATES.labels("expand").inc()
            return None
        EVENTS_REDRIVEN.inc()
        return found


def seen_again(expansion: Expansion, row: ExpansionRow) -> Carried | None:
    """What an event that is stored already is: a replay of its record, its next generation, or a duplicate (None).

    The next generation is what a redrive says is one, and whatever is sent again after it was found dead. Raises
    NewerFormat, but for what is a duplicate in any format: its row is another record's, and not dead.
    """
    received = expansion.received
    here, there = received.record.coordinates, Coordinates(row["topic"], row["partition"], row["offset"])
    if here == there or row["state"] != EventState.EXPANDED or received.generation > row["generation"]:
        check_row_at("expansion", row, here)
    if here == there:
        return StoredExpansion(
            received=msgspec.structs.replace(
                received,
                accepted_at=from_datetime(row["accepted_at"]),
                first_accepted_at=from_datetime(row["first_accepted_at"]) if "first_accepted_at" in row else None,
            ),
            workflows=tuple((part["key"], part["version"]) for part in row["workflows"]),
            generation=row["generation"],
        )
    older = here[:2] == there[:2] and here.offset < there.offset
    is_next = row["state"] == EventState.DEAD and not older
    if received.generation <= row["generation"] and not is_next:
        return None
    said, known = received.first_accepted_at, from_datetime(row.get("first_accepted_at", row["accepted_at"]))
    return msgspec.structs.replace(
        expansion,
        received=msgspec.structs.replace(received, first_accepted_at=known if said is None else min(said, known)),
        generation=max(received.generation, row["generation"] + 1),
    )


def expansion_row(expansion: Expansion) -> ExpansionRow:
    """The expansion as it is stored."""
    received = expansion.received
    row: ExpansionRow = {
        "_id": received.id,
        "tenant": received.tenant,
        "type": received.event.type,
        "source": received.event.source,
        "source_id": received.event.id,
        "topic": received.record.topic,
        "partition": received.record.partition,
        "offset": received.record.offset,
        "generation": expansion.generation,
        "state": expansion.state.value,
        "workflows": [_part_row(part) for part in expansion.parts],
        "accepted_at": to_datetime(received.accepted_at),
        "created_at": to_datetime(now_ms()),
    }
    if received.first_accepted_at is not None:
        row["first_accepted_at"] = to_datetime(received.first_accepted_at)
    return row


def _part_row(part: EventPart) -> PartRow:
    row: PartRow = {
        "key": part.workflow,
        "version": part.version,
        "outcome": part.outcome.value,
        "notifications": len(part.notifications),
    }
    if part.fanout is not None:
        row["fanout"] = part.fanout.id
    if (why := part.rejected or part.passed_over) is not None:
        row["rejected"] = msgspec.to_builtins(why)
    if part.left_out:
        row["left_out"] = msgspec.to_builtins(list(part.left_out))
    return row
