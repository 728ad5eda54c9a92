"""What is over is nowhere, what is snoozed is in its own list alone until it is back: by the reader's own clock."""

from __future__ import annotations

from typing import Any

import pytest

from services.gateway.inbox.filters import InboxFilter
from services.gateway.inbox.store import ItemCounts, UnreadCount
from services.gateway.live.core.cursor import Cursor
from shared.model.inbox import Change, InboxItem
from shared.model.users import User

ANN = User(tenant="default", id="ann", expires_at=1e12)
PAST, FUTURE = 1_000, 4_000_000_000_000
ALL, SNOOZED = InboxFilter(), InboxFilter(snoozed=True)
LATER = FUTURE + 1


def item(offset: int, expires_at: int | None = None) -> InboxItem:
    return InboxItem(
        id=f"n{offset}", workflow="w", type="t", title="word", offset=offset, created_at=500, expires_at=expires_at
    )


def ids(items: Any) -> list[str]:
    return [found.id for found in items]


@pytest.mark.parametrize("where", [ALL, InboxFilter(unread_only=True), InboxFilter(words=("word",))])
async def test_what_is_over_is_in_no_list_and_no_count(inbox: Any, where: InboxFilter) -> None:
    await inbox.insert(ANN, [item(1, FUTURE), item(2), item(3, PAST)])
    page = await inbox.page(ANN, where, limit=10)
    assert (ids(page.items), page.counts) == (["n2", "n1"], ItemCounts(2, 2, 2))
    assert page.items[1].expires_at == FUTURE
    assert (await inbox.counts(ANN, [where]))[0] == [ItemCounts(2, 2, 2)]
    assert await inbox.unread(ANN) == UnreadCount(2, 3, 2)


@pytest.mark.parametrize("since", [None, Cursor(0, 1)])
async def test_who_connects_later_is_not_shown_what_is_over(inbox: Any, since: Cursor | None) -> None:
    await inbox.insert(ANN, [item(1, FUTURE), item(2, PAST)])
    found = await inbox.snapshot(ANN, since)
    assert (ids(found.rows), found.unread, found.end) == (["n1"], 1, 2)


async def test_what_is_over_can_only_be_deleted(inbox: Any) -> None:
    await inbox.insert(ANN, [item(1, PAST)])
    for change in (Change.READ, Change.SEEN, Change.ARCHIVED, Change.UNSNOOZED):
        assert await inbox.change(ANN, change, ["n1"]) == []
    assert await inbox.change(ANN, Change.SNOOZED, ["n1"], FUTURE) == []
    assert await inbox.read_all(ANN, None) == 0
    assert ids(await inbox.change(ANN, Change.DELETED, ["n1"])) == ["n1"]


async def test_what_is_snoozed_is_in_its_own_list_alone(inbox: Any) -> None:
    await inbox.insert(ANN, [item(1), item(2), item(3)])
    await inbox.change(ANN, Change.READ, ["n1"])
    await inbox.change(ANN, Change.ARCHIVED, ["n2"])
    before = await inbox.snapshot(ANN, None)
    for snoozed in await inbox.change(ANN, Change.SNOOZED, ["n1", "n2"], FUTURE):
        assert snoozed.snoozed_until == FUTURE
        assert (snoozed.read_at, snoozed.seen_at, snoozed.archived_at) == (None, None, None)
    assert ids((await inbox.page(ANN, ALL, limit=9)).items) == ["n3"]
    assert ids((await inbox.page(ANN, InboxFilter(archived=True), limit=9)).items) == []
    assert ids((await inbox.page(ANN, SNOOZED, limit=9)).items) == ["n2", "n1"]
    assert (await inbox.counts(ANN, [ALL, SNOOZED]))[0] == [ItemCounts(1, 1, 1), ItemCounts(2, 2, 2)]
    assert await inbox.unread(ANN) == UnreadCount(1, 3, 1)
    assert ids((await inbox.snapshot(ANN, None)).rows) == ["n3"]
    resumed = await inbox.snapshot(ANN, Cursor(1, before.token))
    assert (ids(resumed.rows), ids(resumed.changed)) == (["n2", "n3"], ["n1"])
    assert (resumed.rows[0].snoozed_until, resumed.changed[0].snoozed_until) == (FUTURE, FUTURE)


async def test_what_was_snoozed_until_now_is_back_unread_and_unseen(inbox: Any) -> None:
    await inbox.insert(ANN, [item(1)])
    await inbox.change(ANN, Change.READ, ["n1"])
    await inbox.change(ANN, Change.SNOOZED, ["n1"], PAST)
    assert (await inbox.page(ANN, ALL, limit=9)).counts == ItemCounts(1, 1, 1)
    assert (await inbox.page(ANN, SNOOZED, limit=9)).items == []
    assert await inbox.unread(ANN) == UnreadCount(1, 1, 1)
    assert ids((await inbox.snapshot(ANN, None)).rows) == ["n1"]


@pytest.mark.parametrize("change", [Change.READ, Change.ARCHIVED, Change.DELETED, Change.UNSNOOZED])
async def test_whoever_deals_with_it_ends_the_snooze(inbox: Any, change: Change) -> None:
    await inbox.insert(ANN, [item(1)])
    await inbox.change(ANN, Change.SNOOZED, ["n1"], FUTURE)
    [found] = await inbox.change(ANN, change, ["n1"])
    assert found.snoozed_until is None
    assert (found.read_at is None) is (change is not Change.READ)
    assert (await inbox.page(ANN, SNOOZED, limit=9)).items == []


async def test_looking_at_what_is_snoozed_or_reading_all_leaves_it(inbox: Any) -> None:
    await inbox.insert(ANN, [item(1), item(2)])
    await inbox.change(ANN, Change.SNOOZED, ["n1"], FUTURE)
    [found] = await inbox.change(ANN, Change.SEEN, ["n1"])
    assert (found.seen_at, found.snoozed_until) == (None, FUTURE)
    assert await inbox.read_all(ANN, None) == 1
    assert (await inbox.counts(ANN, [SNOOZED]))[0] == [ItemCounts(1, 1, 1)]


async def test_snoozes_are_counted_by_their_times(inbox: Any) -> None:
    await inbox.insert(ANN, [item(1)])
    await inbox.change(ANN, Change.READ, ["n1"])
    counted = []
    for until in (FUTURE, FUTURE, LATER, None, FUTURE):
        change = Change.UNSNOOZED if until is None else Change.SNOOZED
        [found] = await inbox.change(ANN, change, ["n1"], until)
        counted.append(found.snoozed_times)
    assert (counted, found.unread_times) == ([1, 1, 2, 2, 3], 1)
