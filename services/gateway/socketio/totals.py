"""How many notifications the inboxes of a tenant hold, of workflows that tell what reaches a socket."""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple, Protocol

from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.inbox_rows import UNREAD

MAX_COUNTED: Final = 100_000
"""More are not counted: so many, or more."""
KEPT: Final[dict[str, object]] = {"receipt": {"$exists": True}, "deleted_at": None}
PENDING: Final = KEPT | UNREAD
"""Of a tenant's rows; the index of those with a receipt holds no others."""


class NotificationTotals(NamedTuple):
    """`pending` are those that nobody has read."""

    total: int
    pending: int


class TotalsStore(Protocol):
    """Where they are counted."""

    async def totals(self, tenant: str, /) -> NotificationTotals:
        """Of one tenant, each at most MAX_COUNTED. Raises MongoUnavailable."""
        ...


class InboxTotals:
    """The TotalsStore of one database."""

    def __init__(self, database: Database) -> None:
        self._rows = database.inbox

    async def totals(self, tenant: str) -> NotificationTotals:
        """As TotalsStore says."""
        with mongo_border():
            total, pending = await asyncio.gather(
                self._rows.count_documents({"tenant": tenant} | KEPT, limit=MAX_COUNTED),
                self._rows.count_documents({"tenant": tenant} | PENDING, limit=MAX_COUNTED),
            )
        return NotificationTotals(total, pending)
