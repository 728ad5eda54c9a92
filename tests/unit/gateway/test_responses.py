from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.core.as_of import AsOf
from services.gateway.inbox.paging import read_page_cursor, write_page_cursor
from services.gateway.inbox.responses import CountedAt, ItemStatus, NotificationPage, item_status, page
from services.gateway.inbox.store import InboxPage, ItemCounts
from tests.unit.gateway.scenes import item


def test_a_page_is_what_its_schema_says():
    items = [item(2, data=msgspec.Raw(b'{"n":1}'), type="new_message", read_at=5_000, updated_at=5_000), item(1)]
    raw = page(InboxPage(items, ItemCounts(3, 2, 1), True, AsOf(2, 9_000)), "ann", 5)
    shown = NotificationPage.model_validate_json(raw, strict=True, extra="forbid")
    assert (shown.total, shown.has_more) == (3, True)
    first, second = shown.notifications
    assert (first.id, first.user_id, first.notification_type, first.content) == ("n2", "ann", "new_message", {"n": 1})
    assert (first.status, first.is_read, first.read_at) == (ItemStatus.READ, True, "1970-01-01T00:00:05.000Z")
    assert (second.notification_type, second.content, second.read_at) == ("chat.new_message", None, None)
    assert second.updated_at == second.created_at
    assert shown.as_of == CountedAt(offset=2, at=9_000)
    assert shown.next_cursor is not None
    assert read_page_cursor(shown.next_cursor) == 1
    empty = InboxPage([], ItemCounts(3, 2, 1), False, AsOf(-1, 0))
    last = NotificationPage.model_validate_json(page(empty, "ann", 5))
    assert (last.has_more, last.next_cursor) == (False, None)


@given(st.text(max_size=300) | st.integers(-1, 2**62).map(write_page_cursor))
def test_a_page_cursor_is_read_back_or_refused(text):
    offset = read_page_cursor(text)
    assert offset is None or write_page_cursor(offset) == text
    assert read_page_cursor(write_page_cursor(7)) == 7


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, ItemStatus.PENDING),
        ({"seen_at": 1}, ItemStatus.SEEN),
        ({"seen_at": 1, "read_at": 2}, ItemStatus.READ),
        ({"seen_at": 1, "read_at": 2, "archived_at": 3}, ItemStatus.ARCHIVED),
        ({"archived_at": 3}, ItemStatus.ARCHIVED),
        ({"snoozed_until": 11}, ItemStatus.SNOOZED),
        ({"snoozed_until": 10}, ItemStatus.PENDING),
    ],
)
def test_an_items_status_is_the_last_it_has_reached(fields, status):
    assert item_status(item(1, **fields), 10) is status
