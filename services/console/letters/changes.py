"""What changes a dead letter: each step is one compare-and-set, and may be repeated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from pymongo import UpdateOne

from services.console.letters.core.jobs import RedriveJob
from services.console.letters.core.letter_filter import WantedState, query_of
from services.console.letters.core.letter_row import DeadLetterRow, StoredRedrive
from services.console.letters.store import WITHOUT_CONTENTS
from shared.model.dead_letters import DeadLetterState
from shared.model.formats import readable
from shared.model.timestamps import to_datetime
from shared.mongo.bulk import Rows
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border

MAX_READ_BYTES: Final = 16 * 1_048_576
"""Of contents that are read at once; one letter is read however large it is."""


class LetterChanges(Protocol):
    """What the redriver needs: the collection, or in memory. All methods raise MongoUnavailable; then repeat the call."""

    async def redriving(self, most: int, /) -> list[DeadLetterRow]:
        """Some of those that are on their way to the log, with contents."""
        ...

    async def finish(self, rows: Sequence[DeadLetterRow], /) -> None:
        """Their records are on the log; letters that have moved on stay as they are."""
        ...

    async def page_of(self, job: RedriveJob, /) -> list[DeadLetterRow]:
        """The next letters of a job, without contents: open ones, and those that it has begun already."""
        ...

    async def begin(self, redrives: Mapping[str, StoredRedrive], /) -> None:
        """Open letters, by id, are on their way from now on; others stay as they are."""
        ...


class DeadLetterChanges:
    """The `dead_letters` collection."""

    def __init__(self, database: Database) -> None:
        self._rows: Rows = database.dead_letters

    async def redriving(self, most: int) -> list[DeadLetterRow]:
        """As LetterChanges says."""
        state = {"state": DeadLetterState.REDRIVING.value, **readable()}
        chosen: list[str] = []
        size = 0
        with mongo_border():
            for row in await self._rows.find(state, {"bytes": 1}).limit(most).to_list(most):
                size += row["bytes"]
                if chosen and size > MAX_READ_BYTES:
                    break
                chosen.append(row["_id"])
            found: list[DeadLetterRow] = await self._rows.find({"_id": {"$in": chosen}, **state}).to_list(None)
        return sorted(found, key=lambda row: (row["at"], row["_id"]))

    async def finish(self, rows: Sequence[DeadLetterRow]) -> None:
        """As LetterChanges says."""
        updates = [
            UpdateOne(
                {
                    "_id": row["_id"],
                    "state": DeadLetterState.REDRIVING.value,
                    "redrive.generation": row["redrive"]["generation"],
                },
                {"$set": {"state": DeadLetterState.REDRIVEN.value}},
            )
            for row in rows
        ]
        if updates:
            with mongo_border():
                await self._rows.bulk_write(updates, ordered=False)

    async def page_of(self, job: RedriveJob) -> list[DeadLetterRow]:
        """As LetterChanges says."""
        query = query_of(job.tenant, job.filter, WantedState.ANY)
        parts: list[dict[str, object]] = [
            query,
            {"created_at": {"$lte": to_datetime(job.started_at)}},
            {"$or": [{"state": DeadLetterState.OPEN.value}, {"redrive.job": job.id}]},
        ]
        if job.place is not None:
            at, letter = job.place
            parts.append({"$or": [{"at": {"$gt": at}}, {"at": at, "_id": {"$gt": letter}}]})
        with mongo_border():
            found = self._rows.find({"$and": parts}, WITHOUT_CONTENTS).sort([("at", 1), ("_id", 1)])
            return await found.limit(job.page).to_list(job.page)

    async def begin(self, redrives: Mapping[str, StoredRedrive]) -> None:
        """As LetterChanges says."""
        updates = [
            UpdateOne(
                {"_id": letter, "state": DeadLetterState.OPEN.value},
                {"$set": {"state": DeadLetterState.REDRIVING.value, "redrive": redrive}},
            )
            for letter, redrive in redrives.items()
        ]
        if updates:
            with mongo_border():
                await self._rows.bulk_write(updates, ordered=False)

    async def begin_again(self, letter: str, before: int, redrive: StoredRedrive) -> None:
        """A letter whose redrive of the generation `before` sent nothing is on its way once more."""
        place = {"_id": letter, "state": DeadLetterState.REDRIVEN.value, "redrive.generation": before}
        change = {"state": DeadLetterState.REDRIVING.value, "redrive": redrive}
        with mongo_border():
            await self._rows.update_one(place, {"$set": change})

    async def discard(self, tenant: str, letter: str, by: str) -> None:
        """Nobody sends it any more; one that is not open stays as it is."""
        place = {"_id": letter, "tenant": tenant, "state": DeadLetterState.OPEN.value}
        change = {"state": DeadLetterState.DISCARDED.value, "discarded_by": by}
        with mongo_border():
            await self._rows.update_one(place, {"$set": change})
