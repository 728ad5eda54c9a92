"""The `dead_letters` collection: what deliveries failed for good, kept and found by tenant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

import msgspec

from services.console.core.paging import PagePlace
from services.console.letters.core.answers import DeadLetterGroup, DeadLetterGroups, LedgerShown, group
from services.console.letters.core.letter_filter import LetterFilter, WantedState, query_of
from services.console.letters.core.letter_row import DeadLetterRow
from shared.model.lives import Life
from shared.model.receipts import receipted_state
from shared.mongo.bulk import Rows, insert_new
from shared.mongo.database import Database
from shared.mongo.erasure import erase_dead_letters
from shared.mongo.errors import mongo_border

MAX_GROUPS: Final = 1_000
MAX_COUNTED: Final = 100_000
WITHOUT_CONTENTS: Final = {"value": 0, "headers": 0, "redrive.data": 0}


class LetterStore(Protocol):
    """Where the consumer keeps dead letters: the collection, or in memory."""

    async def insert(self, rows: Sequence[DeadLetterRow], /) -> int:
        """Stores letters and returns how many are new; the others stay as they are. Raises MongoUnavailable."""
        ...


class DeadLetters:
    """The `dead_letters` collection. All methods raise MongoUnavailable; then the same call may be repeated."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows: Rows = database.dead_letters

    async def insert(self, rows: Sequence[DeadLetterRow]) -> int:
        """As LetterStore says. Of users who are deleted meanwhile nothing is kept but that there was a letter."""
        seen = await insert_new(self._rows, rows)
        for tenant, user, life in await self._later_lives(rows):
            await erase_dead_letters(self._database, tenant, user, life)
        return len(rows) - len(seen)

    async def _later_lives(self, rows: Sequence[DeadLetterRow]) -> list[tuple[str, str, int]]:
        """The users of these letters who have begun another life since, and its number.

        A deletion that comes behind this look finds the rows, which are written already.
        """
        lives: dict[tuple[str, str], int] = {}
        for row in rows:
            who = row["tenant"], row["user"]
            lives[who] = min(row["life"], lives.get(who, row["life"]))
        keys = [f"{tenant}:{user}" for tenant, user in lives]
        with mongo_border():
            found = await self._database.profiles.find(
                {"_id": {"$in": keys}, "life.number": {"$gt": 0}}, {"tenant": 1, "user": 1, "life": 1}
            ).to_list(None)
        now = {(row["tenant"], row["user"]): msgspec.convert(row["life"], Life).number for row in found}
        return [(*who, number) for who, number in now.items() if number > lives.get(who, number)]

    async def page(
        self, tenant: str, wanted: LetterFilter, state: WantedState, *, after: PagePlace | None, most: int
    ) -> list[DeadLetterRow]:
        """The newest of those that are meant, behind `after`, without contents."""
        query = query_of(tenant, wanted, state)
        if after is not None:
            query = {"$and": [query, after.behind("at")]}
        with mongo_border():
            found = self._rows.find(query, WITHOUT_CONTENTS).sort([("at", -1), ("_id", -1)]).limit(most)
            return await found.to_list(most)

    async def groups(self, tenant: str, wanted: LetterFilter, state: WantedState) -> DeadLetterGroups:
        """Those that are meant by channel, reason and code, the largest first."""
        stages: list[dict[str, Any]] = [
            {"$match": query_of(tenant, wanted, state)},
            {
                "$group": {
                    "_id": {"channel": "$channel", "reason": "$reason", "code": "$code"},
                    "count": {"$sum": 1},
                    "oldest": {"$min": "$at"},
                    "newest": {"$max": "$at"},
                }
            },
            {"$sort": {"count": -1, "_id": 1}},
            {"$limit": MAX_GROUPS + 1},
        ]
        with mongo_border():
            found = await self._rows.aggregate(stages).to_list(None)
        groups: list[DeadLetterGroup] = [
            group(**row["_id"], count=row["count"], oldest=row["oldest"], newest=row["newest"])
            for row in found[:MAX_GROUPS]
        ]
        return DeadLetterGroups(groups=groups, complete=len(found) <= MAX_GROUPS)

    async def find(self, tenant: str, letter: str) -> DeadLetterRow | None:
        """One with its contents; None: the tenant has no such letter."""
        with mongo_border():
            row: DeadLetterRow | None = await self._rows.find_one({"_id": letter, "tenant": tenant})
        return row

    async def became(self, row: DeadLetterRow) -> LedgerShown | None:
        """The row of its delivery in the ledger; None: it names none, or it is kept no more."""
        if "delivery" not in row:
            return None
        with mongo_border():
            found = await self._database.deliveries.find_one({"_id": row["delivery"], "tenant": row["tenant"]})
        if found is None:
            return None
        result = found.get("result") or {}
        return LedgerShown(
            state=receipted_state(found["state"], found["generation"], found.get("receipt")),
            generation=found["generation"],
            attempts=found["attempts"],
            reason=result.get("reason"),
            code=result.get("code"),
        )
