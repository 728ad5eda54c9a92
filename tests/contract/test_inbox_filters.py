"""Filters and counts of a user's inbox: each on its own, all together, several at once, and what MongoDB does for them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.gateway.core.limits import MAX_SEARCHED_ROWS
from services.gateway.inbox.filters import InboxFilter, TypeFilter
from services.gateway.inbox.queries import counting, matching, own
from services.gateway.inbox.store import ItemCounts
from shared.model.inbox import Change, InboxItem
from shared.model.notifications import Priority
from shared.model.users import User
from shared.mongo.database import Database
from shared.mongo.indexes import INDEXES
from tests.contract.conftest import MongoInbox

ANN = User(tenant="default", id="ann", expires_at=1e12)
BOB = User(tenant="default", id="bob", expires_at=1e12)


def item(offset: int, **fields: Any) -> InboxItem:
    known: dict[str, Any] = {"workflow": "chat.new_message", "type": "new_message", "data": msgspec.Raw(b"{}")}
    return InboxItem(id=f"n{offset}", offset=offset, **({"created_at": 1_000 * offset} | known | fields))


MIXED = (
    item(1, category="chat", priority="normal", title="Lunch at noon?", body="Ann wrote 100% (really)"),
    item(2, category="orders", priority="high", title="Order A.7 has shipped", body="It comes on Monday"),
    item(3, category="orders", priority="normal", title="Order AX7 is late", body="Straße 5, ÄPFEL"),
    item(4, title="From before", body="neither category nor priority"),
    item(5, category="orders", priority="a newer one's", title="ORDER", type="order"),
)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (InboxFilter(category="orders"), "532"),
        (InboxFilter(category="Orders"), ""),
        (InboxFilter(category="orders", priority=Priority.HIGH), "2"),
        (InboxFilter(priority=Priority.NORMAL), "31"),
        (InboxFilter(since=2_000), "5432"),
        (InboxFilter(until=2_000), "1"),
        (InboxFilter(since=2_000, until=4_000), "32"),
        (InboxFilter(since=2_001, until=2_001), ""),
        (InboxFilter(words=("order",)), "532"),
        (InboxFilter(words=("ORDER", "monday")), "2"),
        (InboxFilter(words=("A.7",)), "2"),
        (InboxFilter(words=("100%", "(REALLY)")), "1"),
        (InboxFilter(words=("äpfel", "STRAßE")), "3"),
        (InboxFilter(words=(".*",)), ""),
        (InboxFilter(words=("\\",)), ""),
        (InboxFilter(words=("]", "[", "$ne")), ""),
        (InboxFilter(words=("order",), category="orders", type=TypeFilter("new_message"), until=3_000), "2"),
        (InboxFilter(type=TypeFilter("order"), category="orders"), "5"),
    ],
)
async def test_each_filter(inbox: Any, where: InboxFilter, expected: str) -> None:
    await inbox.insert(ANN, MIXED)
    await inbox.insert(BOB, MIXED)
    found = await inbox.page(ANN, where, limit=10)
    assert "".join(each.id[1:] for each in found.items) == expected
    [counts], _ = await inbox.counts(ANN, [where])
    assert found.counts == counts == ItemCounts(len(expected), len(expected), len(expected))


async def test_what_is_unseen_is_unread_as_well_and_the_other_way_round_not(inbox: Any) -> None:
    await inbox.insert(ANN, MIXED)
    await inbox.change(ANN, Change.SEEN, ["n1", "n2"])
    await inbox.change(ANN, Change.READ, ["n2", "n3"])
    await inbox.change(ANN, Change.ARCHIVED, ["n4"])
    every, unread, unseen, archived = (
        InboxFilter(), InboxFilter(unread_only=True), InboxFilter(unseen_only=True), InboxFilter(archived=True),
    )  # fmt: skip
    counts, as_of = await inbox.counts(ANN, [every, unread, unseen, archived, InboxFilter(category="orders")])
    assert [tuple(each) for each in counts] == [(4, 2, 1), (2, 2, 1), (1, 1, 1), (1, 1, 1), (3, 1, 1)]
    assert as_of.offset == 5
    assert [each.id for each in (await inbox.page(ANN, unseen, limit=10)).items] == ["n5"]
    assert await inbox.counts(BOB, [every, unread]) == ([ItemCounts(0, 0, 0)] * 2, (-1, 0))


async def test_a_search_looks_at_the_newest_and_pages_on(inbox: Any) -> None:
    await inbox.insert(ANN, [item(offset, title="needle") for offset in range(MAX_SEARCHED_ROWS + 2)])
    needles = InboxFilter(words=("needle",))
    first = await inbox.page(ANN, needles, limit=1)
    assert (first.items[0].offset, first.counts.total, first.more) == (MAX_SEARCHED_ROWS + 1, MAX_SEARCHED_ROWS, True)
    last = await inbox.page(ANN, needles, limit=10, below=4)
    assert ([each.offset for each in last.items], last.more) == ([3, 2], False)
    assert (await inbox.page(ANN, InboxFilter(), limit=10, below=2)).counts.total == MAX_SEARCHED_ROWS + 2
    both, _ = await inbox.counts(ANN, [InboxFilter(), needles])
    assert [each.total for each in both] == [MAX_SEARCHED_ROWS + 2, MAX_SEARCHED_ROWS]


@pytest.mark.real
@pytest.mark.parametrize(
    "where",
    [
        InboxFilter(),
        InboxFilter(unread_only=True, category="orders"),
        InboxFilter(snoozed=True),
        InboxFilter(priority=Priority.HIGH, since=1_000, until=9_000_000),
        InboxFilter(words=("order", "x"), type=TypeFilter("new_message")),
    ],
)
async def test_only_the_users_own_rows_are_looked_at_in_their_order(database: Database, where: InboxFilter) -> None:
    inbox = MongoInbox(database)
    await database.inbox.create_indexes(INDEXES["inbox"])
    for user, how_many in ((ANN, 40), (BOB, 400)):
        await inbox.insert(user, [item(number, category="orders", title="order x") for number in range(how_many)])
    query = matching(ANN, where, 1_000) | {"offset": {"$lte": 39}}
    told = await database.inbox.find(query, {"_id": 0, "offset": 1}).sort("offset", -1).limit(21).explain()
    stages = str(told["queryPlanner"]["winningPlan"])
    assert "COLLSCAN" not in stages
    assert "'SORT'" not in stages
    assert "tenant_1_user_1_offset_-1" in stages
    assert told["executionStats"]["totalDocsExamined"] <= 40
    for several in ([query], [query, query]):
        pipeline = counting(several, own(ANN) | {"offset": {"$lte": 39}})
        counted = await database.command(
            "explain", {"aggregate": "inbox", "pipeline": pipeline, "cursor": {}}, verbosity="executionStats"
        )
        assert "COLLSCAN" not in str(counted)
        assert "IXSCAN" in str(counted)
        assert str(counted).count("bob") == 0
        assert counted["stages"][0]["$cursor"]["executionStats"]["totalDocsExamined"] <= 40


@pytest.mark.real
async def test_where_a_search_begins_is_known_from_the_index_alone(database: Database) -> None:
    inbox = MongoInbox(database)
    await database.inbox.create_indexes(INDEXES["inbox"])
    await inbox.insert(ANN, [item(number) for number in range(40)])
    rows = {"tenant": "default", "user": "ann", "offset": {"$lte": 39}}
    found = database.inbox.find(rows, {"_id": 0, "offset": 1}).sort("offset", -1).skip(30).limit(1)
    told = await found.explain()
    assert told["executionStats"]["totalDocsExamined"] == 0
