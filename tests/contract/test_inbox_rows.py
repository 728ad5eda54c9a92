"""Inbox rows: the first insert wins, and what was there before comes back as it was announced."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.model.inbox import InboxItem
from shared.model.inbox_replacements import InboxReplacement
from shared.model.timestamps import to_datetime
from shared.mongo.inbox_writing import InboxRows, NewInboxRow
from tests.support import samples as a
from tests.support.twins.inbox_rows import MemoryInboxRows


class RealInboxRows(InboxRows):
    """With the gateway's part."""

    async def mark_read(self, delivery: str, at: int) -> None:
        changed = {"read_at": to_datetime(at), "changed_at": to_datetime(at)}
        await self._rows.update_one({"_id": delivery}, {"$set": changed})

    async def archive(self, delivery: str, at: int) -> None:
        changed = {"archived_at": to_datetime(at), "changed_at": to_datetime(at)}
        await self._rows.update_one({"_id": delivery}, {"$set": changed})

    async def mark_seen(self, delivery: str, at: int) -> None:
        await self._rows.update_one({"_id": delivery}, {"$set": {"seen_at": to_datetime(at)}})


@pytest.fixture
def rows(implementation: str, request: pytest.FixtureRequest) -> Any:
    return MemoryInboxRows() if implementation == "twin" else RealInboxRows(request.getfixturevalue("database"))


def row(delivery: str, offset: int = 7) -> NewInboxRow:
    item = InboxItem(
        id=f"n-{delivery}", workflow="order.shipped", offset=offset, created_at=a.NOON, title="Order A7", body="Ünïcode",
        type="order", url="/orders/A7", data=msgspec.Raw(b'{"order":"A7"}'), actor="bob",
    )  # fmt: skip
    return NewInboxRow(delivery, "acme", "ada", item)


async def test_what_is_new_was_not_there_before(rows: Any) -> None:
    assert await rows.insert([row("a"), row("b")]) == {}
    assert await rows.insert([]) == {}


async def test_a_replay_gets_the_first_offset(rows: Any) -> None:
    await rows.insert([row("a", offset=7)])
    assert await rows.insert([row("a", offset=9), row("b", offset=10)]) == {"a": row("a", offset=7).item}
    assert await rows.find(["a", "b"]) == {"a": row("a", offset=7).item, "b": row("b", offset=10).item}


async def test_the_same_delivery_twice_in_one_bulk_is_one_row(rows: Any) -> None:
    assert await rows.insert([row("a", offset=7), row("a", offset=8)]) == {"a": row("a", offset=7).item}


async def test_what_its_user_did_since_is_not_announced_again(rows: Any) -> None:
    await rows.insert([row("a")])
    await rows.mark_read("a", a.NOON + 5)
    assert await rows.find(["a"]) == {"a": row("a").item}
    assert await rows.insert([row("a", offset=9)]) == {"a": row("a").item}


async def test_the_unknown_is_left_out(rows: Any) -> None:
    assert await rows.find(["nobody"]) == {}
    assert await rows.find([]) == {}


async def test_only_the_rows_of_earlier_lives_are_erased(rows: Any) -> None:
    await rows.insert([row("a"), row("b")._replace(life=1), row("c")._replace(life=2), row("d")._replace(user="bob")])
    for _ in range(2):
        await rows.erase("acme", "ada", 2)
        assert (await rows.find("abcd")).keys() == {"c", "d"}


def of(notification: str, **more: Any) -> Any:
    return a.notification(id=notification, **more)


async def test_of_a_notifications_items_one_has_its_id(rows: Any) -> None:
    first = row("a")
    second = msgspec.structs.replace(first.item, id="b", notification="n-a", offset=8)
    await rows.insert([first, row("b")._replace(item=second)])
    assert await rows.first_items([of("n-a"), of("n-b")]) == {"n-a": "a"}
    assert await rows.find(["a", "b"]) == {"a": first.item, "b": second}
    assert await rows.first_items([]) == {}
    await rows.insert([row("c")._replace(item=msgspec.structs.replace(second, id="c", notification="n-d"))])
    assert await rows.first_items([of("n-d")]) == {}, "the first one has yet to come"
    for other in (of("n-a", life=1), of("n-a", user="bob"), of("n-a", tenant="other")):
        assert await rows.first_items([other]) == {}


async def test_what_names_a_notification_takes_all_of_its_items(rows: Any) -> None:
    first = row("a")
    second = msgspec.structs.replace(first.item, id="b", notification="n-a", offset=8)
    await rows.insert([first, row("b")._replace(item=second), row("c", offset=9)])
    (removal,) = await rows.replace([InboxReplacement("acme", "ada", 0, "n-c", "n-a")])
    assert ([item.id for item, _ in removal.items], removal.unread) == (["n-a", "b"], 1)
