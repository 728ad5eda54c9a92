"""Rows whose time has come, in MongoDB: each is taken by one process, and kept as untold until it is told."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.gateway.inbox.store import InboxStore
from shared.model.inbox import Change, InboxItem
from shared.model.inbox_times import TimedChanges
from shared.model.timestamps import to_datetime
from shared.model.users import User
from shared.mongo import inbox_times
from shared.mongo.database import Database
from shared.mongo.inbox_rows import to_row
from shared.mongo.inbox_times import InboxTimes
from shared.mongo.indexes import INDEXES
from shared.mongo.leases import FREE
from shared.process.clock import now_ms
from tests.support.wait import until

pytestmark = pytest.mark.real
FUTURE = 4_000_000_000_000


class TimedRows:
    """An inbox collection with its indexes."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.rows: Any = database.inbox
        self.times = InboxTimes(database)
        self.impatient = InboxTimes(database, lease=timedelta(0))
        """Whose lease is over at once: as of a process that has died."""

    async def insert(self, offset: int, *, user: str = "ann", life: int = 0, **fields: Any) -> None:
        item = InboxItem(
            id=f"n{offset}", workflow="w", offset=offset, created_at=500, expires_at=fields.pop("expires_at", None)
        )
        row: dict[str, Any] = {**to_row(item, delivery=f"{user}:{offset}", tenant="t", user=user, life=life)}
        await self.rows.insert_one(row | {name: to_datetime(at) for name, at in fields.items()})


@pytest.fixture
async def timed(database: Database) -> TimedRows:
    await database.inbox.create_indexes(INDEXES["inbox"])
    return TimedRows(database)


def told(taken: TimedChanges) -> dict[tuple[str, int, str], tuple[list[str], int, int, int]]:
    return {
        (each.user, each.life, each.change): (
            [item.id for item in each.items], each.unread, each.counted_to, each.unseen,
        )
        for each in taken.changes
    }  # fmt: skip


async def test_what_is_due_is_changed_and_counted_for_each_inbox(timed: TimedRows) -> None:
    await timed.insert(1, expires_at=1_000)
    await timed.insert(2, snoozed_until=1_000)
    await timed.insert(3, expires_at=FUTURE)
    await timed.insert(4, snoozed_until=FUTURE)
    await timed.insert(5, expires_at=1_000, deleted_at=900)
    await timed.insert(6, seen_at=900)
    await timed.insert(7, user="bob", life=2, expires_at=1_000, snoozed_until=1_000)
    await timed.insert(8, user="bob", expires_at=FUTURE)
    before = now_ms()
    taken = await timed.times.take()
    assert told(taken) == {
        ("ann", 0, "expired"): (["n1"], 3, 6, 2),
        ("ann", 0, "unsnoozed"): (["n2"], 3, 6, 2),
        ("bob", 2, "expired"): (["n7"], 0, 7, 0),
    }
    assert not taken.more
    for each in taken.changes:
        for item in each.items:
            assert item.updated_at is not None
            assert item.updated_at >= before - 60_000
            assert item.snoozed_until is None
            assert (item.deleted_at == item.updated_at) is (each.change is Change.EXPIRED)
    await timed.times.done(taken)
    assert (await timed.times.take()).rows == ()
    assert await timed.rows.count_documents({"$or": [{"untold": {"$exists": True}}, {"token": {"$exists": True}}]}) == 0


async def test_what_was_not_told_is_taken_again_and_counts_as_changed_anew(timed: TimedRows) -> None:
    await timed.insert(1, expires_at=1_000)
    lost = await timed.impatient.take()

    async def again() -> TimedChanges | None:
        found = await timed.times.take()
        return found if found.rows else None

    taken = await until(again, what="the lease's end")
    assert told(taken) == told(lost)
    assert taken.changes[0].items[0].updated_at > lost.changes[0].items[0].updated_at
    assert taken.changes[0].items[0].deleted_at == lost.changes[0].items[0].deleted_at
    await timed.impatient.done(lost)
    assert await timed.rows.count_documents({"untold": {"$exists": True}}) == 1, "it is another's by now"
    await timed.times.done(taken)
    assert (await timed.times.take()).rows == ()


async def test_of_many_processes_one_tells_each(timed: TimedRows) -> None:
    for offset in range(40):
        await timed.insert(offset, user=f"u{offset % 7}", expires_at=1_000)
        await timed.insert(100 + offset, user=f"u{offset % 7}", snoozed_until=1_000)
    found = await asyncio.gather(*(InboxTimes(timed.database).take() for _ in range(6)))
    items = [(each.user, item.id) for taken in found for each in taken.changes for item in each.items]
    assert len(items) == len(set(items)) == 80


async def test_slices_are_bounded_and_say_that_there_is_more(timed: TimedRows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_times, "SLICE", 3)
    for offset in range(4):
        await timed.insert(offset, expires_at=1_000 + offset)
    first, second = await timed.times.take(), await timed.times.take()
    assert [(len(taken.rows), taken.more) for taken in (first, second)] == [(3, True), (1, False)]
    assert [item.id for item in first.changes[0].items] == ["n0", "n1", "n2"], "the oldest first"


async def test_a_user_who_was_erased_meanwhile_is_told_nothing(timed: TimedRows) -> None:
    await timed.insert(1, expires_at=1_000)
    await timed.impatient.take()
    await timed.rows.delete_many({})
    assert (await timed.times.take()).rows == ()


async def test_what_a_gateway_changed_is_taken_once_nobody_has_told_of_it_in_time(timed: TimedRows) -> None:
    """A later change of the same item is its own."""
    store, ann = InboxStore(timed.database), User(tenant="t", id="ann", expires_at=1e12)
    for offset in range(1, 4):
        await timed.insert(offset)
    for change, names, token in ((Change.READ, ["n1", "n2"], "a"), (Change.ARCHIVED, ["n2"], "b")):
        assert await store.change(ann, change, names, token=token)
    assert (await timed.times.take()).rows == (), "its gateway tells of it"
    await store.done(ann, "a")
    assert [row["_id"] async for row in timed.rows.find({"untold": {"$exists": True}})] == ["ann:2"]
    await timed.rows.update_many({"token": "b"}, {"$set": {"lease": FREE}})
    taken = await timed.times.take()
    assert told(taken) == {("ann", 0, "archived"): (["n2"], 1, 3, 1)}
    await store.done(ann, "b")  # it lives after all, and is late
    assert await timed.rows.count_documents({"untold": {"$exists": True}}) == 1
    await timed.times.done(taken)
    assert await store.read_all(ann, None, token="c") == 1
    await timed.rows.update_many({"token": "c"}, {"$set": {"lease": FREE}})
    assert told(await timed.times.take()) == {("ann", 0, "read"): (["n3"], 0, 3, 0)}


@pytest.mark.parametrize(
    ("where", "index"),
    [
        ({"expires_at": {"$lte": to_datetime(2_000)}, "deleted_at": None}, "expires_at_1"),
        ({"snoozed_until": {"$lte": to_datetime(2_000)}, "deleted_at": None}, "snoozed_until_1"),
        ({"untold": {"$exists": True}, "lease": {"$lt": to_datetime(2_000)}}, "lease_1"),
    ],
)
async def test_looking_costs_what_is_due_and_no_more(timed: TimedRows, where: dict[str, Any], index: str) -> None:
    for offset in range(30):
        await timed.insert(offset)
        await timed.insert(100 + offset, expires_at=1_000, snoozed_until=1_000, deleted_at=900)
    told = await timed.rows.find(where, {"_id": 1}).sort(index.removesuffix("_1"), 1).limit(100).explain()
    assert index in str(told["queryPlanner"]["winningPlan"])
    assert told["executionStats"]["totalDocsExamined"] == 0
