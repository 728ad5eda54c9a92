"""However filters are combined, MongoDB finds what the twin finds, and what all of them find one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.gateway.inbox.filters import InboxFilter, TypeFilter
from shared.model.inbox import Change, InboxItem
from shared.model.notifications import Priority
from shared.model.users import User
from shared.mongo.database import Database
from shared.mongo.indexes import INDEXES
from tests.contract.conftest import MongoInbox
from tests.support.twins.inbox_store import MemoryInboxStore

TEXTS: Final = st.text("aAbB.*\\[(^$|äÄß% \n", max_size=6)
WORDS: Final = st.lists(st.text("aAbB.*\\[(^$|äÄß%", min_size=1, max_size=2), max_size=2).map(tuple)
CATEGORIES: Final = st.sampled_from([None, "orders", "chat", "$ne"])
TIMES: Final = st.integers(0, 5)
ITEMS: Final = st.lists(
    st.builds(
        InboxItem, id=st.just(""), workflow=st.sampled_from(["w", "v"]), offset=st.just(0), created_at=TIMES,
        title=TEXTS, body=TEXTS, type=st.sampled_from([None, "t"]), category=CATEGORIES,
        priority=st.sampled_from([None, *Priority]),
    ),
    max_size=12,
)  # fmt: skip
FIELDS: Final[dict[str, st.SearchStrategy[Any]]] = {
    "type": st.sampled_from([None, TypeFilter("t"), TypeFilter(None, "w")]),
    "category": CATEGORIES,
    "priority": st.sampled_from([None, *Priority]),
    "since": st.none() | TIMES,
    "until": st.none() | TIMES,
    "unread_only": st.booleans(),
    "unseen_only": st.booleans(),
    "words": WORDS,
}
FILTERS: Final = st.lists(
    st.builds(InboxFilter, archived=st.booleans(), snoozed=st.booleans(), **FIELDS), min_size=1, max_size=6
)
BY_USERS: Final = [each for each in Change if each not in {Change.CREATED, Change.ERASED, Change.EXPIRED}]
CHANGES: Final = st.lists(st.tuples(st.sampled_from(BY_USERS), TIMES))
LATER: Final = 4_000_000_000_000
"""Milliseconds since the epoch, behind everybody's clock."""


@pytest.mark.real
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ITEMS, CHANGES, FILTERS)
async def test_filters(
    database: Database, items: list[InboxItem], changes: list[tuple[Change, int]], filters: list[InboxFilter]
) -> None:
    await database.inbox.create_indexes(INDEXES["inbox"])
    user = User(tenant="default", id=uuid4().hex, expires_at=1e12)
    inboxes: list[Any] = [MongoInbox(database), MemoryInboxStore()]
    for inbox in inboxes:
        if items:
            await inbox.insert(user, [_numbered(item, offset) for offset, item in enumerate(items)])
        for change, number in changes:
            until = LATER if change is Change.SNOOZED else None
            await inbox.change(user, change, [f"n{number}", f"n{number + 5}"], until)
    real, twin = inboxes
    counted, _ = await real.counts(user, filters)
    assert counted == (await twin.counts(user, filters))[0]
    for where, counts in zip(filters, counted, strict=True):
        page, expected = [await inbox.page(user, where, limit=100) for inbox in (real, twin)]
        assert [item.id for item in page.items] == [item.id for item in expected.items]
        assert page.counts == counts
        found = {item.id for item in page.items}
        for name in FIELDS:
            alone = replace(InboxFilter(archived=where.archived, snoozed=where.snoozed), **{name: getattr(where, name)})
            assert found <= {item.id for item in (await twin.page(user, alone, limit=100)).items}


def _numbered(item: InboxItem, offset: int) -> InboxItem:
    fields = {name: getattr(item, name) for name in item.__struct_fields__}
    return InboxItem(**fields | {"id": f"n{offset}", "offset": offset})
