"""Which console does what only one has to do: the one that holds a lease."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final
from uuid import uuid4

from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.leases import claim_or_create, new_lease, renew

LEASE: Final = timedelta(seconds=15)


def leading(database: Database, what: str, *, lease: timedelta = LEASE) -> Callable[[], Awaitable[bool]]:
    """Whether this process leads in `what`: it goes on doing so for as long as it asks, and another one when its lease ends."""
    token = uuid4().hex

    async def leads() -> bool:
        with mongo_border():
            wanted = await new_lease(database, lease, token)
            return await renew(database.meta, wanted) or await claim_or_create(database.meta, what, wanted)

    return leads
