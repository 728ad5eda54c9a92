"""What the listing keeps of statuses: in whatever order and however often they are read, the end is the same."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.deliveries.core.listed import listed
from services.console.deliveries.core.state_row import OPEN, ROUTED, state_rows
from services.console.timeline.core.rows import TimelineRow
from shared.model.timestamps import rfc3339, to_datetime
from tests.support import samples as a
from tests.support.twins.delivery_states import MemoryDeliveryStates

DUE = a.NOON + 60_000


def status(type_: str, subject: str = "n", at: int = 1, **data: Any) -> TimelineRow:
    facts = {"workflow": "order.shipped", "event_id": "e", "accepted_at": rfc3339(a.NOON), "event_subject": "order/7"}
    return {
        "_id": f"{type_} {subject} {data.get('generation')} {data.get('pass')}", "tenant": "acme", "user": "ada",
        "type": f"carillon.{type_}", "subject": subject, "notification": "n", "at": to_datetime(a.NOON + at),
        "data": facts | {"generation": 0, "pass": 0} | data, "topic": "t", "partition": 0, "offset": 0,
        "created_at": to_datetime(a.NOON),
    }  # fmt: skip


def delivers(delivery: str, channel: str = "email") -> dict[str, Any]:
    return {"outcome": "deliver", "channel": channel, "step": "notify", "delivery": delivery}


def waits(subject: str = "n", **more: Any) -> dict[str, Any]:
    return {"outcome": "hold", "channel": None, "step": "notify", "reason": "quiet_hours", "due": rfc3339(DUE),
            "subject": subject} | more  # fmt: skip


def no_channel(reason: str) -> dict[str, Any]:
    return {"outcome": "suppress", "channel": None, "step": None, "reason": reason}


HELD = status("notification.held", items=[waits()])
ROUTED_FIRST = status("notification.routed", items=[delivers("d")])
ROUTED_LATER = status("notification.routed", at=5, **{"pass": 1}, items=[delivers("d")])
SENT = status("delivery.sent", "d", 9, **{"pass": 1}, channel="email", step="notify", attempts=1, code="250")
RETRYING = status("delivery.retrying", "d", 7, channel="email", step="notify", attempts=1, due=rfc3339(DUE), code="421")
RETRIED = status("delivery.routed", "d", 8, **{"pass": 1}, kind="retry", items=[delivers("d")])
BOUNCED = status("delivery.bounced", "d", 20, **{"pass": 1}, channel="email", step="notify", accepted_at=None)
REDRIVEN = status("delivery.routed", "d", 30, generation=1, kind="redrive", items=[delivers("d")])


def shown(*batches: list[TimelineRow]) -> dict[str, str]:
    states = MemoryDeliveryStates()
    for batch in batches:
        asyncio.run(states.put(state_rows(batch)))
    return {row["_id"]: row["state"] for row in states.rows.values() if row["state"] != ROUTED}


@pytest.mark.parametrize(
    ("statuses", "found"),
    [
        ([HELD], {"n": "held"}),
        ([HELD, ROUTED_LATER], {"d": "queued"}),
        ([HELD, ROUTED_LATER, SENT], {"d": "sent"}),
        ([ROUTED_FIRST], {"d": "queued"}),
        ([ROUTED_FIRST, RETRYING], {"d": "retrying"}),
        ([ROUTED_FIRST, RETRYING, RETRIED], {"d": "queued"}),
        ([ROUTED_FIRST, RETRYING, RETRIED, SENT], {"d": "sent"}),
        ([ROUTED_FIRST, SENT, BOUNCED], {"d": "bounced"}),
        ([ROUTED_FIRST, SENT, BOUNCED, REDRIVEN], {"d": "queued"}),
        ([status("notification.suppressed", items=[no_channel("opted_out")])], {"n": "suppressed"}),
        ([HELD, status("notification.cancelled", **{"pass": 1}, items=[no_channel("cancelled")])], {"n": "cancelled"}),
        ([status("notification.routed", items=[delivers("d"), waits()])], {"d": "queued", "n": "held"}),
        ([status("notification.held", items=[waits("h", channel="email")])], {"h": "held"}),
        ([status("notification.routed", "f", kind="failed", items=[delivers("d2")])], {"d2": "queued"}),
        ([status("notification.suppressed", "f", kind="failed", items=[no_channel("no_address")])], {}),
        ([status("inbox.read"), status("event.expanded"), status("delivery.sent", "d", items=[3])], {}),
        ([BOUNCED], {}),
    ],
)
def test_where_each_stands(statuses: list[TimelineRow], found: dict[str, str]) -> None:
    assert shown(statuses) == found
    assert shown(*[[each] for each in statuses]) == found


@given(st.permutations([HELD, ROUTED_LATER, RETRYING, RETRIED, SENT, REDRIVEN] * 2), st.integers(1, 12))
def test_order_repeats_and_batches_change_nothing(statuses: list[TimelineRow], size: int) -> None:
    batches = [statuses[begin : begin + size] for begin in range(0, len(statuses), size)]
    assert shown(*batches) == {"d": "queued"}
    assert state_rows(statuses[size:], state_rows(statuses[:size])) == state_rows(statuses)


def test_a_row_says_what_it_is_about_and_why_it_is_there() -> None:
    [row] = state_rows([ROUTED_FIRST, RETRYING])
    found = listed({"_id": row.id, **row.fields})
    assert (found.delivery, found.notification, found.user, found.workflow) == ("d", "n", "ada", "order.shipped")
    assert (found.state, found.attempts, found.code, found.subject) == ("retrying", 1, "421", "order/7")
    assert (found.due, found.accepted_at, found.at) == (rfc3339(DUE), rfc3339(a.NOON), rfc3339(a.NOON + 7))
    assert found.state in OPEN


def test_what_waits_names_no_delivery() -> None:
    [row] = state_rows([HELD])
    found = listed({"_id": row.id, **row.fields})
    assert (found.delivery, found.channel, found.reason, found.due) == (None, None, "quiet_hours", rfc3339(DUE))


def test_it_is_kept_until_long_after_it_was_stored_whatever_the_status_says_of_its_time() -> None:
    [row] = state_rows([status("notification.held", at=-400 * 86_400_000, items=[waits(due=None)])])
    assert row.fields["kept_until"] > to_datetime(a.NOON + 90 * 86_400_000)


def test_it_is_kept_until_long_after_what_it_waits_for() -> None:
    far = a.NOON + 300 * 86_400_000
    [row] = state_rows([status("notification.held", items=[waits(due=rfc3339(far))])])
    assert row.fields["kept_until"] > to_datetime(far)
