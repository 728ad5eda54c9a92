"""Receipts of inbox rows: the first mark wins, of the right users and lives, and what is not told is found."""

from __future__ import annotations

from typing import Any

import pytest

from shared.model.inbox import InboxItem
from shared.model.inbox_receipts import CaughtUp, InboxOwner
from shared.model.statuses import Subject
from shared.model.timestamps import to_datetime
from shared.mongo.database import Database
from shared.mongo.inbox_receipts import InboxReceipts
from shared.mongo.inbox_writing import InboxRows, NewInboxRow
from shared.process.clock import now_ms
from tests.support import samples as a
from tests.support.twins.inbox_receipts import MemoryInboxReceipts

ADA = "acme:ada"


class RealInboxReceipts(InboxReceipts):
    """With what the in_app channel does."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.insert = InboxRows(database).insert

    async def delete(self, delivery: str) -> None:
        """As the gateway would."""
        await self._rows.update_one({"_id": delivery}, {"$set": {"deleted_at": to_datetime(a.NOON)}})


@pytest.fixture
def rows(implementation: str, request: pytest.FixtureRequest) -> Any:
    if implementation == "twin":
        return MemoryInboxReceipts()
    return RealInboxReceipts(request.getfixturevalue("database"))


def row(delivery: str, offset: int, *, asked: bool = True, **fields: Any) -> NewInboxRow:
    item = InboxItem(id=f"n-{delivery}", workflow="order.shipped", offset=offset, created_at=a.NOON)
    about = Subject(delivery, 1, 2) if asked else None
    return NewInboxRow(delivery, "acme", "ada", item, step="show", receipt=about)._replace(**fields)


def named(items: list[Any]) -> list[str]:
    return sorted(item.subject.id for item in items)


async def test_what_reached_a_socket_is_marked_once(rows: Any) -> None:
    await rows.insert([row("a", 1, variant="loud", locale="de"), row("b", 2), row("c", 3, asked=False)])
    (item,) = await rows.reach("1", {"a": ADA, "c": ADA, "unknown": ADA}, {})
    assert item._replace(at=0) == (Subject("a", 1, 2), "acme", "ada", "n-a", "order.shipped", "show", 0, "loud", "de")
    assert item.at > 0
    assert await rows.reach("1", {"a": ADA}, {}) in ([item], []), "repeated"
    assert named(await rows.reach("2", {"a": ADA, "b": ADA}, {})) == ["b"]
    await rows.done(["a", "b"])
    assert await rows.reach("3", {"a": ADA, "b": ADA}, {}) == []


async def test_nobody_marks_what_is_another_users(rows: Any) -> None:
    await rows.insert([row("a", 1), row("b", 2, user="bob")])
    assert named(await rows.reach("1", {"a": "acme:eve", "b": "other:bob"}, {})) == []
    assert named(await rows.reach("2", {"a": ADA, "b": "acme:bob"}, {})) == ["a", "b"]


async def test_what_clients_have_had(rows: Any) -> None:
    await rows.insert(
        [
            *(row(f"a{offset}", offset) for offset in range(1, 8)),
            row("gone", 3),
            row("next life", 2, life=1),
            row("bob's", 2, user="bob"),
            row("other", 2, tenant="other"),
            row("not asked", 2, asked=False),
        ]
    )
    await rows.delete("gone")
    assert await rows.reach("0", {}, {}) == []
    caught_up = {InboxOwner(ADA, 0): CaughtUp(2, frozenset({4, 6})), InboxOwner("acme:bob", 0): CaughtUp(1)}
    assert named(await rows.reach("1", {"a7": ADA}, caught_up)) == ["a1", "a2", "a4", "a6", "a7"]
    assert named(await rows.reach("2", {}, {InboxOwner(ADA, 0): CaughtUp(9)})) == ["a3", "a5"]
    assert named(await rows.reach("3", {}, {InboxOwner(ADA, 1): CaughtUp(9)})) == ["next life"]


async def test_what_is_marked_and_not_told_is_found(rows: Any) -> None:
    await rows.insert([row("a", 1), row("b", 2), row("c", 3)])
    marked = await rows.reach("1", {"a": ADA, "b": ADA}, {})
    assert await rows.undone(60, 10) == []
    assert sorted(await rows.undone(-1, 10)) == sorted(marked)
    assert len(await rows.undone(-1, 1)) == 1
    await rows.done(["a"])
    assert named(await rows.undone(-1, 10)) == ["b"]


@pytest.mark.real
async def test_what_is_over_was_had_by_nobody_who_came_later(database: Database) -> None:
    await InboxRows(database).insert([row("over", 1), row("to come", 2), row("never", 3)])
    for delivery, ago in (("over", -1), ("to come", a.DAY)):
        at = {"expires_at": to_datetime(now_ms() + ago)}
        await database.inbox.update_one({"_id": delivery}, {"$set": at})
    found = await InboxReceipts(database).reach("1", {}, {InboxOwner(ADA, 0): CaughtUp(9)})
    assert named(found) == ["never", "to come"]


@pytest.mark.real
async def test_a_row_that_nobody_asks_about_has_nothing_of_it(database: Database) -> None:
    await InboxRows(database).insert([row("a", 1), row("b", 2, asked=False)])
    receipts = InboxReceipts(database)
    await receipts.done([item.subject.id for item in await receipts.reach("1", {"a": ADA, "b": ADA}, {})])
    asked, other = [found async for found in database.inbox.find({}).sort("offset", 1)]
    assert asked["receipt"] == {"generation": 1, "pass": 2}
    assert asked["delivered_at"] is not None
    assert "receipt" not in other
    assert "delivered_at" not in other
