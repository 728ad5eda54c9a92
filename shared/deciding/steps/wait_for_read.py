"""The step kind `wait_for_read`: what is read in time needs no louder channel; what is not, escalates."""

from __future__ import annotations

from shared.deciding.steps.run import After, StepResult, StepRun
from shared.model.holds import Cause
from shared.model.reasons import Reason
from shared.model.records import Kind
from shared.model.rules import Rule
from shared.model.steps import WaitForReadStep


def advance(run: StepRun, event: Kind, now: int) -> StepResult:
    """Waits once, then looks: read (or seen, where that is enough), the run ends."""
    step = run.step
    assert isinstance(step, WaitForReadStep)  # noqa: S101  # ADVANCE says so
    if event is not Kind.RELEASE:
        due = now + step.seconds * 1000
        hold = run.hold(Reason.WAITS_FOR_READ, Rule.READ, Cause.WAIT_FOR_READ, due)
        return StepResult(items=(hold,), after=After.WAITS)
    history = run.inputs.history
    outcomes = history.outcomes.values() if history else ()
    if any(outcome.read or (step.seen and outcome.seen) for outcome in outcomes):
        return StepResult(items=(run.suppress(Reason.ALREADY_READ, Rule.READ),), after=After.ENDS)
    return StepResult()
