"""A user's inbox as the gateway reads and changes it."""

from __future__ import annotations

import msgspec
import pytest

from services.gateway.core.limits import MAX_RESUME_ROWS
from services.gateway.inbox.filters import InboxFilter, TypeFilter
from services.gateway.inbox.store import InboxStore, UnreadCount
from services.gateway.live.core.cursor import Cursor
from shared.model.errors import MongoUnavailable
from shared.model.inbox import Change, InboxItem
from shared.model.users import User
from shared.mongo import inbox_rows
from tests.support.twins.inbox_store import MemoryInboxStore

ANN = User(tenant="default", id="ann", expires_at=1e12)
OTHERS = (User(tenant="default", id="bob", expires_at=1e12), User(tenant="other", id="ann", expires_at=1e12))
ALL = InboxFilter()


class MongoInbox(InboxStore):
    """With the insert that the in_app channel does."""

    def __init__(self, database) -> None:
        super().__init__(database)
        self._inbox = database.inbox

    async def insert(self, user: User, items: list[InboxItem]) -> None:
        rows = [
            inbox_rows.to_row(
                item,
                delivery=f"{user.tenant}:{user.id}:{item.offset}",
                tenant=user.tenant,
                user=user.id,
                life=user.life,
            )
            for item in items
        ]
        await self._inbox.insert_many(rows)


@pytest.fixture
def inbox(implementation: str, request: pytest.FixtureRequest) -> MongoInbox | MemoryInboxStore:
    return MemoryInboxStore() if implementation == "twin" else MongoInbox(request.getfixturevalue("database"))


def item(offset: int, *, type: str | None = "new_message", workflow: str = "chat.new_message") -> InboxItem:  # noqa: A002  # as the item calls it
    return InboxItem(
        id=f"n{offset}", workflow=workflow, type=type, offset=offset, created_at=1_000, data=msgspec.Raw(b'{"n":1}')
    )


def ids(items) -> list[str]:
    return [found.id for found in items]


async def test_pages_are_newest_first_and_only_the_users(inbox):
    await inbox.insert(ANN, [item(1), item(2), item(3)])
    for other in OTHERS:
        await inbox.insert(other, [item(9)])
    found, total = await inbox.page(ANN, ALL, limit=2, offset=0)
    assert (ids(found), total) == (["n3", "n2"], 3)
    assert found[0] == item(3)
    found, total = await inbox.page(ANN, ALL, limit=2, offset=2)
    assert (ids(found), total) == (["n1"], 3)


async def test_filters(inbox):
    friend, untyped = item(2, type="friend_request"), item(3, type=None, workflow="app.news")
    await inbox.insert(ANN, [item(1), friend, untyped, item(4), item(5), item(6, type=None)])
    await inbox.change(ANN, Change.READ, ["n4"])
    await inbox.change(ANN, Change.ARCHIVED, ["n5"])
    await inbox.change(ANN, Change.DELETED, ["n1"])
    for where, expected in (
        (ALL, ["n6", "n4", "n3", "n2"]),
        (InboxFilter(unread_only=True), ["n6", "n3", "n2"]),
        (InboxFilter(archived=True), ["n5"]),
        (InboxFilter(type=TypeFilter("new_message")), ["n4"]),
        (InboxFilter(type=TypeFilter("friend_request"), unread_only=True), ["n2"]),
        (InboxFilter(type=TypeFilter(None, "app.news")), ["n3"]),
    ):
        found, total = await inbox.page(ANN, where, limit=10, offset=0)
        assert (ids(found), total, await inbox.count(ANN, where)) == (expected, len(expected), len(expected))


async def test_changes_answer_what_the_items_are_now_and_repeating_them_keeps_their_times(inbox):
    await inbox.insert(ANN, [item(1), item(2)])
    [read] = await inbox.change(ANN, Change.READ, ["n1", "unknown"])
    assert read.read_at == read.seen_at == read.updated_at is not None
    [again] = await inbox.change(ANN, Change.READ, ["n1"])
    assert (again.read_at, again.seen_at) == (read.read_at, read.seen_at)
    [unread] = await inbox.change(ANN, Change.UNREAD, ["n1"])
    assert (unread.read_at, unread.seen_at) == (None, read.seen_at)
    assert ids(await inbox.change(ANN, Change.ARCHIVED, ["n2", "n1"])) == ["n1", "n2"]
    [deleted] = await inbox.change(ANN, Change.DELETED, ["n1"])
    assert deleted.deleted_at
    assert await inbox.change(ANN, Change.SEEN, ["n1"]) == []
    assert (await inbox.change(ANN, Change.DELETED, ["n1"]))[0].deleted_at == deleted.deleted_at
    for other in OTHERS:
        assert await inbox.change(other, Change.READ, ["n2"]) == []


async def test_the_unread_count_ends_at_the_newest_row(inbox):
    assert await inbox.unread(ANN) == UnreadCount(0, -1)
    await inbox.insert(ANN, [item(offset) for offset in range(5)])
    await inbox.change(ANN, Change.READ, ["n0"])
    await inbox.change(ANN, Change.ARCHIVED, ["n1"])
    await inbox.change(ANN, Change.DELETED, ["n4"])
    await inbox.change(ANN, Change.SEEN, ["n3"])
    assert await inbox.unread(ANN) == UnreadCount(2, 4)


async def test_read_all_counts_what_became_read_and_repeats_what_was_read_lately(inbox):
    await inbox.insert(ANN, [item(1), item(2, type="friend_request"), item(3), item(4), item(5)])
    await inbox.change(ANN, Change.ARCHIVED, ["n4"])
    await inbox.change(ANN, Change.DELETED, ["n5"])
    for expected in (2, 0):
        changed, items = await inbox.read_all(ANN, TypeFilter("new_message"))
        assert (changed, ids(items)) == (expected, ["n1", "n3"])
    changed, items = await inbox.read_all(ANN, None)
    assert (changed, ids(items)) == (1, ["n1", "n2", "n3"])
    assert await inbox.unread(ANN) == UnreadCount(0, 5)


async def test_without_a_cursor_a_snapshot_has_what_was_never_shown(inbox):
    assert (await inbox.snapshot(ANN, None))[:4] == ((), (), 0, -1)
    await inbox.insert(ANN, [item(offset) for offset in range(1, 6)])
    await inbox.change(ANN, Change.SEEN, ["n1"])
    await inbox.change(ANN, Change.READ, ["n2"])
    await inbox.change(ANN, Change.ARCHIVED, ["n3"])
    await inbox.change(ANN, Change.DELETED, ["n5"])
    found = await inbox.snapshot(ANN, None)
    assert (ids(found.rows), found.changed, found.unread, found.end) == (["n4"], (), 2, 5)


async def test_with_a_cursor_a_snapshot_has_what_came_and_what_changed(inbox):
    await inbox.insert(ANN, [item(offset) for offset in range(1, 6)])
    await inbox.change(ANN, Change.READ, ["n1", "n4"])
    await inbox.change(ANN, Change.DELETED, ["n2", "n5"])
    before = await inbox.snapshot(ANN, None)
    found = await inbox.snapshot(ANN, Cursor(3, before.token))
    assert (ids(found.rows), ids(found.changed), found.unread, found.end) == (["n4"], ["n1", "n2"], 1, 5)
    later = await inbox.snapshot(ANN, Cursor(3, before.token + 3_600_000))
    assert (ids(later.rows), later.changed) == (["n4"], ())


async def test_a_snapshot_shows_that_there_is_more_than_it_holds(inbox):
    await inbox.insert(ANN, [item(offset) for offset in range(MAX_RESUME_ROWS + 10)])
    found = await inbox.snapshot(ANN, Cursor(-1, 1))
    assert ids(found.rows) == [f"n{offset}" for offset in range(MAX_RESUME_ROWS + 1)]
    assert found.unread == MAX_RESUME_ROWS + 10


async def test_what_the_twin_is_asked_to_fail_fails():
    inbox = MemoryInboxStore()
    inbox.outages.add(2)
    for call in (inbox.unread(ANN), inbox.snapshot(ANN, None)):
        with pytest.raises(MongoUnavailable):
            await call
    assert await inbox.unread(ANN) == UnreadCount(0, -1)


async def test_a_life_sees_nothing_of_another(inbox) -> None:
    successor = msgspec.structs.replace(ANN, life=1)
    await inbox.insert(ANN, [InboxItem(id="old", workflow="w", offset=1, created_at=1)])
    assert (await inbox.page(successor, ALL, limit=9, offset=0))[1] == 0
    assert await inbox.unread(successor) == UnreadCount(0, -1)
    assert await inbox.change(successor, Change.READ, ["old"]) == []
    assert (await inbox.snapshot(successor, None)).rows == ()
    await inbox.insert(successor, [InboxItem(id="new", workflow="w", offset=2, created_at=1)])
    assert [one.id for one in (await inbox.page(successor, ALL, limit=9, offset=0))[0]] == ["new"]
    assert [one.id for one in (await inbox.page(ANN, ALL, limit=9, offset=0))[0]] == ["old"]
