"""What happened before, in MongoDB: counters, digests and their members, the newest of collapse keys, runs.

All of it is written when the decisions are stored and before anything else follows from them, by what the decisions
say: a replay writes the same again. A row that a later record of the log has changed is left alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from shared.deciding.asked import Asked
from shared.deciding.history import Count, Newest, OpenDigest, StepOutcome
from shared.deciding.history_book import LoadedHistory
from shared.deciding.history_changes import Decided
from shared.model import formats
from shared.model.notifications import Notification
from shared.model.timestamps import from_datetime
from shared.mongo.bulk import Rows, find_by_id, insert_new
from shared.mongo.database import Database
from shared.mongo.digest_members import DigestMembers
from shared.mongo.errors import duplicates, mongo_border
from shared.mongo.history_rows import row_changes

ReadOutcomes = Callable[[Sequence[Notification]], Awaitable[Mapping[str, Mapping[str, StepOutcome]]]]
"""What became of the earlier steps of runs, by notification. Raises MongoUnavailable."""
ReadOnline = Callable[[Collection[str]], Awaitable[Iterable[str]]]
"""Which of these users (`tenant:user`) are connected. Raises MongoUnavailable."""


class HistoryStore(Protocol):
    """What decisions add to and look at. Both methods raise MongoUnavailable: call again."""

    async def load(self, asked: Sequence[Asked], /) -> LoadedHistory:
        """What these ask for. Raises NewerFormat, whose record the caller has to find, for what only a newer version reads."""
        ...

    async def apply(self, decided: Sequence[Decided], /) -> None:
        """What these add; repeated, it changes nothing."""
        ...


class Histories:
    """The collections `counters`, `digests`, `digest_members`, `collapses` and `runs`."""

    def __init__(
        self, database: Database, *, outcomes: ReadOutcomes | None = None, online: ReadOnline | None = None
    ) -> None:
        self._counters: Rows = database.counters
        self._digests: Rows = database.digests
        self._members: Rows = database.digest_members
        self._read_members = DigestMembers(database)
        self._collapses: Rows = database.collapses
        self._runs: Rows = database.runs
        self._outcomes = outcomes
        self._online = online

    async def load(self, asked: Sequence[Asked]) -> LoadedHistory:
        """As HistoryStore says; nothing that nobody asks for is read."""
        shown = {each.digest: each.shown for each in asked if each.digest is not None}
        closed = {each.digest: each.closed for each in asked if each.closed is not None}
        counters, digests, collapses = await asyncio.gather(
            find_by_id(self._counters, {counter for each in asked for counter in each.counters}),
            find_by_id(self._digests, {slot for each in asked for slot in each.slots}),
            find_by_id(self._collapses, _places(asked)),
        )
        for what, rows in (("counter", counters), ("digest", digests), ("collapse", collapses)):
            for row in rows.values():
                formats.check_row(what, row)
        finished = [each.outcomes for each in asked if each.outcomes is not None]
        users = {each.online for each in asked if each.online is not None}
        return LoadedHistory(
            counters={key: _counts(row["entries"]) for key, row in counters.items()},
            digests={key: msgspec.convert(row["open"], OpenDigest) for key, row in digests.items() if row["open"]},
            contents={
                digest: await self._read_members.content(digest, most, closed.get(digest))
                for digest, most in shown.items()
            },
            newest={key: msgspec.convert(row["newest"], Newest) for key, row in collapses.items()},
            outcomes=await self._outcomes(finished) if self._outcomes is not None and finished else {},
            online=frozenset(await self._online(users)) if self._online is not None and users else frozenset(),
        )

    async def apply(self, decided: Sequence[Decided]) -> None:
        """As HistoryStore says."""
        changes = row_changes(decided)
        if changes.members:
            await insert_new(self._members, changes.members)
        await asyncio.gather(
            _write(self._counters, changes.counters),
            _write(self._digests, changes.digests),
            _write(self._collapses, changes.collapses),
            _write(self._runs, changes.runs),
        )


def _places(asked: Sequence[Asked]) -> set[str]:
    """Where the newest of their collapse keys stand, and what has named them."""
    return {place for each in asked for place in (each.collapse, each.superseded) if place is not None}


def _counts(entries: Iterable[Mapping[str, object]]) -> tuple[Count, ...]:
    return tuple(
        Count(notification=str(entry["n"]), at=from_datetime(at))
        for entry in entries
        if isinstance(at := entry["at"], datetime)
    )


async def _write(rows: Rows, updates: Sequence[UpdateOne]) -> None:
    """In their order; a row that has gone on is met as a duplicate key by the upsert, and is left as it is."""
    if not updates:
        return
    with mongo_border():
        try:
            await rows.bulk_write(list(updates), ordered=False)
        except BulkWriteError as error:
            duplicates(error)
