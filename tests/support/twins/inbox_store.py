"""Users' inboxes in memory, as the gateway meets them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from services.gateway.core.limits import MAX_RESUME_ROWS, RESUME_OVERLAP_MS
from services.gateway.inbox.filters import InboxFilter, TypeFilter
from services.gateway.inbox.store import REPEAT_WINDOW, UnreadCount
from services.gateway.live.core.actions import InboxSnapshot
from services.gateway.live.core.cursor import Cursor
from shared.model.errors import MongoUnavailable
from shared.model.inbox import Change, InboxItem
from shared.model.users import User
from tests.support.twins.outages import Outages

STAMPS = {
    Change.READ: ("read_at", "seen_at"),
    Change.SEEN: ("seen_at",),
    Change.ARCHIVED: ("archived_at",),
    Change.DELETED: ("deleted_at",),
}


class MemoryInboxStore:
    """The gateway's InboxStore. `now` is its clock in milliseconds."""

    def __init__(self) -> None:
        self.now = 1_700_000_000_000
        self.outages = Outages(MongoUnavailable)
        self._inboxes: dict[tuple[str, str], dict[str, InboxItem]] = {}

    async def insert(self, user: User, items: Sequence[InboxItem]) -> None:
        """What the in_app channel does."""
        self._inboxes.setdefault((user.tenant, user.id), {}).update((item.id, item) for item in items)

    async def page(self, user: User, where: InboxFilter, *, limit: int, offset: int) -> tuple[list[InboxItem], int]:
        async with self.outages.call():
            found = self._find(user, lambda item: _matches(item, where))[::-1]
            return found[offset : offset + limit], len(found)

    async def count(self, user: User, where: InboxFilter) -> int:
        async with self.outages.call():
            return len(self._find(user, lambda item: _matches(item, where)))

    async def snapshot(self, user: User, since: Cursor | None) -> InboxSnapshot:
        async with self.outages.call():
            count, changed = self._count_unread(user), []
            if since is None:
                rows = self._find(user, lambda item: _unread(item) and item.seen_at is None)
            else:
                first, recent = since.offset, since.token - RESUME_OVERLAP_MS
                rows = self._find(user, lambda item: item.deleted_at is None and item.offset > first)
                changed = self._find(user, lambda item: item.offset <= first and (item.updated_at or -1) >= recent)
            most = MAX_RESUME_ROWS + 1
            return InboxSnapshot(tuple(rows[:most]), tuple(changed[:most]), count.unread, count.end, self.now)

    async def unread(self, user: User) -> UnreadCount:
        async with self.outages.call():
            return self._count_unread(user)

    async def change(self, user: User, change: Change, ids: Sequence[str]) -> list[InboxItem]:
        async with self.outages.call():
            deleting = change is Change.DELETED
            found = self._find(user, lambda item: item.id in ids and (deleting or item.deleted_at is None))
            return [self._change(user, item, change) for item in found]

    async def read_all(self, user: User, only: TypeFilter | None) -> tuple[int, list[InboxItem]]:
        async with self.outages.call():
            unread = self._find(user, lambda item: _unread(item) and _is_of(item, only))
            for item in unread:
                self._change(user, item, Change.READ)
            return len(unread), self._find(user, lambda item: self._was_read_lately(item) and _is_of(item, only))

    def _was_read_lately(self, item: InboxItem) -> bool:
        since = self.now - REPEAT_WINDOW.total_seconds() * 1_000
        return item.deleted_at is None and item.read_at is not None and (item.updated_at or 0) >= since

    def _count_unread(self, user: User) -> UnreadCount:
        offsets = [item.offset for item in self._find(user, lambda _: True)]
        return UnreadCount(len(self._find(user, _unread)), max(offsets, default=-1))

    def _find(self, user: User, condition: Callable[[InboxItem], bool]) -> list[InboxItem]:
        items = self._inboxes.get((user.tenant, user.id), {}).values()
        return sorted(filter(condition, items), key=lambda item: item.offset)

    def _change(self, user: User, item: InboxItem, change: Change) -> InboxItem:
        stamps = {name: getattr(item, name) or self.now for name in STAMPS.get(change, ())}
        if change is Change.UNREAD:
            stamps = {"read_at": None}
        changed = replace(item, updated_at=self.now, **stamps)
        self._inboxes[user.tenant, user.id][item.id] = changed
        return changed


def _unread(item: InboxItem) -> bool:
    return item.read_at is None and item.archived_at is None and item.deleted_at is None


def _matches(item: InboxItem, where: InboxFilter) -> bool:
    unread = item.read_at is None or not where.unread_only
    archived = (item.archived_at is not None) is where.archived
    return item.deleted_at is None and unread and archived and _is_of(item, where.type)


def _is_of(item: InboxItem, only: TypeFilter | None) -> bool:
    if only is None:
        return True
    return item.type == only.type and (only.workflow is None or item.workflow == only.workflow)
