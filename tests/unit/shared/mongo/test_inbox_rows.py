"""Inbox rows: an item comes back from its row, and from its event, as it was."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from shared.model.inbox import Change, InboxEvent, InboxItem, decode, encode
from shared.model.timestamps import to_datetime
from shared.mongo.inbox_rows import from_row, to_row

TIME = st.integers(0, 4_102_444_800_000)
MAYBE = st.none() | TIME
TEXT = st.text(max_size=8)
ITEM = st.builds(
    InboxItem, id=TEXT, workflow=TEXT, offset=st.integers(0, 2**53), created_at=TIME, title=TEXT, body=TEXT, type=st.none() | TEXT,
    url=st.none() | TEXT, actor=st.none() | TEXT, data=st.sampled_from([b"null", b'{"a":1}']).map(msgspec.Raw),
    category=st.none() | TEXT, priority=st.none() | TEXT,
)  # fmt: skip


@given(ITEM, MAYBE, MAYBE)
def test_inbox_rows(item: InboxItem, read_at: int | None, deleted_at: int | None) -> None:
    row = to_row(item, delivery="d", tenant="acme", user="ada")
    assert row["_id"] == "d", "the delivery's id is the claim"
    assert from_row(row) == item
    row["read_at"] = None if read_at is None else to_datetime(read_at)
    row["deleted_at"] = None if deleted_at is None else to_datetime(deleted_at)
    changed = from_row(row)
    assert (changed.read_at, changed.deleted_at) == (read_at, deleted_at)
    event = InboxEvent(change=Change.READ, items=(changed,), at=5, unread=0, counted_to=7)
    assert decode(encode(event)) == event
