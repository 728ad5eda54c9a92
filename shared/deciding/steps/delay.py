"""The step kind `delay`: so long, or until a time that the data names."""

from __future__ import annotations

from shared.deciding.steps.run import After, StepResult, StepRun
from shared.model.data_times import instant_of, parse_data_time
from shared.model.holds import Cause
from shared.model.reasons import Reason
from shared.model.records import Kind
from shared.model.rules import Rule
from shared.model.steps import DelayStep, LatePolicy


def advance(run: StepRun, event: Kind, now: int) -> StepResult:
    """Waits once. A time that is past, or missing, leaves out what follows up to the next delay."""
    step = run.step
    assert isinstance(step, DelayStep)  # noqa: S101  # ADVANCE says so
    if event is Kind.RELEASE:
        return StepResult()
    due = _due(run, step, now)
    if due is None:
        return StepResult(items=(run.suppress(Reason.NO_TIME, Rule.DELAY),), after=After.SECTION)
    if due > now:
        return StepResult(items=(run.hold(Reason.DELAYED, Rule.DELAY, Cause.DELAY, due),), after=After.WAITS)
    if step.late is LatePolicy.SEND_NOW:
        return StepResult()
    return StepResult(items=(run.suppress(Reason.TOO_LATE, Rule.DELAY),), after=After.SECTION)


def _due(run: StepRun, step: DelayStep, now: int) -> int | None:
    if step.until is None:
        return now + (step.seconds or 0) * 1000
    path, offset = parse_data_time(step.until, "")
    instant = instant_of(run.facts(path))
    return None if instant is None else instant + offset
