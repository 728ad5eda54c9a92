"""Inbox rows in memory, as the in_app channel writes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from shared.model.errors import MongoUnavailable
from shared.model.inbox import InboxItem
from shared.mongo.inbox_rows import NewInboxRow
from tests.support.twins.outages import Outages


class MemoryInboxRows:
    """An InboxRowStore."""

    def __init__(self) -> None:
        self.rows: dict[str, NewInboxRow] = {}
        self.outages = Outages(MongoUnavailable)

    async def insert(self, rows: Sequence[NewInboxRow]) -> dict[str, InboxItem]:
        before = {}
        async with self.outages.call():
            for row in rows:
                if row.delivery in self.rows:
                    before[row.delivery] = self._as_created(row.delivery)
                else:
                    self.rows[row.delivery] = row
        return before

    async def find(self, deliveries: Iterable[str]) -> dict[str, InboxItem]:
        async with self.outages.call():
            return {delivery: self._as_created(delivery) for delivery in deliveries if delivery in self.rows}

    async def erase(self, tenant: str, user: str, life: int) -> None:
        async with self.outages.call():
            self.rows = {
                key: row
                for key, row in self.rows.items()
                if (row.tenant, row.user) != (tenant, user) or row.life >= life
            }

    async def mark_read(self, delivery: str, at: int) -> None:
        """As the gateway would."""
        row = self.rows[delivery]
        self.rows[delivery] = row._replace(item=msgspec.structs.replace(row.item, read_at=at, updated_at=at))

    def _as_created(self, delivery: str) -> InboxItem:
        return msgspec.structs.replace(
            self.rows[delivery].item, seen_at=None, read_at=None, archived_at=None, deleted_at=None, updated_at=None
        )
