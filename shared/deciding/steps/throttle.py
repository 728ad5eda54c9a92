"""The step kind `throttle`: so many in so long, for each key; the others end."""

from __future__ import annotations

from collections.abc import Iterable

from shared.deciding.facts import Facts, counter_id, key_of
from shared.deciding.history import Count
from shared.deciding.items import Counted
from shared.deciding.routing_input import RoutingInput
from shared.deciding.steps.run import After, StepResult, StepRun
from shared.model.reasons import Reason
from shared.model.records import Kind
from shared.model.rules import Rule
from shared.model.steps import ThrottleStep


def advance(run: StepRun, event: Kind, now: int) -> StepResult:
    """A notification counts once, however often it comes by, and never against itself."""
    del event
    step, inputs = run.step, run.inputs
    assert isinstance(step, ThrottleStep)  # noqa: S101  # ADVANCE says so
    counter = throttle_id(inputs, step, run.facts)
    counts = inputs.history.counters.get(counter, ()) if inputs.history else ()
    if is_counted(counts, inputs.notification.id):
        return StepResult()
    if recent(counts, now - step.seconds * 1000) >= step.most:
        return StepResult(items=(run.suppress(Reason.THROTTLED, Rule.THROTTLE),), after=After.ENDS)
    return StepResult(
        items=(Counted(rule=Rule.THROTTLE, counter=counter, seconds=step.seconds, most=step.most, step=step.key),)
    )


def throttle_id(inputs: RoutingInput, step: ThrottleStep, facts: Facts) -> str:
    """The counter of the step for this user and key."""
    by = key_of(facts(step.by)) if step.by is not None else ""
    about = inputs.notification
    return counter_id(about, about.life, "throttle", about.workflow, step.key, by)


def is_counted(counts: Iterable[Count], notification: str) -> bool:
    """Whether the notification is among them."""
    return any(count.notification == notification for count in counts)


def recent(counts: Iterable[Count], since: int) -> int:
    """How many are later than `since` (milliseconds since the epoch)."""
    return sum(1 for count in counts if count.at > since)
