from __future__ import annotations

import msgspec
import pytest

from services.gateway.inbox.responses import ItemStatus, NotificationPage, item_status, page
from tests.unit.gateway.scenes import item


def test_a_page_is_what_its_schema_says():
    items = [item(2, data=msgspec.Raw(b'{"n":1}'), type="new_message", read_at=5_000, updated_at=5_000), item(1)]
    raw = page(items, "ann", total=3, offset=0)
    shown = NotificationPage.model_validate_json(raw, strict=True, extra="forbid")
    assert (shown.total, shown.has_more) == (3, True)
    first, second = shown.notifications
    assert (first.id, first.user_id, first.notification_type, first.content) == ("n2", "ann", "new_message", {"n": 1})
    assert (first.status, first.is_read, first.read_at) == (ItemStatus.READ, True, "1970-01-01T00:00:05.000Z")
    assert (second.notification_type, second.content, second.read_at) == ("chat.new_message", None, None)
    assert second.updated_at == second.created_at
    assert not NotificationPage.model_validate_json(page(items, "ann", total=3, offset=1)).has_more


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, ItemStatus.PENDING),
        ({"seen_at": 1}, ItemStatus.SEEN),
        ({"seen_at": 1, "read_at": 2}, ItemStatus.READ),
        ({"seen_at": 1, "read_at": 2, "archived_at": 3}, ItemStatus.ARCHIVED),
        ({"archived_at": 3}, ItemStatus.ARCHIVED),
    ],
)
def test_an_items_status_is_the_last_it_has_reached(fields, status):
    assert item_status(item(1, **fields)) is status
