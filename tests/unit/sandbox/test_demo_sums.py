from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from sandbox.demo.outcomes import Found, Row, rows
from sandbox.demo.people import bodies, quiet_zone
from sandbox.demo.plan import PLAN, Accepted, Ingress, Planned
from sandbox.demo.received import Received, from_sink
from sandbox.demo.sums import add_up, awaited, missing
from shared.deciding.quiet_hours import quiet_until
from shared.model.quiet_windows import QuietHours
from shared.model.timestamps import parse_rfc3339

PLANNED = Planned(
    ingress=Ingress.API, workflow="order.shipped", to=("ana",), data={}, expected={("ana", "email"): "sent"}
)
ACCEPTED = [Accepted(planned=PLANNED, notifications={"ana": "n1"})]


def row(channel: str | None, state: str, reason: str | None = None, until: int | None = None) -> Row:
    return Row(
        planned=PLANNED, user="ana", notification="n1", channel=channel, state=state, reason=reason, until=until,
        accepted_at=1_000,
    )  # fmt: skip


FOUND: Found = {"n1": [row("email", "sent"), row("in_app", "sent"), row("webhook", "suppressed", "no_address")]}
RECEIVED: Received = {("n1", "email"): [1_100], ("n1", "in_app"): [1_050]}


def test_a_run_that_went_well_lacks_nothing() -> None:
    sums = add_up(ACCEPTED, FOUND, RECEIVED)

    assert list(missing(ACCEPTED, FOUND, RECEIVED)) == []
    assert (sums.accepted, sums.decided, sums.decisions) == (1, 1, 3)
    assert sums.sent == sums.received == {"email": 1, "in_app": 1}
    assert sums.in_app == {"ana": 1}


@pytest.mark.parametrize(
    ("found", "received", "said"),
    [
        ({}, {}, "nothing was decided"),
        (FOUND, {("n1", "in_app"): [1]}, "email: sent once, received 0 times"),
        (FOUND, RECEIVED | {("n1", "email"): [1, 2]}, "email: sent once, received 2 times"),
        (FOUND, RECEIVED | {("n1", "webhook"): [1]}, "webhook: is suppressed, but received 1 times"),
        (FOUND, RECEIVED | {("n1", "sms"): [1]}, "received by sms, which nobody decided"),
        ({"n1": [row("email", "queued")]}, {}, "email: is queued"),
        ({"n1": [row("email", "dead", "rejected")]}, {}, "email: is dead (rejected)"),
        ({"n1": [row("email", "held", "provider_down")]}, {}, "email: is held (provider_down)"),
        ({"n1": [row("email", "suppressed", "no_address")]}, {}, "must be sent, is no_address"),
    ],
)
def test_what_does_not_add_up_is_named(found: Found, received: Received, said: str) -> None:
    assert any(said in line for line in missing(ACCEPTED, found, received))


def test_quiet_hours_may_stand_open() -> None:
    planned = replace(PLANNED, expected={("ana", "email"): "quiet_hours"})
    accepted = [Accepted(planned=planned, notifications={"ana": "n1"})]
    found = {"n1": [row("email", "held", "quiet_hours", 9_000)]}

    assert list(missing(accepted, found, {})) == []


def test_only_what_was_sent_is_awaited() -> None:
    assert awaited(FOUND, RECEIVED) == []
    assert [one.channel for one in awaited(FOUND, {("n1", "in_app"): [1]})] == ["email"]


def test_other_runs_are_not_counted() -> None:
    sums = add_up(ACCEPTED, FOUND, RECEIVED | {("another", "email"): [1]})

    assert sums.received["email"] == 1
    assert list(missing(ACCEPTED, FOUND, RECEIVED | {("another", "email"): [1]})) == []


def test_messages_at_the_sink_find_their_notification() -> None:
    email = {"kind": "email", "at_ms": 5, "headers": [["X-Carillon-Notification", "n1"]], "body": ""}
    webhook = {"kind": "webhook", "at_ms": 6, "headers": [], "body": '{"notification":"n1"}'}
    strange = {"kind": "webhook", "at_ms": 7, "headers": [], "body": "no JSON"}

    assert from_sink([email, webhook, strange]) == {("n1", "email"): [5], ("n1", "webhook"): [6]}


def test_rows_come_from_the_story() -> None:
    channel = {"state": "held", "channel": "email", "reason": "quiet_hours", "until": "2026-01-05T07:00:00.000Z"}
    timeline: dict[str, Any] = {"accepted_at": "2026-01-05T01:00:00.000Z", "channels": [channel]}

    (found,) = rows(ACCEPTED[0], "ana", timeline)

    assert found.is_settled
    assert found.until == parse_rfc3339("2026-01-05T07:00:00Z")


@pytest.mark.parametrize("at", ["2026-01-05T00:10:00Z", "2026-06-15T21:30:00Z", "2026-06-15T12:00:00Z"])
def test_quiet_now_is_quiet_now(at: str) -> None:
    now = parse_rfc3339(at)
    document = {"dora": {"zone": "Europe/Berlin", "addresses": {"webhook": "{sink}/hooks/d"}, "quiet_now": True}}

    body = bodies(document, "http://127.0.0.1:1", now)["dora"]

    assert body["addresses"] == {"webhook": "http://127.0.0.1:1/hooks/d"}
    assert "quiet_now" not in body
    until = quiet_until(msgspec.convert(body["quiet_hours"], QuietHours), quiet_zone(body), now)
    assert until is not None
    assert until - now > 3_600_000


def test_every_way_is_gone_and_everybody_expected_is_a_recipient() -> None:
    assert {planned.ingress for planned in PLAN} == set(Ingress)
    for planned in PLAN:
        assert {user for user, _ in planned.expected} <= set(planned.users)
