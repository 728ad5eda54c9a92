"""Why somebody got nothing of an event, by what is stored of it."""

from __future__ import annotations

from typing import Any

import pytest

from services.console.events.core.event_report import build_report
from services.console.events.core.why_not import WhyNot, started_workflows, why_not
from tests.unit.console import test_events as events
from tests.unit.console import test_timeline as made
from tests.unit.console import test_why

CONDITION = {"reason": "condition", "detail": "data.total is not as the workflow's `when` asks"}
FANOUT = {
    "_id": "f", "workflow": "news", "version": 2, "state": "done", "page": 3, "recipients": 1_000, "skipped": 0,
    "topic": "news",
}  # fmt: skip


def answer(row: dict[str, Any] | None, *, fanouts: Any = (), notifications: Any = (), found: Any = {}) -> WhyNot:  # noqa: B006  # never changed
    report = build_report("e", "default", row=row, statuses=[], notifications=notifications, fanouts=fanouts)
    assert report is not None
    return why_not(report, "ana", found)


def last(found: WhyNot) -> tuple[str, str | None]:
    return found.sentences[-1].text, found.sentences[-1].reason


@pytest.mark.parametrize(
    ("row", "part", "reason"),
    [
        (events.row(), "It notified nobody: no workflow starts on its type", "no_workflow"),
        (events.row(events.WRONG, state="dead"), "nothing stands at data.to, at /data/to", "no_recipients"),
        (events.row(events.FULL | {"outcome": "nobody", "notifications": 0}), "its list of recipients is empty", "nobody_named"),
        (
            events.row(events.FULL | {"outcome": "nobody", "notifications": 0, "rejected": CONDITION}),
            "the workflow's condition does not hold of its data (data.total", "condition",
        ),
        (events.row(events.FULL), "notified 1, and did not name ana among them", None),
    ],
)  # fmt: skip
def test_a_workflow_that_did_not_notify_them_says_why(row, part, reason):
    text, said = last(answer(row))
    assert part in text
    assert said == reason


@pytest.mark.parametrize(
    ("state", "part"),
    [
        ("running", "ana not yet, or not among them"),
        ("done", "ana was not among them"),
        ("cancelled", "was cancelled after 1000"),
    ],
)
def test_a_fan_out_says_how_far_it_is(state, part):
    assert part in last(answer(None, fanouts=[FANOUT | {"state": state}]))[0]


def test_their_notification_tells_the_rest():
    told = test_why.told([made.decided(made.NO_WEBHOOK)])
    found = answer(events.row(events.FULL, events.WRONG), found={"order.shipped": told})
    assert found.notifications == [made.NOTIFICATION.id]
    texts = [one.text for one in found.sentences]
    assert any("nothing stands at data.to" in text for text in texts), "the other workflow"
    assert any("no address" in text for text in texts)
    assert not any("did not name" in text for text in texts)
    assert any("redrive e " in step for step in found.next_steps)
    assert any(step.startswith("PATCH /v1/users/ana") for step in found.next_steps)


def test_every_workflow_is_asked_about_once():
    report = build_report(
        "e", "default", row=events.row(events.FULL, events.WRONG), statuses=[], notifications=[events.NOTIFIED],
        fanouts=[FANOUT],
    )  # fmt: skip
    assert report is not None
    assert started_workflows(report) == ["order.shipped", "order.audit", "news"]
