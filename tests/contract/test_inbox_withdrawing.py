"""What is withdrawn leaves inboxes, read or not: what was accepted before alone, told as often as it is asked."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.model.inbox import InboxItem
from shared.model.withdrawals import InboxWithdrawal, Withdrawal
from shared.mongo import inbox_withdrawing
from shared.mongo.inbox_writing import NewInboxRow
from tests.contract.test_inbox_replacing import by, told
from tests.contract.test_inbox_rows import RealInboxRows
from tests.support import samples as a
from tests.support.twins.inbox_rows import MemoryInboxRows


@pytest.fixture
def rows(implementation: str, request: pytest.FixtureRequest) -> Any:
    return MemoryInboxRows() if implementation == "twin" else RealInboxRows(request.getfixturevalue("database"))


def row(
    name: str, offset: int, count: int = 0, *, key: str | None = "k", user: str = "ada", **more: Any
) -> NewInboxRow:
    item = InboxItem(id=f"n-{name}", workflow="order.shipped", offset=offset, created_at=a.NOON, title="Order")
    return NewInboxRow(
        f"{user}-{name}", more.get("tenant", "acme"), user, item, more.get("life", 0), "notify", key, count
    )


def what(count: int = 1) -> Withdrawal:
    return Withdrawal(cancellation_key="k", count=count)


def of(count: int = 1, *, user: str = "ada", life: int = 0, delivery: str | None = None) -> InboxWithdrawal:
    return InboxWithdrawal("acme", user, life, what(count), delivery)


async def test_all_that_was_accepted_before_goes_whatever_became_of_it(rows: Any) -> None:
    await rows.insert(
        [row("new", 1), row("read", 2), row("later", 3, 1), row("other", 4, key="o"), row("none", 5, key=None)]
    )
    await rows.mark_read("ada-read", a.NOON + 1)
    assert told(await rows.withdraw([of()])) == {"ada": ([("n-new", None), ("n-read", None)], 3, 5)}


async def test_what_is_repeated_is_told_again_as_it_was(rows: Any) -> None:
    await rows.insert([row("a", 1)])
    first = await rows.withdraw([of()])
    await rows.insert([row("b", 2, 1)])
    again = await rows.withdraw([of()])
    assert again[0].items == first[0].items
    assert told(again) == {"ada": ([("n-a", None)], 1, 2)}


async def test_an_earlier_cancels_items_are_not_told_again(rows: Any) -> None:
    await rows.insert([row("a", 1), row("b", 2, 1)])
    await rows.withdraw([of(1)])
    assert told(await rows.withdraw([of(2)])) == {"ada": ([("n-b", None)], 0, 2)}


async def test_one_that_is_met_alone_is_told_whichever_cancel_took_it_out(rows: Any) -> None:
    await rows.insert([row("a", 1), row("b", 2)])
    assert told(await rows.withdraw([of(1, delivery="ada-a")])) == {"ada": ([("n-a", None)], 1, 2)}
    assert told(await rows.withdraw([of(3, delivery="ada-a")])) == {"ada": ([("n-a", None)], 1, 2)}
    assert await rows.withdraw([of(1, delivery="ada-else")]) == []


async def test_what_something_newer_replaced_stays_replaced(rows: Any) -> None:
    await rows.insert([row("a", 1), row("b", 2, 1)])
    await rows.replace([by("b", "a")])
    assert await rows.withdraw([of()]) == []


async def test_a_digest_stays_for_it_has_others_in_it(rows: Any) -> None:
    first = row("a", 1)
    await rows.insert([first._replace(item=msgspec.structs.replace(first.item, digest_count=2))])
    assert await rows.withdraw([of()]) == []
    assert (await rows.holders("acme", what(), "")).users == ()


async def test_users_lives_and_tenants_do_not_meet(rows: Any) -> None:
    same = [row("a", 1), row("b", 2, user="bob"), row("c", 3, life=2), row("d", 4, tenant="other", user="eve")]
    await rows.insert(same)
    assert told(await rows.withdraw([of(user="bob"), of(life=2)])) == {
        "bob": ([("n-b", None)], 0, 2),
        "ada": ([("n-c", None)], 0, 3),
    }
    assert (await rows.holders("acme", what(), "")).users == (("ada", 0),)


async def test_those_who_have_any_of_it_are_found_piece_by_piece(rows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_withdrawing, "MAX_HOLDERS", 2)
    users = [f"u{number}" for number in range(5)]
    await rows.insert([row("a", 1, user=user, life=number) for number, user in enumerate(users)])
    await rows.insert([row("late", 9, 1, user="later")])
    assert await rows.count_held("acme", what()) == 5
    found: list[tuple[str, int]] = []
    after: str | None = ""
    while after is not None:
        piece = await rows.holders("acme", what(), after)
        assert len(piece.users) <= 2
        found += piece.users
        after = piece.after
    assert found == [(user, number) for number, user in enumerate(users)]


async def test_nothing_to_withdraw_asks_nothing(rows: Any) -> None:
    assert await rows.withdraw([]) == []
    assert await rows.withdraw([of()]) == []
