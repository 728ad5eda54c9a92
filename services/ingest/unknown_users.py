"""Which recipients have no profile, told in the 202 where that costs nothing: a warning, and no promise."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Final

import pymongo

from shared.model.errors import Unavailable
from shared.mongo.bulk import Rows
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border

LOOK_SECONDS: Final = 0.05
"""At most one look in this time: who tries it out is told, who sends thousands pays nothing."""
FEW_CALLS: Final = 3
BUSY_SECONDS: Final = 1.0
"""The same once more than FEW_CALLS passed without a look: twenty looks a second cost as much as a hundred calls."""
ANSWER_SECONDS: Final = 0.05
"""How long MongoDB may take."""
MORE_SECONDS: Final = 0.02
"""How long it may take once all else is done."""

KnownUsers = Callable[[str, Sequence[str]], Awaitable[Collection[str]]]
"""Those of a tenant's user ids that have a profile. Raises MongoUnavailable."""
Look = asyncio.Task[list[str]] | None
"""Under way, or not begun."""


class UnknownUsers:
    """Looks at profiles beside the acceptance of a call, one call at a time."""

    def __init__(self, known: KnownUsers) -> None:
        self._known = known
        self._next = 0.0
        self._passed = 0

    def begin(self, tenant: str, users: Sequence[str]) -> Look:
        """A look at whether these users are known, unless there is none or the last one was just now. End it by `cancel`."""
        now = time.monotonic()
        if not users:
            return None
        if now < self._next:
            self._passed += 1
            return None
        self._next = now + (BUSY_SECONDS if self._passed > FEW_CALLS else LOOK_SECONDS)
        self._passed = 0
        return asyncio.create_task(self._look(tenant, users))

    async def _look(self, tenant: str, users: Sequence[str]) -> list[str]:
        try:
            known = await self._known(tenant, users)
        except Unavailable:
            return []
        return [user for user in users if user not in known]


async def found_by(look: Look) -> list[str]:
    """Those that it found to be unknown; nobody where it has not ended in time."""
    if look is None:
        return []
    await asyncio.wait({look}, timeout=MORE_SECONDS)
    return look.result() if look.done() else []


def known_users(database: Database) -> KnownUsers:
    """What MongoDB knows, if it answers at once."""

    async def known(tenant: str, users: Sequence[str]) -> Collection[str]:
        rows: Rows = database.profiles
        wanted = {"_id": {"$in": [f"{tenant}:{user}" for user in users]}, "deleted": {"$ne": True}}
        with mongo_border(), pymongo.timeout(ANSWER_SECONDS):
            return {row["user"] async for row in rows.find(wanted, {"_id": 0, "user": 1})}

    return known


async def all_known(_: str, users: Sequence[str]) -> Collection[str]:
    """All of them: for who tells of everybody anyway."""
    return users
