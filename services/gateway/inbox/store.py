"""Inbox rows in MongoDB. Every query carries the tenant and the user of the credential.

Times of changes are MongoDB's own (`$$NOW`), so that the clocks of several gateways do not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from services.gateway.core.limits import MAX_RESUME_ROWS, RESUME_OVERLAP_MS
from services.gateway.inbox.filters import InboxFilter, TypeFilter
from services.gateway.live.core.actions import InboxSnapshot
from services.gateway.live.core.cursor import Cursor
from shared.model.inbox import Change, InboxItem
from shared.model.timestamps import from_datetime, to_datetime
from shared.model.users import User
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.inbox_rows import from_row
from shared.mongo.leases import server_time

Query = dict[str, object]
"""In MongoDB's language."""
_UNREAD: Final[Query] = {"read_at": None, "archived_at": None}
REPEAT_WINDOW: Final = timedelta(seconds=60)
"""A repeated `read all` tells again what was changed so recently."""


def _once(field: str) -> Query:
    return {"$ifNull": [f"${field}", "$$NOW"]}


_UPDATES: Final[dict[Change, Query]] = {
    Change.READ: {"read_at": _once("read_at"), "seen_at": _once("seen_at")},
    Change.UNREAD: {"read_at": None},
    Change.SEEN: {"seen_at": _once("seen_at")},
    Change.ARCHIVED: {"archived_at": _once("archived_at")},
    Change.DELETED: {"deleted_at": _once("deleted_at")},
}


class UnreadCount(NamedTuple):
    """Unread rows up to the offset `end`."""

    unread: int
    end: int


class InboxStore:
    """One database's inboxes. All methods raise MongoUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows = database.inbox

    async def page(self, user: User, where: InboxFilter, *, limit: int, offset: int) -> tuple[list[InboxItem], int]:
        """Items, newest first, and how many there are in all."""
        query = _matching(user, where)
        with mongo_border():
            total = await self._rows.count_documents(query)
            found = self._rows.find(query).sort("offset", -1).skip(offset).limit(limit)
            return [from_row(row) async for row in found], total

    async def count(self, user: User, where: InboxFilter) -> int:
        """How many items there are."""
        with mongo_border():
            return await self._rows.count_documents(_matching(user, where))

    async def snapshot(self, user: User, since: Cursor | None) -> InboxSnapshot:
        """What a client that has seen everything up to `since` has missed; without it, what was never shown to it."""
        own = _own(user)
        with mongo_border():
            token = from_datetime(await server_time(self._database))
            count = await self._unread(user)
            offset: Query = {"$lte": count.end} if since is None else {"$lte": count.end, "$gt": since.offset}
            pending = _UNREAD | {"seen_at": None} if since is None else {}
            rows = await self._read(own | {"offset": offset, "deleted_at": None} | pending)
            changed: tuple[InboxItem, ...] = ()
            if since is not None:
                recent = {"$gte": to_datetime(max(since.token - RESUME_OVERLAP_MS, 0))}
                changed = await self._read(own | {"offset": {"$lte": since.offset}, "changed_at": recent})
        return InboxSnapshot(rows=rows, changed=changed, unread=count.unread, end=count.end, token=token)

    async def unread(self, user: User) -> UnreadCount:
        """The count that a client shows."""
        with mongo_border():
            return await self._unread(user)

    async def change(self, user: User, change: Change, ids: Sequence[str]) -> list[InboxItem]:
        """Changes the user's items among `ids` (notification ids) and returns them as they are now.

        Repeating it changes nothing but `updated_at`. Deleted items are found by DELETED only.
        """
        query = _own(user) | {"notification": {"$in": list(ids)}}
        if change is not Change.DELETED:
            query["deleted_at"] = None
        with mongo_border():
            await self._rows.update_many(query, [{"$set": _UPDATES[change] | {"changed_at": "$$NOW"}}])
            return [from_row(row) async for row in self._rows.find(query).sort("offset", 1)]

    async def read_all(self, user: User, only: TypeFilter | None) -> tuple[int, list[InboxItem]]:
        """Reads every unread item (of one type); returns how many, and all read in the last minute, these included."""
        query = _own(user) | {"deleted_at": None} | _of_type(only)
        update = [{"$set": _UPDATES[Change.READ] | {"changed_at": "$$NOW"}}]
        with mongo_border():
            since = await server_time(self._database) - REPEAT_WINDOW
            result = await self._rows.update_many(query | _UNREAD, update)
            recent = query | {"read_at": {"$ne": None}, "changed_at": {"$gte": since}}
            return result.modified_count, [from_row(row) async for row in self._rows.find(recent).sort("offset", 1)]

    async def _unread(self, user: User) -> UnreadCount:
        newest = await self._rows.find_one(_own(user), {"offset": 1}, sort=[("offset", -1)])
        if newest is None:
            return UnreadCount(0, -1)
        end = int(newest["offset"])
        where = _own(user) | _UNREAD | {"deleted_at": None, "offset": {"$lte": end}}
        return UnreadCount(await self._rows.count_documents(where), end)

    async def _read(self, query: Query) -> tuple[InboxItem, ...]:
        found = self._rows.find(query).sort("offset", 1).limit(MAX_RESUME_ROWS + 1)
        return tuple([from_row(row) async for row in found])


def _own(user: User) -> Query:
    return {"tenant": user.tenant, "user": user.id}


def _matching(user: User, where: InboxFilter) -> Query:
    query = _own(user) | {"deleted_at": None, "archived_at": {"$ne": None} if where.archived else None}
    if where.unread_only:
        query["read_at"] = None
    return query | _of_type(where.type)


def _of_type(only: TypeFilter | None) -> Query:
    if only is None:
        return {}
    return {"type": only.type} if only.workflow is None else {"type": None, "workflow": only.workflow}
