"""Rows from before they named their step, items of newer versions, and what handling an inbox item means."""

from __future__ import annotations

import pytest

from shared.deciding.history import StepOutcome
from shared.deciding.step_outcomes import ChannelFact, ChannelResult, decided_facts, inbox_fact, outcomes_of

OPEN, SENT = ChannelResult.OPEN, ChannelResult.SENT


def test_a_row_without_a_step_is_of_the_only_one_that_sends_on_its_channel() -> None:
    old = [ChannelFact(None, "email", SENT)]
    one = [ChannelFact("a", "email", OPEN), ChannelFact("b", "webhook", OPEN)]
    assert outcomes_of(one, old) == {
        "a": StepOutcome(sent=True, had_by=("email",)), "b": StepOutcome(had_by=("webhook",))
    }  # fmt: skip
    two = [*one, ChannelFact("b", "email", OPEN)]
    assert outcomes_of(two, old) == {
        "a": StepOutcome(had_by=("email",)), "b": StepOutcome(had_by=("email", "webhook"))
    }  # fmt: skip
    assert outcomes_of([], old) == {}


def test_items_of_a_newer_version_say_nothing_here() -> None:
    assert decided_facts([{"type": "teleport", "step": "a", "channel": "email"}, {"type": "deliver"}, {}]) == []


def test_a_hold_of_the_run_is_none_of_its_step() -> None:
    assert decided_facts([{"type": "hold", "step": "next", "reason": "delayed"}]) == []


@pytest.mark.parametrize(
    ("done", "read", "seen"),
    [
        (set(), False, False),
        ({"seen"}, False, True),
        ({"read"}, True, True),
        ({"archived"}, True, True),
        ({"deleted"}, True, True),
    ],
)
def test_what_its_user_has_handled_is_read(done: set[str], read: bool, seen: bool) -> None:
    fact = inbox_fact("s", **{name: name in done for name in ("read", "seen", "archived", "deleted")})
    assert (fact.read, fact.seen, fact.result) == (read, seen, SENT)


def test_endpoints_of_one_channel_count_together() -> None:
    made = [ChannelFact("a", "webhook", ChannelResult.FAILED), ChannelFact("a", "webhook", SENT)]
    assert outcomes_of([ChannelFact("a", "webhook", OPEN)], made) == {"a": StepOutcome(sent=True, had_by=("webhook",))}
