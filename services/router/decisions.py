"""Stored decisions: inserted before anything is produced, the first insert wins.

A record seen again at the same coordinates is a replay and gets the stored decision; at other coordinates
it is a duplicate and is dropped, because the first record carries the subject through on its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from services.router.core.decision import Decision
from shared.deciding.items import DigestChange, Gathered, RoutingItem
from shared.model import formats
from shared.model.formats import OLDEST, check_row_at, stamp
from shared.model.outputs import Coordinates
from shared.model.timestamps import from_datetime, to_datetime
from shared.mongo.bulk import find_by_id, insert_new, insert_until_known
from shared.mongo.database import Database
from shared.mongo.decisions import DecisionRow
from shared.process.metrics import DUPLICATES, REPLAYS


class DecisionStore(Protocol):
    """Where decisions are kept."""

    async def insert(self, decisions: Sequence[Decision]) -> list[Decision]:
        """Stores decisions; returns those to carry out, in order: new ones, and the stored ones of replays.

        Raises MongoUnavailable: call again with the same decisions. NewerFormat: call again without what waits.
        """
        ...

    async def known(self, ids: Sequence[str]) -> dict[str, DecisionRow]:
        """Those of these that are stored, by id. Raises MongoUnavailable."""
        ...

    async def insert_until_known(self, decisions: Sequence[Decision]) -> int:
        """Stores decisions, one after the other; how many, up to the first that is there already.

        Raises MongoUnavailable: what was stored by then is known.
        """
        ...


class Decisions:
    """The `decisions` collection."""

    def __init__(self, database: Database) -> None:
        self._rows = database.decisions

    async def insert(self, decisions: Sequence[Decision]) -> list[Decision]:
        """As DecisionStore says."""
        if not decisions:
            return []
        seen = await insert_new(self._rows, [decision_row(decision) for decision in decisions])
        if not seen:
            return list(decisions)
        stored = await find_by_id(self._rows, [decisions[position].id for position in seen])
        found = (
            replayed(decision, stored[decision.id]) if position in seen else decision
            for position, decision in enumerate(decisions)
        )
        return [decision for decision in found if decision is not None]

    async def known(self, ids: Sequence[str]) -> dict[str, DecisionRow]:
        """As DecisionStore says."""
        return await find_by_id(self._rows, ids)

    async def insert_until_known(self, decisions: Sequence[Decision]) -> int:
        """As DecisionStore says."""
        return await insert_until_known(self._rows, [decision_row(decision) for decision in decisions])


def is_replay(decision: Decision, row: DecisionRow) -> bool:
    """Whether the stored decision was made for the same record, and not for another one that says the same."""
    return decision.coordinates == Coordinates(row["topic"], row["partition"], row["offset"])


def closed_by(row: DecisionRow) -> Gathered | None:
    """How a stored decision closed its digest; None: it did not, or only a newer version knows."""
    if row.get("format", OLDEST) > formats.FORMAT:
        return None
    items = (item for item in row["items"] if item.get("change") == DigestChange.CLOSE)
    return next((msgspec.convert(item, Gathered) for item in items), None)


def replayed(decision: Decision, row: DecisionRow) -> Decision | None:
    """The stored decision when the record is the one it was made for; None for a duplicate of that record.

    One that was erased meanwhile is repeated as it was, but for addresses: what it said stands on the log already.

    Raises NewerFormat.
    """
    if not is_replay(decision, row):
        DUPLICATES.labels("decide").inc()
        return None
    REPLAYS.labels("decide").inc()
    return as_stored(decision, row)


def as_stored(decision: Decision, row: DecisionRow) -> Decision:
    """The decision as it was stored. Raises NewerFormat."""
    check_row_at("decision", row, decision.coordinates)
    return msgspec.structs.replace(
        decision,
        notification=msgspec.structs.replace(decision.notification, life=row.get("life", 0)),
        items=msgspec.convert(tuple(row["items"]), tuple[RoutingItem, ...]),
        at=from_datetime(row["at"]),
        profile_version=row["profile_version"],
        tenant_version=_tenant_version(row),
    )


def _tenant_version(row: DecisionRow) -> int:
    """Of the settings that it was decided under: what changed since is compared at the claim."""
    settings = row.get("context", {}).get("tenant")
    version = settings.get("version", 0) if isinstance(settings, Mapping) else 0
    return version if isinstance(version, int) else 0


def decision_row(decision: Decision) -> DecisionRow:
    """The decision as it is stored."""
    record, notification, where = decision.record, decision.notification, decision.coordinates
    at = to_datetime(decision.at)
    return {
        "_id": decision.id,
        "tenant": notification.tenant,
        "user": notification.user,
        "life": notification.life,
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
        **({"context": decision.context} if decision.context else {}),  # type: ignore[typeddict-item]  # a key that may be missing
        **stamp(decision.format),  # type: ignore[typeddict-item]  # an int, where there is one
    }
