"""The collections `rollup_minutes`, `rollup_hours` and `rollup_days`: absolute counts, written by compare-and-set.

Who writes one has seen its revision before it counted. If another has written meanwhile, nothing is written and the
mark stays, so that it is counted once more: a console that was slow, or frozen, never puts back what it saw earlier.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, Protocol
from uuid import uuid4

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from services.console.analytics.core.buckets import RollupPlace, RollupStep
from services.console.analytics.core.rollup import Rollup, merged
from services.console.analytics.core.stored_rollup import RollupRow, rollup_of, rollup_row, row_id
from services.console.analytics.counting import count_statuses
from shared.model.timestamps import to_datetime
from shared.mongo.bulk import Rows
from shared.mongo.database import Database
from shared.mongo.errors import duplicates, mongo_border

COLLECTIONS: Final = {
    RollupStep.MINUTE: "rollup_minutes",
    RollupStep.HOUR: "rollup_hours",
    RollupStep.DAY: "rollup_days",
}
Revisions = Mapping[RollupPlace, str]
"""What was there before; a place without a rollup is not in it."""


class NewRollup(NamedTuple):
    """What was counted of a place."""

    place: RollupPlace
    rollup: Rollup


class RollupStore(Protocol):
    """Where statuses are counted and rollups are kept. All methods raise MongoUnavailable; then repeat the call."""

    async def revisions(self, step: RollupStep, places: Iterable[RollupPlace], /) -> Revisions:
        """Of the rollups that are there: to be asked before anything is counted for new ones."""
        ...

    async def count(self, step: RollupStep, place: RollupPlace, /) -> Rollup:
        """The statuses of a place, as they are stored now."""
        ...

    async def sum_up(self, step: RollupStep, place: RollupPlace, /) -> Rollup:
        """The sum of the finer rollups of a place, as they are now."""
        ...

    async def write(self, step: RollupStep, rollups: Iterable[NewRollup], before: Revisions, /) -> set[RollupPlace]:
        """Stores them where the revision is as it was `before`; returns where it was."""
        ...


class Rollups:
    """A RollupStore over the real collections. All methods raise MongoUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def _rows(self, step: RollupStep) -> Rows:
        return self._database[COLLECTIONS[step]]

    async def revisions(self, step: RollupStep, places: Iterable[RollupPlace]) -> Revisions:
        """As RollupStore says."""
        by_id = {row_id(place): place for place in places}
        with mongo_border():
            found = self._rows(step).find({"_id": {"$in": list(by_id)}}, {"revision": 1})
            return {by_id[row["_id"]]: row["revision"] async for row in found}

    async def count(self, step: RollupStep, place: RollupPlace) -> Rollup:
        """As RollupStore says."""
        return await count_statuses(self._database, step, place)

    async def sum_up(self, step: RollupStep, place: RollupPlace) -> Rollup:
        """As RollupStore says."""
        between = {"$gte": to_datetime(place.start), "$lt": to_datetime(place.start + step.length)}
        with mongo_border():
            rows: list[RollupRow] = [
                row async for row in self._rows(step.finer).find({"tenant": place.tenant, "start": between})
            ]
        return merged(map(rollup_of, rows))

    async def write(self, step: RollupStep, rollups: Iterable[NewRollup], before: Revisions) -> set[RollupPlace]:
        """As RollupStore says."""
        revision = uuid4().hex
        wanted = {row_id(new.place): new for new in rollups}
        if not wanted:
            return set()
        updates = [_update(new, before.get(new.place), revision) for new in wanted.values()]
        with mongo_border():
            try:
                await self._rows(step).bulk_write(updates, ordered=False)
            except BulkWriteError as error:
                duplicates(error)  # another was first with a rollup that was not there before
            ours = self._rows(step).find({"_id": {"$in": list(wanted)}, "revision": revision}, {"_id": 1})
            return {wanted[row["_id"]].place async for row in ours}


def _update(new: NewRollup, before: str | None, revision: str) -> UpdateOne:
    row: dict[str, Any] = {**rollup_row(new.place, new.rollup, revision)}
    where = {"_id": row.pop("_id"), "revision": {"$exists": False} if before is None else before}
    return UpdateOne(where, {"$set": row}, upsert=before is None)
