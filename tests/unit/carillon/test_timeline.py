from __future__ import annotations

import shutil
import sys

import msgspec

from carillon.cli.explain import since
from carillon.cli.program import pasteable
from carillon.cli.timeline import lines, summary
from services.console.timeline.core.rows import StoredRows
from services.console.timeline.core.timeline import build_timeline
from shared.deciding.plain_words import PLAIN, meaning, next_step
from shared.model.channels import Channel
from shared.model.deliveries import DeliveryState
from shared.model.reasons import Reason
from shared.model.timestamps import to_datetime
from tests.unit.console import test_timeline as made


def timeline(statuses, decisions=(), **stored) -> dict:
    rows = StoredRows(**({"statuses": statuses, "decisions": decisions, "deliveries": [], "holds": []} | stored))
    return msgspec.to_builtins(build_timeline(made.NOTIFICATION.id, "default", rows))


def stored(*items) -> dict:
    return {
        "user": "ana", "kind": "notify", "subject": made.NOTIFICATION.id, "generation": 0, "pass": 0,
        "topic": made.TOPICS.notifications, "partition": 4, "offset": 17, "workflow": "order.shipped", "version": 3,
        "profile_version": 2, "inputs": {}, "at": to_datetime(made.ACCEPTED + 19),
        "items": [msgspec.to_builtins(item) for item in items],
    }  # fmt: skip


def text_of(document: dict) -> str:
    return "\n".join(line.plain for line in lines(document))


def test_the_timeline_reads_in_order_and_names_the_next_step():
    items = (made.IN_APP, made.QUIET, made.NO_WEBHOOK)
    text = text_of(timeline([made.decided(*items), made.became(Channel.IN_APP, DeliveryState.SENT)], [stored(*items)]))
    order = ["order.shipped v3 for ana", "received", "decided", "in_app: channel stop", "email:", "webhook:",
             "in_app sent", "Now"]  # fmt: skip
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert "held until 2026-01-05T11:11:12.131Z" in text
    assert "carillon.notifications.v1[4]@17" in text
    assert text.count("decided") == 1
    assert "notification routed" not in text  # the status of a decision that is shown already
    assert "Next:" not in text, "the user is reached: a channel without an address needs nothing done"


def test_every_attempt_has_a_line_those_of_earlier_passes_too():
    delivery = {
        "_id": "d-1", "user": "ana", "state": "sent", "generation": 0, "pass": 1, "channel": "sms", "attempts": 2,
        "attempt_log": [
            {"account": "sms/twilio", "outcome": "failed", "fault": "provider", "at": made.ACCEPTED + 20,
             "latency_ms": 1200, "code": "30008"},
        ],
        "last_attempts": [{"account": "sms/vonage", "outcome": "sent", "at": made.ACCEPTED + 60, "latency_ms": 80}],
    }  # fmt: skip
    document = timeline([made.became(Channel.SMS, DeliveryState.SENT)], deliveries=[delivery])
    assert [(each["account"], each["outcome"]) for each in document["deliveries"][0]["log"]] == [
        ("sms/twilio", "failed"), ("sms/vonage", "sent"),
    ]  # fmt: skip
    text = text_of(document)
    order = ["sms/twilio  failed, code 30008, 1200 ms", "sms/vonage  sent, 80 ms", "sms sent"]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_who_is_reached_by_nothing_needs_an_address():
    text = text_of(timeline([made.decided(made.NO_WEBHOOK)], [stored(made.NO_WEBHOOK)]))
    assert text.index("webhook:") < text.index("Now") < text.index("Next: PATCH /v1/users/ana")


def test_a_hint_is_what_was_typed(monkeypatch):
    monkeypatch.setattr(sys, "argv", [".venv/bin/carillon"])
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert pasteable("x; then carillon catalog list, carillon.events.v1") == (
        "x; then .venv/bin/carillon catalog list, carillon.events.v1"
    )
    assert "is the router running? .venv/bin/carillon status" in text_of(timeline([made.decided()]))


def test_without_stored_decisions_the_statuses_show_it():
    text = text_of(timeline([made.decided(made.IN_APP)]))
    assert "notification routed" in text


def test_a_notification_that_nobody_decided_says_where_to_look():
    undecided = timeline([made.decided(made.IN_APP)]) | {"channels": [], "entries": []}
    assert "carillon status" in text_of(undecided)
    assert summary(undecided).plain == "not decided yet"


def test_what_is_left_out_is_said():
    assert "left out" in text_of(timeline([made.decided(made.IN_APP)], complete=False))
    assert "left out" not in text_of(timeline([made.decided(made.IN_APP)]))


def test_the_summary_is_one_line():
    text = summary(timeline([made.decided(made.IN_APP, made.NO_WEBHOOK)])).plain
    assert text == "in_app queued   webhook suppressed (the profile has no address for this channel)"


def test_every_reason_has_plain_words():
    assert set(PLAIN) == set(Reason)


def test_a_reason_of_a_newer_version_is_shown_as_it_is():
    assert meaning("moon_phase") == "moon phase"
    assert next_step("moon_phase") is None


def test_spans_as_people_say_them():
    assert [since(ms) for ms in (0, 19, 3_200, 300_000, 7_500_000, -5)] == [
        "+0 ms", "+19 ms", "+3.2 s", "+5 min", "+2 h 5 min", "-5 ms",
    ]  # fmt: skip
