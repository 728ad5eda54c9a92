"""Rows of the multi-channel queue, of what the platform tells."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.integrations.numbers import number_of
from carillon.integrations.queue_requests import NotificationRequest
from carillon.integrations.queue_rows import QueueStatus, attempts_of, queued, row_of, row_of_delivery, states_of
from services.console.deliveries.core.delivery_filter import STATES
from services.console.timeline.core.channel_states import ENDS
from shared.model import ids, numbers
from shared.model.deliveries import DeliveryState
from shared.model.notification_states import NotificationState
from shared.model.receipts import ReceiptState

EVENT = ids.event_id("acme", "/shop", "1")
NOTIFICATION = ids.notification_id(EVENT, "complaints.message", "ada")
ACCEPTED, AT, DUE = "2026-12-01T08:00:00.000Z", "2026-12-01T08:00:01.000Z", "2026-12-01T08:01:00.000Z"


def timeline(state: str, *, log: list[str], more: dict[str, Any] | None = None) -> dict[str, Any]:
    """Of a notification by e-mail, after attempts that came to these outcomes."""
    channel = {"state": state, "at": AT, "channel": "email", "step": "email", "delivery": "d", **(more or {})}
    attempts = [
        {"at": AT, "account": "email/smtp", "outcome": each, "latency_ms": 6}
        | ({"code": "250"} if each == "sent" else {"code": "451", "fault": "recipient"})
        for each in log
    ]
    return {
        "notification": NOTIFICATION,
        "event_id": EVENT,
        "user": "who",
        "workflow": "complaints.message",
        "accepted_at": ACCEPTED,
        "channels": [channel],
        "entries": [{"detail": {"priority": "high", "max_retries": 3, "event_subject": "complaint/123"}}],
        "deliveries": [
            {"delivery": "d", "state": state, "attempts": len(log), "log": attempts}
            | ({"code": attempts[-1]["code"]} if attempts else {})
        ],
    }


@given(st.uuids(version=5))
def test_a_number_is_the_platforms(id_: UUID) -> None:
    assert number_of(str(id_)) == numbers.number_of(str(id_)) < 1 << 53


def test_what_was_just_queued_is_pending_and_all_of_it_is_known() -> None:
    asked = NotificationRequest(
        entity_type="complaint",
        entity_id=123,
        channel="email",
        recipient="user@example.com",
        template_id="complaint_verified",
        template_data={"status": "verified"},
    )
    row = queued(asked, EVENT)
    assert (row.status, row.notification_id, row.retry_count) == (QueueStatus.PENDING, number_of(EVENT), 0)
    assert row.template_data == {"status": "verified"}
    assert row.audit_row() == {
        "entity_type": "complaint",
        "entity_id": 123,
        "action": "notification_triggered",
        "action_by_type": "system",
        "metadata": {
            "notification_id": number_of(EVENT),
            "channel": "email",
            "recipient": "user@example.com",
            "priority": "normal",
            "max_retries": 3,
            "template_id": "complaint_verified",
        },
    }


def test_sent_at_once() -> None:
    row = row_of(timeline("sent", log=["sent"]))
    assert (row.status, row.retry_count, row.sent_at, row.error_message) == (QueueStatus.SENT, 0, AT, None)
    assert (row.priority, row.max_retries, row.created_at, row.template_id) == ("high", 3, ACCEPTED, None)
    assert (row.entity_type, row.entity_id) == ("complaint", 123)


def test_between_two_attempts() -> None:
    row = row_of(timeline("retrying", log=["failed"], more={"reason": "temporary_failure", "until": DUE}))
    assert (row.status, row.retry_count, row.next_retry_at) == (QueueStatus.RETRYING, 0, DUE)
    assert (row.sent_at, row.failed_at, row.error_message) == (None, None, "temporary_failure: 451")


def test_on_its_way_to_the_next_attempt() -> None:
    row = row_of(timeline("queued", log=["failed"]))
    assert (row.status, row.next_retry_at) == (QueueStatus.RETRYING, None)


def test_as_it_is_listed() -> None:
    listed = {"notification": NOTIFICATION, "event_id": EVENT, "user": "who", "state": "retrying", "at": AT}
    more = {
        "workflow": "complaints.escalation",
        "subject": "complaint/123",
        "attempts": 2,
        "code": "451",
        "due": DUE,
        "accepted_at": ACCEPTED,
    }
    row = row_of_delivery(listed | more | {"priority": "high", "max_retries": 3, "reason": "temporary_failure"})
    assert (row.status, row.retry_count, row.next_retry_at) == (QueueStatus.RETRYING, 1, DUE)
    assert (row.entity_id, row.template_id, row.priority, row.max_retries) == (123, "escalation", "high", 3)


def test_an_address_that_a_user_has_is_still_to_come() -> None:
    row = row_of(timeline("suppressed", log=[], more={"reason": "known_user"}))
    assert (row.status, row.failed_at, row.error_message) == (QueueStatus.PENDING, None, None)


def test_a_listing_is_asked_for_states_that_it_knows() -> None:
    asked = [state for status in QueueStatus for state in states_of(status).split(",")]
    assert set(asked) == set(STATES) | {"held"}


def test_retries_used_up() -> None:
    row = row_of(timeline("dead", log=["failed"] * 4, more={"reason": "attempts_exhausted"}))
    assert (row.status, row.retry_count, row.failed_at) == (QueueStatus.FAILED, 3, AT)
    assert (row.next_retry_at, row.error_message) == (None, "attempts_exhausted: 451")


def test_nothing_decided_yet() -> None:
    row = row_of(timeline("queued", log=[]) | {"channels": [], "deliveries": []})
    assert (row.status, row.channel, row.retry_count) == (QueueStatus.PENDING, None, 0)


@pytest.mark.parametrize(
    ("state", "log", "statuses"),
    [
        ("sent", ["failed", "sent"], ["retrying", "sent"]),
        ("retrying", ["failed"], ["retrying"]),
        ("dead", ["failed", "failed"], ["retrying", "failed"]),
        ("dead", ["rejected"], ["failed"]),
        ("bounced", ["sent"], ["sent"]),
    ],
)
def test_a_row_for_each_attempt(state: str, log: list[str], statuses: list[str]) -> None:
    rows = attempts_of(timeline(state, log=log))
    assert [row.status for row in rows] == statuses
    assert [row.attempt_number for row in rows] == list(range(1, len(log) + 1))
    assert {row.notification_id for row in rows} == {number_of(EVENT)}
    for row in rows:
        sent = row.status is QueueStatus.SENT
        assert row.error_message == (None if sent else "recipient: 451")
        assert row.response_data == {"account": "email/smtp", "code": "250" if sent else "451", "latency_ms": 6}


def test_of_many_attempts_the_newest_keep_their_numbers() -> None:
    told = timeline("retrying", log=["failed"] * 20)
    told["deliveries"][0]["attempts"] = 25
    assert [row.attempt_number for row in attempts_of(told)] == list(range(6, 26))


@pytest.mark.parametrize("state", sorted({*DeliveryState, *NotificationState, *ReceiptState, *ENDS}))
def test_every_state_has_a_status(state: str) -> None:
    status = row_of(timeline(state, log=[])).status
    assert (status in {QueueStatus.SENT, QueueStatus.FAILED}) == (state in ENDS)
