"""A newer item takes the place of an unread one: deleted once, told as often as it is asked, read ones stay."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.model.inbox import InboxItem
from shared.model.inbox_replacements import InboxRemoval, InboxReplacement
from shared.mongo.inbox_writing import NewInboxRow
from tests.contract.test_inbox_rows import RealInboxRows
from tests.support import samples as a
from tests.support.twins.inbox_rows import MemoryInboxRows


@pytest.fixture
def rows(implementation: str, request: pytest.FixtureRequest) -> Any:
    return MemoryInboxRows() if implementation == "twin" else RealInboxRows(request.getfixturevalue("database"))


def row(name: str, offset: int, *, user: str = "ada", life: int = 0) -> NewInboxRow:
    item = InboxItem(id=f"n-{name}", workflow="order.shipped", offset=offset, created_at=a.NOON, title="Order")
    return NewInboxRow(f"{user}-{name}", "acme", user, item, life, "notify")


def by(new: str, old: str, *, user: str = "ada", life: int = 0, **more: bool) -> InboxReplacement:
    return InboxReplacement("acme", user, life, f"n-{new}", f"n-{old}", **more)


def told(removals: list[InboxRemoval]) -> dict[str, Any]:
    """By user: what is gone and by what, the count, and up to where."""
    assert all(
        item.deleted_at is not None and item.deleted_at == item.updated_at for r in removals for item, _ in r.items
    )
    return {r.user: ([(item.id, to) for item, to in r.items], r.unread, r.counted_to) for r in removals}


async def test_an_unread_one_gives_way(rows: Any) -> None:
    await rows.insert([row("a", 1), row("x", 2), row("b", 3)])
    assert told(await rows.replace([by("b", "a")])) == {"ada": ([("n-a", "n-b")], 2, 3)}


async def test_what_is_left_is_counted_the_unseen_beside_the_unread(rows: Any) -> None:
    await rows.insert([row("a", 1), row("x", 2), row("b", 3)])
    await rows.mark_seen("ada-x", a.NOON + 1)
    (removal,) = await rows.replace([by("b", "a")])
    assert (removal.unread, removal.unseen) == (2, 1)


async def test_a_digest_stays_for_it_has_others_in_it(rows: Any) -> None:
    first = row("a", 1)
    digest = first._replace(item=msgspec.structs.replace(first.item, digest_count=2))
    await rows.insert([digest, row("b", 2)])
    assert await rows.replace([by("b", "a")]) == []


async def test_what_is_repeated_is_told_again_as_it_was(rows: Any) -> None:
    await rows.insert([row("a", 1), row("b", 2)])
    first = await rows.replace([by("b", "a")])
    await rows.insert([row("c", 5)])
    again = await rows.replace([by("b", "a")])
    assert again[0].items == first[0].items
    assert told(again) == {"ada": ([("n-a", "n-b")], 2, 5)}


async def test_a_read_one_stays(rows: Any) -> None:
    await rows.insert([row("a", 1), row("b", 2)])
    await rows.mark_read("ada-a", a.NOON + 1)
    assert await rows.replace([by("b", "a")]) == []


async def test_one_that_is_named_goes_though_it_is_read_unless_its_user_put_it_away(rows: Any) -> None:
    await rows.insert([row("a", 1), row("x", 2), row("b", 3)])
    for name in ("a", "x"):
        await rows.mark_read(f"ada-{name}", a.NOON + 1)
    await rows.archive("ada-x", a.NOON + 2)
    assert told(await rows.replace([by("b", "a", named=True), by("b", "x", named=True)])) == {
        "ada": ([("n-a", "n-b")], 1, 3)
    }
    assert told(await rows.replace([by("b", "a", named=True)])) == {"ada": ([("n-a", "n-b")], 1, 3)}


async def test_a_digest_stays_though_it_is_named(rows: Any) -> None:
    first = row("a", 1)
    await rows.insert([first._replace(item=msgspec.structs.replace(first.item, digest_count=2)), row("b", 2)])
    assert await rows.replace([by("b", "a", named=True)]) == []


@pytest.mark.parametrize("test", [False, True])
async def test_tests_name_tests_and_nobody_else_does(rows: Any, test: bool) -> None:
    await rows.insert([row("a", 1)._replace(test=not test), row("b", 2), row("c", 3)._replace(test=test)])
    assert await rows.replace([by("b", "a", named=True, test=test)]) == []
    assert told(await rows.replace([by("b", "c", named=True, test=test)])) == {"ada": ([("n-c", "n-b")], 2, 3)}


async def test_what_something_else_replaced_is_not_told_twice(rows: Any) -> None:
    await rows.insert([row("a", 1), row("b", 2), row("c", 3)])
    await rows.replace([by("b", "a")])
    assert told(await rows.replace([by("c", "a"), by("c", "b")])) == {"ada": ([("n-b", "n-c")], 1, 3)}


async def test_a_chain_in_one_bulk_leaves_the_last(rows: Any) -> None:
    await rows.insert([row("a", 1), row("b", 2), row("c", 3)])
    expected = {"ada": ([("n-a", "n-b"), ("n-b", "n-c")], 1, 3)}
    assert told(await rows.replace([by("b", "a"), by("c", "b")])) == expected


async def test_users_and_lives_do_not_meet(rows: Any) -> None:
    same = [row("a", 1), row("a", 2, user="bob"), row("b", 3), row("b", 4, user="bob"), row("z", 9, life=2)]
    await rows.insert(same)
    assert await rows.replace([by("b", "a", life=2), by("b", "a", user="eve")]) == []
    found = told(await rows.replace([by("b", "a"), by("b", "a", user="bob")]))
    assert found == {"ada": ([("n-a", "n-b")], 1, 3), "bob": ([("n-a", "n-b")], 1, 4)}


async def test_nothing_to_replace_asks_nothing(rows: Any) -> None:
    assert await rows.replace([]) == []
    await rows.insert([row("b", 1)])
    assert await rows.replace([by("b", "gone")]) == []
