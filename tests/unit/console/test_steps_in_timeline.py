"""A run of several steps in the timeline: the rules of each step, what else a decision did, what it waits for."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.console.timeline.core.channel_states import TimelineState, channel_states, progress
from services.console.timeline.core.rule_results import EACH, STEPS, WHOLE, RuleResult, rule_entries
from shared.deciding.items import Counted, DigestChange, Gathered, HoldUntil, Replaced, RoutingItem, Suppress
from shared.model.channels import Channel
from shared.model.holds import Cause
from shared.model.reasons import Reason
from shared.model.rules import Rule
from shared.model.timestamps import to_datetime
from tests.unit.console.test_timeline import ACCEPTED, IN_APP, NOTIFICATION

DUE = ACCEPTED + 900_000
WAITS = HoldUntil(reason=Reason.WAITS_FOR_READ, rule=Rule.READ, cause=Cause.WAIT_FOR_READ, due=DUE, step="wait")
READ = Suppress(reason=Reason.ALREADY_READ, rule=Rule.READ, step="wait")
ONLY_LARGE = Suppress(reason=Reason.STEP_CONDITION, rule=Rule.STEP_CONDITION, step="notify", clause="data.total")
COUNTED = Counted(rule=Rule.THROTTLE, counter="c", seconds=60, step="few")
JOINED = Gathered(
    rule=Rule.DIGEST, change=DigestChange.JOIN, digest="d", slot="s", step="gather", items=3, holder="n-1"
)
DIGESTED = Suppress(reason=Reason.DIGESTED, rule=Rule.DIGEST, step="gather", digest="d")
NEWEST = Replaced(rule=Rule.COLLAPSE, slot="s", notification="n-1")


def entries(*items: RoutingItem | dict[str, Any]) -> list[tuple[str | None, str | None, str, RuleResult]]:
    """Those of the steps."""
    found = rule_entries([one if isinstance(one, dict) else msgspec.to_builtins(one) for one in items])
    assert [entry.rule for entry in found[: len(WHOLE)]] == list(WHOLE)
    return [(one.step, one.channel, one.rule, one.result) for one in found[len(WHOLE) :]]


def test_a_step_shows_its_condition_and_the_rule_of_its_kind_alone():
    assert entries(IN_APP, WAITS) == [
        *[("notify", "in_app", rule, RuleResult.PASSED) for rule in EACH],
        ("wait", None, Rule.STEP_CONDITION, RuleResult.PASSED),
        ("wait", None, Rule.READ, RuleResult.HELD),
    ]
    assert entries(ONLY_LARGE) == [("notify", None, Rule.STEP_CONDITION, RuleResult.SUPPRESSED)]


@pytest.mark.parametrize("rule", STEPS)
def test_every_rule_of_a_step_can_stop(rule):
    found = entries(Suppress(reason=Reason.THROTTLED, rule=rule, step="x"))
    assert found[-1] == ("x", None, rule, RuleResult.SUPPRESSED)
    assert len(found) == (1 if rule is Rule.STEP_CONDITION else 2)


def test_what_else_a_decision_did_has_its_rule_once():
    assert entries(COUNTED, IN_APP)[:2] == [
        ("few", None, Rule.STEP_CONDITION, RuleResult.PASSED),
        ("few", None, Rule.THROTTLE, RuleResult.PASSED),
    ]
    assert entries(JOINED, DIGESTED) == [
        ("gather", None, Rule.STEP_CONDITION, RuleResult.PASSED),
        ("gather", None, Rule.DIGEST, RuleResult.SUPPRESSED),
    ]
    assert entries(NEWEST, IN_APP) == entries(IN_APP)
    cap = Counted(rule=Rule.FREQUENCY_CAP, counter="c", seconds=60)
    assert entries(IN_APP, cap) == entries(IN_APP), "its channel shows it"


def test_what_a_newer_version_decided_is_shown_as_it_is():
    moon = {"type": "moon", "rule": "moon_phase", "reason": "full_moon", "step": "night"}
    assert entries(moon) == [("night", None, "moon_phase", RuleResult.UNKNOWN)]
    rule_alone = msgspec.to_builtins(IN_APP) | {"type": "hold", "rule": "moon_phase", "reason": "full_moon", "due": 1}
    assert entries(rule_alone) == [("notify", "in_app", "moon_phase", RuleResult.UNKNOWN)]


def row(pass_: int, *items: dict[str, Any]) -> dict[str, Any]:
    """The status of a decision about the run."""
    data = {"notification": NOTIFICATION.id, "generation": 0, "pass": pass_, "items": list(items)}
    return {
        "subject": NOTIFICATION.id, "type": "carillon.notification.routed", "at": to_datetime(ACCEPTED + pass_), "data": data
    }  # fmt: skip


def item(outcome: str, **fields: Any) -> dict[str, Any]:
    return {"outcome": outcome, "step": None, "channel": None} | fields


def states(*rows: dict[str, Any]) -> dict[tuple[str | None, str | None], tuple[str, str | None]]:
    return {(one.step, one.channel): (one.state, one.until) for one in channel_states(rows)}


FIRST = row(
    0,
    item("deliver", step="notify", channel=Channel.IN_APP, delivery="d1"),
    item("hold", step="wait", reason="waits_for_read", due="2026-01-05T11:00:00Z"),
)


def test_a_run_waits_at_one_step_until_it_goes_on():
    assert states(FIRST)[("wait", None)] == ("held", "2026-01-05T11:00:00Z")
    read = row(1, item("suppress", step="wait", reason="already_read"))
    assert states(FIRST, read)[("wait", None)] == ("suppressed", None)
    unread = row(1, item("deliver", step="mail", channel=Channel.EMAIL, delivery="d2"))
    assert states(FIRST, unread).keys() == {("notify", "in_app"), ("mail", "email")}


def test_a_channel_that_comes_back_on_its_own_leaves_the_run_where_it_is():
    back = row(1, item("deliver", step="notify", channel=Channel.EMAIL, delivery="d2")) | {"subject": "its step"}
    assert ("wait", None) in states(FIRST, back)


@pytest.mark.parametrize("end", ["digested", "superseded"])
def test_what_goes_as_part_of_another_or_gives_way_has_ended(end):
    ended = row(0, item("gather", step="gather"), item("suppress", step="gather", reason=end))
    assert states(ended) == {("gather", None): (end, None)}
    assert progress(channel_states([ended])) is TimelineState.TERMINAL


def test_a_stop_shows_until_when_it_holds():
    held = row(0, item("hold", reason="stopped", due="2026-01-06T10:00:00Z"))
    (state,) = channel_states([held])
    assert (state.state, state.reason, state.until) == ("held", "stopped", "2026-01-06T10:00:00Z")


def test_what_is_counted_and_what_is_replaced_is_no_state():
    assert states(row(0, item("count"), item("replace"), item("deliver", step="a", channel="email"))).keys() == {
        ("a", "email")
    }
