"""An inbox item has its workflow's category and its notification's priority: in its row, on the log, for sockets and by HTTP."""

from __future__ import annotations

import msgspec
import pytest

from services.delivery.channels.in_app.render import render_item
from shared.model import inbox
from shared.model.channel_templates import Templates
from shared.model.inbox import Change, InboxEvent, InboxItem, item_state
from shared.model.notifications import Priority
from shared.model.templates import InAppTemplate
from shared.mongo.inbox_rows import WITHOUT_CONTENT, from_row, state_of_row, to_row
from tests.support import samples as a


def rendered(priority: Priority) -> InboxItem:
    workflow = a.workflow(category="orders", templates=Templates(in_app=InAppTemplate(title="T")))
    delivery = a.delivery(channel="in_app", notification=a.notification(priority=priority))
    return render_item(delivery, workflow, 7, a.NOON)


@pytest.mark.parametrize("priority", Priority)
def test_both_come_from_what_it_is_made_of(priority: Priority) -> None:
    item = rendered(priority)
    assert (item.category, item.priority) == ("orders", priority)
    assert type(item.priority) is str


def test_rows_and_the_log_carry_them_and_states_do_not() -> None:
    item = rendered(Priority.HIGH)
    row = to_row(item, delivery="d", tenant="t", user="u")
    assert (from_row(row).category, from_row(row).priority) == ("orders", "high")
    (told,) = inbox.decode(inbox.encode(InboxEvent(change=Change.CREATED, items=(item,), at=a.NOON))).items
    assert (told.category, told.priority) == ("orders", "high")
    state = state_of_row({name: value for name, value in row.items() if name not in WITHOUT_CONTENT})
    for without in (state, item_state(item)):
        assert (without.category, without.priority) == (None, None)


def test_what_is_from_before_has_neither_and_grows_by_nothing() -> None:
    item = InboxItem(id=a.ID, workflow="w", offset=7, created_at=a.NOON)
    row = to_row(item, delivery="d", tenant="t", user="u")
    assert not {"category", "priority"} & row.keys()
    assert (from_row(row).category, from_row(row).priority) == (None, None)
    assert b"category" not in inbox.encode(InboxEvent(change=Change.CREATED, items=(item,), at=a.NOON))


def test_a_priority_that_only_a_newer_version_knows_is_shown_as_it_is() -> None:
    item = msgspec.structs.replace(rendered(Priority.LOW), priority="critical")
    assert from_row(to_row(item, delivery="d", tenant="t", user="u")).priority == "critical"
    assert inbox.decode(inbox.encode(InboxEvent(change=Change.CREATED, items=(item,), at=1))).items[0] == item
