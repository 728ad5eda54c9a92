"""A user's inbox as the gateway reads and changes it."""

from __future__ import annotations

import msgspec
import pytest

from services.gateway.core.as_of import AsOf
from services.gateway.core.limits import MAX_EVENT_ITEMS, MAX_PAGE_BYTES, MAX_RESUME_BYTES, MAX_RESUME_ROWS
from services.gateway.inbox.filters import InboxFilter, TypeFilter
from services.gateway.inbox.store import ItemCounts, UnreadCount
from services.gateway.live.core.cursor import Cursor
from shared.model.errors import MongoUnavailable
from shared.model.inbox import Change, InboxItem
from shared.model.users import User
from tests.support.twins.inbox_store import MemoryInboxStore

ANN = User(tenant="default", id="ann", expires_at=1e12)
OTHERS = (User(tenant="default", id="bob", expires_at=1e12), User(tenant="other", id="ann", expires_at=1e12))
ALL = InboxFilter()


def item(offset: int, *, body: str = "", **named: str | None) -> InboxItem:
    """`named`: its `type` and `workflow`."""
    fields = {"type": "new_message", "workflow": "chat.new_message"} | named
    return InboxItem(
        id=f"n{offset}", offset=offset, created_at=1_000, body=body, data=msgspec.Raw(b'{"n":1}'), **fields
    )


def ids(items) -> list[str]:
    return [found.id for found in items]


async def test_pages_are_newest_first_and_only_the_users(inbox):
    await inbox.insert(ANN, [item(1), item(2), item(3)])
    for other in OTHERS:
        await inbox.insert(other, [item(9)])
    found = await inbox.page(ANN, ALL, limit=2)
    assert (ids(found.items), found.counts.total, found.more) == (["n3", "n2"], 3, True)
    assert found.items[0] == item(3)
    found = await inbox.page(ANN, ALL, limit=2, offset=2)
    assert (ids(found.items), found.counts.total, found.more) == (["n1"], 3, False)
    assert (await inbox.page(ANN, ALL, limit=2, offset=9)).items == []


async def test_pages_by_cursor_show_each_once_whatever_arrives_or_goes(inbox):
    await inbox.insert(ANN, [item(offset) for offset in range(1, 7)])
    first = await inbox.page(ANN, ALL, limit=2)
    await inbox.insert(ANN, [item(7)])
    await inbox.change(ANN, Change.DELETED, ["n6"])
    second = await inbox.page(ANN, ALL, limit=2, below=first.items[-1].offset)
    await inbox.change(ANN, Change.DELETED, ["n2"])
    third = await inbox.page(ANN, ALL, limit=2, below=second.items[-1].offset)
    assert [ids(page.items) for page in (first, second, third)] == [["n6", "n5"], ["n4", "n3"], ["n1"]]
    assert [page.more for page in (first, second, third)] == [True, True, False]
    assert (await inbox.page(ANN, ALL, limit=2, below=1)).items == []


async def test_a_page_ends_before_it_is_too_large(inbox):
    large = MAX_PAGE_BYTES // 2 - 1_000
    await inbox.insert(
        ANN, [item(1), item(2, body="x" * 2 * MAX_PAGE_BYTES), *(item(n, body="x" * large) for n in (3, 4, 5))]
    )
    shown, below = [], None
    while True:
        page = await inbox.page(ANN, ALL, limit=10, below=below)
        shown.append(ids(page.items))
        if not page.more:
            break
        below = page.items[-1].offset
    assert shown == [["n5", "n4"], ["n3"], ["n2"], ["n1"]]


async def test_a_count_says_how_new_it_is(inbox):
    assert await inbox.counts(ANN, [ALL]) == ([ItemCounts(0, 0, 0)], AsOf(-1, 0))
    await inbox.insert(ANN, [item(1), item(2)])
    _, before = await inbox.counts(ANN, [ALL])
    await inbox.change(ANN, Change.READ, ["n2"])
    [unread], after = await inbox.counts(ANN, [InboxFilter(unread_only=True)])
    page = await inbox.page(ANN, ALL, limit=1)
    assert unread == ItemCounts(1, 1, 1)
    assert before.offset == after.offset == page.as_of.offset == 2
    assert 0 < before.at <= after.at <= page.as_of.at
    await inbox.insert(ANN, [item(3)])
    assert (await inbox.counts(ANN, [ALL]))[1] > page.as_of


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
        found = await inbox.page(ANN, where, limit=10)
        [counted], _ = await inbox.counts(ANN, [where])
        assert (ids(found.items), found.counts.total, counted.total) == (expected, len(expected), len(expected))


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


async def test_what_is_undone_is_counted_once_and_only_if_it_was_done(inbox):
    await inbox.insert(ANN, [item(1)])
    for change, undo, times, stamp in (
        (Change.READ, Change.UNREAD, "unread_times", "read_at"),
        (Change.ARCHIVED, Change.UNARCHIVED, "unarchived_times", "archived_at"),
    ):
        [vain] = await inbox.change(ANN, undo, ["n1"])
        assert getattr(vain, times) == 0
        for round_ in (1, 2):
            for _ in range(2):
                [done] = await inbox.change(ANN, change, ["n1"])
                assert (getattr(done, times), getattr(done, stamp) is None) == (round_ - 1, False)
            for _ in range(2):
                [undone] = await inbox.change(ANN, undo, ["n1"])
                assert (getattr(undone, times), getattr(undone, stamp)) == (round_, None)
    assert (await inbox.unread(ANN)).unread == 1


async def test_the_unread_count_ends_at_the_newest_row(inbox):
    assert await inbox.unread(ANN) == UnreadCount(0, -1, 0)
    await inbox.insert(ANN, [item(offset) for offset in range(5)])
    await inbox.change(ANN, Change.READ, ["n0"])
    await inbox.change(ANN, Change.ARCHIVED, ["n1"])
    await inbox.change(ANN, Change.DELETED, ["n4"])
    await inbox.change(ANN, Change.SEEN, ["n3"])
    assert await inbox.unread(ANN) == UnreadCount(2, 4, 1)


async def test_read_all_counts_what_became_read_and_repeats_what_was_read_lately(inbox):
    await inbox.insert(ANN, [item(1), item(2, type="friend_request"), item(3), item(4), item(5)])
    await inbox.change(ANN, Change.ARCHIVED, ["n4"])
    await inbox.change(ANN, Change.DELETED, ["n5"])
    messages = TypeFilter("new_message")
    for expected in (2, 0):
        assert await inbox.read_all(ANN, messages) == expected
        assert [ids(page) async for page in inbox.read_lately(ANN, messages)] == [["n1", "n3"]]
    assert await inbox.read_all(ANN, None) == 1
    assert [ids(page) async for page in inbox.read_lately(ANN, None)] == [["n1", "n2", "n3"]]
    assert await inbox.unread(ANN) == UnreadCount(0, 5, 0)


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
    assert (before.unseen, found.unseen) == (1, 1)
    assert (ids(found.rows), ids(found.changed), found.unread, found.end) == (["n4"], ["n1", "n2", "n5"], 1, 5), (
        "of n5, too: the client may have it by HTTP"
    )
    later = await inbox.snapshot(ANN, Cursor(3, before.token + 3_600_000))
    assert (ids(later.rows), later.changed) == (["n4"], ())


async def test_what_was_read_lately_comes_in_pages(inbox):
    await inbox.insert(ANN, [item(offset) for offset in range(2 * MAX_EVENT_ITEMS + 1)])
    await inbox.read_all(ANN, None)
    pages = [ids(page) async for page in inbox.read_lately(ANN, None)]
    assert [len(page) for page in pages] == [MAX_EVENT_ITEMS, MAX_EVENT_ITEMS, 1]
    assert [one for page in pages for one in page] == [f"n{offset}" for offset in range(2 * MAX_EVENT_ITEMS + 1)]


async def test_a_snapshot_of_too_many_holds_none(inbox):
    await inbox.insert(ANN, [item(offset) for offset in range(MAX_RESUME_ROWS + 1)])
    found = await inbox.snapshot(ANN, Cursor(0, 1))
    assert (len(found.rows), found.too_many) == (MAX_RESUME_ROWS, False)
    found = await inbox.snapshot(ANN, Cursor(-1, 1))
    assert (found.rows, found.changed, found.too_many, found.unread) == ((), (), True, MAX_RESUME_ROWS + 1)
    await inbox.read_all(ANN, None)
    before = await inbox.snapshot(ANN, None)
    found = await inbox.snapshot(ANN, Cursor(MAX_RESUME_ROWS, before.token))
    assert (found.rows, found.changed, found.too_many) == ((), (), True)


async def test_a_snapshot_of_too_much_holds_none(inbox):
    half = "x" * (MAX_RESUME_BYTES // 2 - 1_000)
    await inbox.insert(ANN, [item(offset, body=half) for offset in (1, 2)])
    assert ids((await inbox.snapshot(ANN, None)).rows) == ["n1", "n2"]
    await inbox.insert(ANN, [item(3, body=half)])
    found = await inbox.snapshot(ANN, None)
    assert (found.rows, found.too_many, found.end) == ((), True, 3)


async def test_what_the_twin_is_asked_to_fail_fails():
    inbox = MemoryInboxStore()
    inbox.outages.add(2)
    for call in (inbox.unread(ANN), inbox.snapshot(ANN, None)):
        with pytest.raises(MongoUnavailable):
            await call
    assert await inbox.unread(ANN) == UnreadCount(0, -1, 0)


async def test_of_one_notifications_items_only_those_that_are_named_change(inbox):
    second = msgspec.structs.replace(item(2), id="d2", notification="n1")
    await inbox.insert(ANN, [item(1), second, item(3)])
    await inbox.insert(OTHERS[0], [msgspec.structs.replace(item(4), id="d4", notification="n3")])
    assert ids(await inbox.change(ANN, Change.READ, ["n1", "d4"])) == ["n1"]
    assert ids(await inbox.change(ANN, Change.SEEN, ["d2", "n3", "d1"])) == ["d2", "n3"]
    found = await inbox.page(ANN, ALL, limit=9)
    assert [(each.id, each.notification, each.read_at is None) for each in found.items] == [
        ("n3", None, True), ("d2", "n1", True), ("n1", None, False),
    ]  # fmt: skip
    assert (await inbox.snapshot(ANN, Cursor(1, 0))).rows[0].notification == "n1"
