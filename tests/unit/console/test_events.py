"""What became of an event, from the rows that are stored of it."""

from __future__ import annotations

from typing import Any

import msgspec

from services.console.events.core.event_report import build_report
from shared.model.timestamps import parse_rfc3339, to_datetime

AT = parse_rfc3339("2026-01-05T10:11:12.131Z")
REJECTED = {"reason": "no_recipients", "detail": "nothing stands at data.to", "pointer": "/data/to"}
FULL = {"key": "order.shipped", "version": 3, "outcome": "expanded", "notifications": 1}
WRONG = {"key": "order.audit", "version": 1, "outcome": "not_expanded", "notifications": 0, "rejected": REJECTED}
NOTIFIED = {"_id": "n", "user": "ana", "workflow": "order.shipped", "event_type": "t", "type": "carillon.delivery.sent"}


def row(*workflows: dict[str, Any], state: str = "expanded") -> dict[str, Any]:
    return {
        "_id": "e", "tenant": "default", "type": "order.shipped", "source": "/shop", "source_id": "1", "generation": 0,
        "state": state, "accepted_at": to_datetime(AT), "workflows": list(workflows),
    }  # fmt: skip


def report(stored: dict[str, Any] | None, *, statuses: Any = (), notifications: Any = ()) -> dict[str, Any]:
    found = build_report("e", "default", row=stored, statuses=statuses, notifications=notifications)
    return msgspec.to_builtins(found)


def test_each_workflow_says_whom_it_found_and_what_was_left_out():
    left_out = {"reason": "invalid_user_id", "detail": "no user id", "pointer": "/data/to/1"}
    found = report(row(FULL | {"left_out": [left_out]}, WRONG), notifications=[NOTIFIED])
    assert (found["state"], found["reason"], found["accepted_at"]) == ("expanded", None, "2026-01-05T10:11:12.131Z")
    shipped, audit = found["workflows"]
    assert (shipped["outcome"], shipped["notifications"], shipped["left_out"]) == ("expanded", 1, [left_out])
    assert {name: audit[name] for name in REJECTED} == REJECTED
    assert found["notifications"] == [
        {"id": "n", "user": "ana", "workflow": "order.shipped", "last": "carillon.delivery.sent"}
    ]


def test_nobody_has_a_reason():
    nobody = FULL | {"outcome": "nobody", "notifications": 0}
    assert report(row(WRONG, state="dead"))["reason"] == "no_recipients"
    assert report(row(WRONG, state="dead"))["pointer"] == "/data/to"
    assert report(row(nobody))["reason"] == "nobody_named"
    assert report(row())["reason"] == "no_workflow"


def test_what_was_set_aside_before_it_was_expanded_is_told_by_its_status():
    data = {
        "event_type": "t",
        "source": "/s",
        "source_id": "1",
        "reason": "tenant_not_trusted",
        "detail": "d",
        "pointer": "/tenant",
    }
    found = report(None, statuses=[{"at": to_datetime(AT), "data": data}])
    assert (found["state"], found["reason"], found["source_id"], found["workflows"]) == (
        "dead",
        "tenant_not_trusted",
        "1",
        [],
    )


def test_a_request_with_explicit_recipients_is_known_by_its_notifications():
    found = report(None, notifications=[NOTIFIED])
    assert (found["state"], found["type"], found["reason"]) == ("expanded", "t", None)


def test_of_what_nothing_is_stored_nothing_is_known():
    assert build_report("e", "default", row=None, statuses=[], notifications=[]) is None
