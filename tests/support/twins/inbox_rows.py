"""Inbox rows in memory, as the in_app channel writes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from shared.model.errors import MongoUnavailable
from shared.model.inbox import InboxItem, notification_of
from shared.model.inbox_replacements import InboxRemoval, InboxReplacement
from shared.model.notifications import Notification
from shared.model.withdrawals import InboxHolders, InboxWithdrawal, Withdrawal
from shared.mongo import inbox_withdrawing
from shared.mongo.inbox_writing import NewInboxRow
from shared.process.clock import now_ms
from tests.support.twins.outages import Outages


class MemoryInboxRows:
    """An InboxRowStore."""

    def __init__(self) -> None:
        self.rows: dict[str, NewInboxRow] = {}
        self.replaced_by: dict[str, str] = {}
        """By delivery, the notification that took its place."""
        self.withdrawn: dict[str, int] = {}
        """By delivery, the counter of the cancel that took it out."""
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

    async def first_items(self, notifications: Collection[Notification]) -> dict[str, str]:
        if not notifications:
            return {}
        async with self.outages.call():
            wanted = [(each.tenant, each.user, each.life, each.id) for each in notifications]
            there = [(key, row) for key, row in self.rows.items() if row.item.notification is None]
            return {row.item.id: key for key, row in there if (row.tenant, row.user, row.life, row.item.id) in wanted}

    async def replace(self, replacements: Sequence[InboxReplacement]) -> list[InboxRemoval]:
        if not replacements:
            return []
        found: dict[tuple[str, str, int], list[tuple[InboxItem, str | None]]] = {}
        async with self.outages.call():
            for each in replacements:
                for key, row in self._of(*each[:3]):
                    if (
                        notification_of(row.item) == each.replaces
                        and row.item.digest_count is None
                        and _gives_way(row, each)
                    ):
                        now = now_ms()
                        gone = msgspec.structs.replace(row.item, deleted_at=now, updated_at=now)
                        self.rows[key], self.replaced_by[key] = row._replace(item=gone), each.notification
            for owner in dict.fromkeys(each[:3] for each in replacements):
                by = {(each.replaces, each.notification) for each in replacements if each[:3] == owner}
                gone_to = [(row.item, self.replaced_by.get(key, "")) for key, row in self._of(*owner)]
                if items := [(item, to) for item, to in gone_to if (notification_of(item), to) in by]:
                    found[owner] = sorted(items, key=lambda pair: pair[0].offset)
        return [InboxRemoval(*owner, tuple(items), *self._count(owner)) for owner, items in found.items()]

    async def withdraw(self, withdrawals: Sequence[InboxWithdrawal]) -> list[InboxRemoval]:
        found: dict[tuple[str, str, int], dict[str, None]] = {}
        async with self.outages.call():
            for each in withdrawals:
                for key, row in self._of(*each[:3]):
                    if not _accepted(row, each.what) or each.delivery not in (None, key):
                        continue
                    if row.item.deleted_at is None:
                        now = now_ms()
                        gone = msgspec.structs.replace(row.item, deleted_at=now, updated_at=now)
                        self.rows[key], self.withdrawn[key] = row._replace(item=gone), each.what.count
                    if self.withdrawn.get(key, 0) == each.what.count or (each.delivery and key in self.withdrawn):
                        found.setdefault(each[:3], {})[key] = None
        return [
            InboxRemoval(*owner, tuple(sorted(((self.rows[key].item, None) for key in keys), key=_by_offset)), *count)
            for owner, keys in found.items()
            for count in [self._count(owner)]
        ]

    async def holders(self, tenant: str, what: Withdrawal, after: str) -> InboxHolders:
        async with self.outages.call():
            there = [
                (key, row)
                for key, row in sorted(self.rows.items())
                if key > after and row.tenant == tenant and row.item.deleted_at is None and _accepted(row, what)
            ][: inbox_withdrawing.MAX_HOLDERS]
        users = dict.fromkeys((row.user, row.life) for _, row in there)
        return InboxHolders(tuple(users), there[-1][0] if len(there) == inbox_withdrawing.MAX_HOLDERS else None)

    async def count_held(self, tenant: str, what: Withdrawal) -> int:
        async with self.outages.call():
            held = [row for row in self.rows.values() if row.tenant == tenant and row.item.deleted_at is None]
            return sum(_accepted(row, what) for row in held)

    def _of(self, tenant: str, user: str, life: int) -> list[tuple[str, NewInboxRow]]:
        return [
            (key, row) for key, row in self.rows.items() if (row.tenant, row.user, row.life) == (tenant, user, life)
        ]

    def _count(self, owner: tuple[str, str, int]) -> tuple[int, int, int]:
        items = [row.item for _, row in self._of(*owner)]
        unread = [item for item in items if _counts(item)]
        return len(unread), max(item.offset for item in items), sum(item.seen_at is None for item in unread)

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

    async def archive(self, delivery: str, at: int) -> None:
        """As the gateway would."""
        row = self.rows[delivery]
        self.rows[delivery] = row._replace(item=msgspec.structs.replace(row.item, archived_at=at, updated_at=at))

    async def mark_seen(self, delivery: str, at: int) -> None:
        """As the gateway would."""
        row = self.rows[delivery]
        self.rows[delivery] = row._replace(item=msgspec.structs.replace(row.item, seen_at=at))

    def _as_created(self, delivery: str) -> InboxItem:
        return msgspec.structs.replace(
            self.rows[delivery].item, seen_at=None, read_at=None, archived_at=None, deleted_at=None, updated_at=None
        )


def _accepted(row: NewInboxRow, what: Withdrawal) -> bool:
    is_alone = row.item.digest_count is None
    return is_alone and row.cancellation_key == what.cancellation_key and row.cancel_count < what.count


def _by_offset(pair: tuple[InboxItem, None]) -> int:
    return pair[0].offset


def _gives_way(row: NewInboxRow, each: InboxReplacement) -> bool:
    if not each.named:
        return _unread(row.item)
    return row.item.archived_at is None and row.item.deleted_at is None and row.test == each.test


def _unread(item: InboxItem) -> bool:
    return item.read_at is None and item.archived_at is None and item.deleted_at is None


def _counts(item: InboxItem) -> bool:
    now = now_ms()
    over = item.expires_at is not None and item.expires_at <= now
    return _unread(item) and not over and (item.snoozed_until or 0) <= now
