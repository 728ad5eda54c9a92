"""Receipts of inbox rows, in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from shared.model import ids
from shared.model.errors import MongoUnavailable
from shared.model.inbox_receipts import CaughtUp, InboxOwner, ReachedItem
from shared.model.statuses import Subject
from shared.mongo.inbox_writing import NewInboxRow
from tests.support.twins.outages import Outages


@dataclass
class _Row:
    row: NewInboxRow
    about: Subject
    by: str | None = None
    at: int | None = None

    @property
    def item(self) -> ReachedItem:
        row, at = self.row, self.at
        assert at is not None
        about = (self.about, row.tenant, row.user, row.item.id, row.item.workflow, row.step)
        return ReachedItem(*about, at, row.variant, row.locale)


class MemoryInboxReceipts:
    """The ReceiptRows. `now` is its clock in milliseconds."""

    def __init__(self) -> None:
        self.rows: dict[str, _Row] = {}
        self.now = 1_700_000_000_000
        self.outages = Outages(MongoUnavailable)

    async def insert(self, rows: Sequence[NewInboxRow]) -> None:
        """What the in_app channel does."""
        self.rows |= {row.delivery: _Row(row, row.receipt) for row in rows if row.receipt is not None}

    async def delete(self, delivery: str) -> None:
        """As the gateway would."""
        row = self.rows[delivery]
        row.row = row.row._replace(item=replace(row.row.item, deleted_at=self.now))

    async def reach(
        self, batch: str, queued: Mapping[str, str], caught_up: Mapping[InboxOwner, CaughtUp]
    ) -> list[ReachedItem]:
        async with self.outages.call():
            for delivery, row in self.rows.items():
                owner = InboxOwner(ids.user_key(row.row.tenant, row.row.user).decode(), row.row.life)
                offset, has = row.row.item.offset, caught_up.get(owner, CaughtUp())
                had = row.row.item.deleted_at is None and (offset <= has.since or offset in has.others)
                if row.at is None and (queued.get(delivery) == owner.user_key or had):
                    row.at, row.by = self.now, batch
            return [row.item for row in self.rows.values() if row.by == batch]

    async def done(self, deliveries: Collection[str]) -> None:
        async with self.outages.call():
            for delivery in deliveries:
                self.rows[delivery].by = None

    async def undone(self, seconds: float, most: int) -> list[ReachedItem]:
        async with self.outages.call():
            before = self.now - seconds * 1000
            marked = [row for row in self.rows.values() if row.by is not None and (row.at or 0) < before]
            return [row.item for row in marked[:most]]
