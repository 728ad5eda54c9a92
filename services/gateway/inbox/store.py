"""Users' inboxes in MongoDB. Every query carries tenant and user; contents are read in bounded bytes only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from services.gateway.core.as_of import AsOf
from services.gateway.core.limits import (
    MAX_CONCURRENT_PAGES,
    MAX_CONCURRENT_SEARCHES,
    MAX_EVENT_ITEMS,
    MAX_PAGE_BYTES,
    MAX_RESUME_BYTES,
    MAX_RESUME_ROWS,
    MAX_SEARCHED_ROWS,
    RESUME_OVERLAP_MS,
)
from services.gateway.inbox.filters import InboxFilter, TypeFilter
from services.gateway.inbox.queries import Query, counting, matching, of_type, own, update
from services.gateway.live.core.actions import InboxSnapshot
from services.gateway.live.core.cursor import Cursor
from shared.model.inbox import Change, InboxItem
from shared.model.timestamps import from_datetime, to_datetime
from shared.model.users import User
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.inbox_rows import UNREAD, WITHOUT_CONTENT, from_row, not_expired, of_items, shown, state_of_row
from shared.mongo.leases import FREE, server_time
from shared.process.clock import now_ms

REPEAT_WINDOW: Final = timedelta(seconds=60)
"""A repeated `read all` tells again what was changed so recently."""


class UnreadCount(NamedTuple):
    """Unread rows up to the offset `end`; `unseen` of them were not seen either."""

    unread: int
    end: int
    unseen: int


class ItemCounts(NamedTuple):
    """How many items match, how many of them were not read, and how many neither seen nor read."""

    total: int
    unread: int
    unseen: int


class InboxPage(NamedTuple):
    """Some items, newest first. `counts` are of all that match, `more` says whether any follows the last one."""

    items: list[InboxItem]
    counts: ItemCounts
    more: bool
    as_of: AsOf


class InboxStore:
    """One database's inboxes. All methods raise MongoUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows = database.inbox
        self._pages = asyncio.Semaphore(MAX_CONCURRENT_PAGES)
        self._searches = asyncio.Semaphore(MAX_CONCURRENT_SEARCHES)

    async def page(
        self, user: User, where: InboxFilter, *, limit: int, offset: int = 0, below: int | None = None
    ) -> InboxPage:
        """Up to `limit` items after the first `offset` ones, or of those whose own offset is below `below`.

        Fewer when they are larger than MAX_PAGE_BYTES together; one of any size is always there.
        """
        query = matching(user, where, now_ms())
        with mongo_border():
            as_of = await self._head(user)
            async with self._searches if where.words else nullcontext():
                reach = await self._reach(user, where, as_of.offset)
                shown = query | {"offset": reach if below is None else reach | {"$lt": below}}
                [counts], sizes = await asyncio.gather(
                    self._counts([query], own(user) | {"offset": reach}),
                    self._sizes(shown, -1, skip=offset, limit=limit + 1),
                )
                wanted = _fitting(sizes[:limit], MAX_PAGE_BYTES)
                if not wanted:
                    return InboxPage([], counts, False, as_of)
                async with self._pages:
                    between = {"$lte": wanted[0].offset, "$gte": wanted[-1].offset}
                    rows = self._rows.find(query | {"offset": between}).sort("offset", -1)
                    return InboxPage([from_row(row) async for row in rows], counts, len(sizes) > len(wanted), as_of)

    async def counts(self, user: User, wheres: Sequence[InboxFilter]) -> tuple[list[ItemCounts], AsOf]:
        """How many items there are of each, all counted at once."""
        searches = any(where.words for where in wheres)
        with mongo_border():
            as_of = await self._head(user)
            async with self._searches if searches else nullcontext():
                reaches = [await self._reach(user, where, as_of.offset) for where in wheres]
                asked, now = zip(wheres, reaches, strict=True), now_ms()
                queries = [matching(user, where, now) | {"offset": reach} for where, reach in asked]
                among = reaches[0] if len(wheres) == 1 else {"$lte": as_of.offset}
                return await self._counts(queries, own(user) | {"offset": among}), as_of

    async def snapshot(self, user: User, since: Cursor | None) -> InboxSnapshot:
        """What a client that has seen everything up to `since` has missed; without it, what was never shown to it."""
        with mongo_border():
            token = from_datetime(await server_time(self._database))
            count = await self._unread(user)
            empty = InboxSnapshot((), (), count.unread, count.end, token, too_many=False, unseen=count.unseen)
            now = now_ms()
            query = own(user) | {"deleted_at": None, "offset": {"$lte": count.end}} | UNREAD | shown(now)
            query["seen_at"] = None
            changed: tuple[InboxItem, ...] = ()
            if since is not None:
                newer = {"$lte": count.end, "$gt": since.offset}
                query = own(user) | {"deleted_at": None, "offset": newer} | not_expired(now)
                changed = await self._changed(user, since)
            sizes = await self._sizes(query, 1, limit=MAX_RESUME_ROWS + 1)
            if max(len(sizes), len(changed)) > MAX_RESUME_ROWS or sum(row.size for row in sizes) > MAX_RESUME_BYTES:
                return empty._replace(too_many=True)
            if not sizes:
                return empty._replace(changed=changed)
            last: Query = {"offset": {"$gte": sizes[0].offset, "$lte": sizes[-1].offset}}
            found = self._rows.find(query | last).sort("offset", 1)
            return empty._replace(rows=tuple([from_row(row) async for row in found]), changed=changed)

    async def unread(self, user: User) -> UnreadCount:
        """The count that a client shows."""
        with mongo_border():
            return await self._unread(user)

    async def change(
        self, user: User, change: Change, ids: Sequence[str], until: int | None = None, *, token: str | None = None
    ) -> list[InboxItem]:
        """Changes the user's items among `ids` and returns their states as they are now.

        Repeating it changes nothing but `updated_at`. Deleted items are found by DELETED only. `until`: of SNOOZED.
        They are not told of until `done` is called with `token`.
        """
        query = own(user) | of_items(ids)
        if change is not Change.DELETED:
            query |= {"deleted_at": None} | not_expired(now_ms())
        with mongo_border():
            await self._rows.update_many(query, update(change, until, token))
            rows = self._rows.find(query, WITHOUT_CONTENT).sort("offset", 1)
            return [state_of_row(row) async for row in rows]

    async def read_all(self, user: User, only: TypeFilter | None, *, token: str | None = None) -> int:
        """Reads every unread item (of one type); returns how many. `token`: as of `change`."""
        query = own(user) | UNREAD | {"deleted_at": None} | shown(now_ms()) | of_type(only)
        with mongo_border():
            result = await self._rows.update_many(query, update(Change.READ, token=token))
            return int(result.modified_count)

    async def done(self, user: User, token: str) -> None:
        """What was changed under the token is durable on the log; what was changed since is not."""
        with mongo_border():
            mine = own(user) | {"untold": {"$exists": True}, "lease": {"$gt": FREE}, "token": token}
            await self._rows.update_many(mine, {"$unset": {"untold": "", "token": "", "lease": ""}})

    async def read_lately(self, user: User, only: TypeFilter | None) -> AsyncIterator[list[InboxItem]]:
        """The states of all that was read in the last minute, MAX_EVENT_ITEMS at a time, by offset."""
        with mongo_border():
            since = await server_time(self._database) - REPEAT_WINDOW
        query = (
            own(user) | {"deleted_at": None, "read_at": {"$ne": None}, "changed_at": {"$gte": since}} | of_type(only)
        )
        above = -1
        while True:
            with mongo_border():
                found = self._rows.find(query | {"offset": {"$gt": above}}, WITHOUT_CONTENT)
                items = [state_of_row(row) async for row in found.sort("offset", 1).limit(MAX_EVENT_ITEMS)]
            if items:
                above = items[-1].offset
                yield items
            if len(items) < MAX_EVENT_ITEMS:
                return

    async def _head(self, user: User) -> AsOf:
        """Where the inbox ends now. A change may take RESUME_OVERLAP_MS until a query finds it."""
        newest = await self._rows.find_one(own(user), {"offset": 1, "now": "$$NOW"}, sort=[("offset", -1)])
        if newest is None:
            return AsOf(-1, 0)
        now: datetime = newest["now"]
        return AsOf(int(newest["offset"]), from_datetime(now) - RESUME_OVERLAP_MS)

    async def _reach(self, user: User, where: InboxFilter, end: int) -> Query:
        """The offsets that are looked at, of rows up to `end`."""
        reach: Query = {"$lte": end}
        if where.words:
            rows = {"tenant": user.tenant, "user": user.id, "offset": reach}  # what the index has, so no row is read
            newest = self._rows.find(rows, {"_id": 0, "offset": 1}).sort("offset", -1)
            async for row in newest.skip(MAX_SEARCHED_ROWS - 1).limit(1):
                reach = reach | {"$gte": row["offset"]}
        return reach

    async def _counts(self, queries: Sequence[Query], among: Query) -> list[ItemCounts]:
        found: dict[str, list[dict[str, int]]] = {}
        async for row in self._rows.aggregate(counting(queries, among)):
            found = row
        each = [found.get(f"c{number}") or [{}] for number in range(len(queries))]
        return [ItemCounts(*(one.get(name, 0) for name in ItemCounts._fields)) for [one] in each]

    async def _unread(self, user: User) -> UnreadCount:
        newest = await self._rows.find_one(own(user), {"offset": 1}, sort=[("offset", -1)])
        if newest is None:
            return UnreadCount(0, -1, 0)
        end = int(newest["offset"])
        where = own(user) | UNREAD | {"deleted_at": None, "offset": {"$lte": end}} | shown(now_ms())
        [counts] = await self._counts([where], where)
        return UnreadCount(counts.unread, end, counts.unseen)

    async def _changed(self, user: User, since: Cursor) -> tuple[InboxItem, ...]:
        """Those that are gone again, too: the client may have met them by HTTP, before the socket told of them."""
        recent = {"changed_at": {"$gte": to_datetime(max(since.token - RESUME_OVERLAP_MS, 0))}}
        told = {"$or": [{"offset": {"$lte": since.offset}}, {"deleted_at": {"$ne": None}}]}
        found = self._rows.find(own(user) | recent | told, WITHOUT_CONTENT)
        return tuple([state_of_row(row) async for row in found.sort("offset", 1).limit(MAX_RESUME_ROWS + 1)])

    async def _sizes(self, query: Query, direction: int, *, limit: int, skip: int = 0) -> list[_RowSize]:
        """What reading the rows would cost; the rows themselves stay where they are."""
        found = self._rows.find(query, {"_id": 0, "offset": 1, "size": {"$bsonSize": "$$ROOT"}})
        return [
            _RowSize(row["offset"], row["size"])
            async for row in found.sort("offset", direction).skip(skip).limit(limit)
        ]


class _RowSize(NamedTuple):
    offset: int
    size: int


def _fitting(sizes: Sequence[_RowSize], most: int) -> Sequence[_RowSize]:
    """The first rows that are not larger than `most` together, and the first one whatever its size."""
    size = 0
    for position, row in enumerate(sizes):
        size += row.size
        if size > most and position:
            return sizes[:position]
    return sizes
