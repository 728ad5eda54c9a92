"""Users' inboxes in memory, as the gateway meets them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import accumulate

from msgspec.structs import replace

from services.gateway.core.as_of import AsOf
from services.gateway.core.limits import (
    MAX_EVENT_ITEMS,
    MAX_PAGE_BYTES,
    MAX_RESUME_BYTES,
    MAX_RESUME_ROWS,
    MAX_SEARCHED_ROWS,
    RESUME_OVERLAP_MS,
)
from services.gateway.inbox.filters import InboxFilter, TypeFilter
from services.gateway.inbox.store import REPEAT_WINDOW, InboxPage, ItemCounts, UnreadCount
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
    Change.EXPIRED: ("deleted_at",),
}


class MemoryInboxStore:
    """The gateway's InboxStore. `now` is its clock in milliseconds."""

    def __init__(self) -> None:
        self.now = 1_700_000_000_000
        self.outages = Outages(MongoUnavailable)
        self._inboxes: dict[tuple[str, str, int], dict[str, InboxItem]] = {}

    async def insert(self, user: User, items: Sequence[InboxItem]) -> None:
        """What the in_app channel does."""
        self._inboxes.setdefault((user.tenant, user.id, user.life), {}).update((item.id, item) for item in items)

    async def page(
        self, user: User, where: InboxFilter, *, limit: int, offset: int = 0, below: int | None = None
    ) -> InboxPage:
        async with self.outages.call():
            matching = self._matching(user, where)[::-1]
            rest = [item for item in matching if below is None or item.offset < below][offset:]
            shown = rest[: _fitting(rest[:limit], MAX_PAGE_BYTES) or 1]
            return InboxPage(shown, _counted(matching), len(rest) > len(shown), self._head(user))

    async def counts(self, user: User, wheres: Sequence[InboxFilter]) -> tuple[list[ItemCounts], AsOf]:
        async with self.outages.call():
            return [_counted(self._matching(user, where)) for where in wheres], self._head(user)

    async def snapshot(self, user: User, since: Cursor | None) -> InboxSnapshot:
        async with self.outages.call():
            count, changed = self._count_unread(user), []
            if since is None:
                rows = self._find(user, lambda item: self._is_new(item) and item.seen_at is None)
            else:
                first, recent = since.offset, since.token - RESUME_OVERLAP_MS
                rows = self._find(user, lambda item: self._is_there(item) and item.offset > first)
                known = self._find(user, lambda item: item.offset <= first or item.deleted_at is not None)
                changed = [item for item in known if (item.updated_at or -1) >= recent]
            rows_fit = len(rows) <= MAX_RESUME_ROWS and _fitting(rows, MAX_RESUME_BYTES) == len(rows)
            if len(changed) > MAX_RESUME_ROWS or not rows_fit:
                return InboxSnapshot((), (), count.unread, count.end, self.now, too_many=True, unseen=count.unseen)
            return InboxSnapshot(
                tuple(rows), tuple(changed), count.unread, count.end, self.now, too_many=False, unseen=count.unseen
            )

    async def unread(self, user: User) -> UnreadCount:
        async with self.outages.call():
            return self._count_unread(user)

    async def change(
        self, user: User, change: Change, ids: Sequence[str], until: int | None = None, *, token: str | None = None
    ) -> list[InboxItem]:
        async with self.outages.call():
            deleting = change is Change.DELETED
            found = self._find(user, lambda item: item.id in ids and (deleting or self._is_there(item)))
            return [self._change(user, item, change, until) for item in found]

    def times(self, user: User) -> dict[Change, list[InboxItem]]:
        """What the in_app channel does for what is due, and has to tell."""
        over = self._find(user, lambda item: item.deleted_at is None and not self._is_there(item))
        back = self._find(user, lambda item: self._is_there(item) and 0 < (item.snoozed_until or 0) <= self.now)
        due = {Change.EXPIRED: over, Change.UNSNOOZED: back}
        return {change: [self._change(user, item, change) for item in items] for change, items in due.items() if items}

    async def done(self, user: User, token: str) -> None:
        """Nobody here dies before."""

    async def read_all(self, user: User, only: TypeFilter | None, *, token: str | None = None) -> int:
        async with self.outages.call():
            unread = self._find(user, lambda item: self._is_new(item) and _is_of(item, only))
            for item in unread:
                self._change(user, item, Change.READ)
            return len(unread)

    async def read_lately(self, user: User, only: TypeFilter | None) -> AsyncIterator[list[InboxItem]]:
        async with self.outages.call():
            found = self._find(user, lambda item: self._was_read_lately(item) and _is_of(item, only))
        for first in range(0, len(found), MAX_EVENT_ITEMS):
            yield found[first : first + MAX_EVENT_ITEMS]

    def _head(self, user: User) -> AsOf:
        end = self._count_unread(user).end
        return AsOf(end, 0 if end < 0 else self.now - RESUME_OVERLAP_MS)

    def _was_read_lately(self, item: InboxItem) -> bool:
        since = self.now - REPEAT_WINDOW.total_seconds() * 1_000
        return item.deleted_at is None and item.read_at is not None and (item.updated_at or 0) >= since

    def _count_unread(self, user: User) -> UnreadCount:
        offsets = [item.offset for item in self._find(user, lambda _: True)]
        unread = self._find(user, self._is_new)
        return UnreadCount(len(unread), max(offsets, default=-1), sum(item.seen_at is None for item in unread))

    def _matching(self, user: User, where: InboxFilter) -> list[InboxItem]:
        looked_at = self._find(user, lambda _: True)[-MAX_SEARCHED_ROWS if where.words else 0 :]
        return [item for item in looked_at if self._is_there(item) and self._matches(item, where)]

    def _is_there(self, item: InboxItem) -> bool:
        return item.deleted_at is None and (item.expires_at is None or item.expires_at > self.now)

    def _is_snoozed(self, item: InboxItem) -> bool:
        return (item.snoozed_until or 0) > self.now

    def _is_new(self, item: InboxItem) -> bool:
        return self._is_there(item) and _unread(item) and not self._is_snoozed(item)

    def _matches(self, item: InboxItem, where: InboxFilter) -> bool:
        return self._is_snoozed(item) is where.snoozed and _matches(item, where)

    def _find(self, user: User, condition: Callable[[InboxItem], bool]) -> list[InboxItem]:
        items = self._inboxes.get((user.tenant, user.id, user.life), {}).values()
        return sorted(filter(condition, items), key=lambda item: item.offset)

    def _change(self, user: User, item: InboxItem, change: Change, until: int | None = None) -> InboxItem:
        stamps = {name: getattr(item, name) or self.now for name in STAMPS.get(change, ())}
        if change in {*STAMPS, Change.UNSNOOZED} - {Change.SEEN}:
            stamps["snoozed_until"] = None
        if change is Change.SEEN and self._is_snoozed(item):
            stamps = {}
        if change is Change.UNREAD:
            stamps = {"read_at": None, "unread_times": item.unread_times + (item.read_at is not None)}
        if change is Change.UNARCHIVED:
            stamps = {"archived_at": None, "unarchived_times": item.unarchived_times + (item.archived_at is not None)}
        if change is Change.SNOOZED:
            stamps = {"read_at": None, "seen_at": None, "archived_at": None, "snoozed_until": until}
            stamps["snoozed_times"] = item.snoozed_times + (item.snoozed_until != until)
            stamps["unread_times"] = item.unread_times + (item.read_at is not None)
            stamps["unarchived_times"] = item.unarchived_times + (item.archived_at is not None)
        changed = replace(item, updated_at=self.now, **stamps)
        self._inboxes[user.tenant, user.id, user.life][item.id] = changed
        return changed


def _fitting(items: Sequence[InboxItem], most: int) -> int:
    """How many of the first fit; their sizes are about those of their rows."""
    sizes = accumulate(len(item.data) + len(item.body.encode()) + 300 for item in items)
    return sum(size <= most for size in sizes)


def _unread(item: InboxItem) -> bool:
    return item.read_at is None and item.archived_at is None and item.deleted_at is None


def _matches(item: InboxItem, where: InboxFilter) -> bool:
    unread = item.read_at is None or not where.unread_only
    unseen = (item.read_at is None and item.seen_at is None) or not where.unseen_only
    archived = (item.archived_at is not None) is where.archived
    kind = where.category in {None, item.category} and where.priority in {None, item.priority}
    since, until = (
        where.since is None or item.created_at >= where.since,
        where.until is None or item.created_at < where.until,
    )
    texts = (item.title, item.body)
    words = all(any(re.search(re.escape(word), text, re.IGNORECASE) for text in texts) for word in where.words)
    return archived and unread and unseen and kind and since and until and words and _is_of(item, where.type)


def _counted(items: Sequence[InboxItem]) -> ItemCounts:
    unread = [item for item in items if item.read_at is None]
    return ItemCounts(len(items), len(unread), sum(item.seen_at is None for item in unread))


def _is_of(item: InboxItem, only: TypeFilter | None) -> bool:
    if only is None:
        return True
    return item.type == only.type and (only.workflow is None or item.workflow == only.workflow)
