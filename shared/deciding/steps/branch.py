"""The step kind `branch`: the first way that is open, else `otherwise`."""

from __future__ import annotations

from shared.deciding.steps.run import StepResult, StepRun
from shared.model.conditions import holds
from shared.model.reasons import Reason
from shared.model.records import Kind
from shared.model.rules import Rule
from shared.model.steps import BranchStep


def advance(run: StepRun, event: Kind, now: int) -> StepResult:
    """Chooses a way; behind it the run goes on with what follows the branch."""
    del event, now
    step = run.step
    assert isinstance(step, BranchStep)  # noqa: S101  # ADVANCE says so
    for branch in step.branches:
        if holds(branch.when, run.facts):
            return StepResult(way=branch.steps)
    if step.otherwise:
        return StepResult(way=step.otherwise)
    return StepResult(items=(run.suppress(Reason.NO_BRANCH, Rule.BRANCH),))
