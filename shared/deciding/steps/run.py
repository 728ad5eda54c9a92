"""A notification at one step of its workflow, and what the step made of it."""

from __future__ import annotations

from enum import Enum

import msgspec

from shared.deciding.facts import Facts
from shared.deciding.items import HoldUntil, RoutingItem, Suppress
from shared.deciding.routing_input import RoutingInput
from shared.model.holds import Cause
from shared.model.reasons import Reason
from shared.model.rules import Rule
from shared.model.steps import Step
from shared.model.workflows import Workflow


class StepRun(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where the notification stands."""

    inputs: RoutingInput
    workflow: Workflow
    step: Step
    facts: Facts

    def hold(self, reason: Reason, rule: Rule, cause: Cause, due: int, digest: str | None = None) -> HoldUntil:
        """The run waits at this step. What waits may expire so much later, unless its producer said when."""
        about = self.inputs.notification
        expires_at: int | None = None
        if about.expires_for_good and digest is None:  # a digest has others, too: it loses the item alone
            due = min(due, about.expires_at)
        else:
            later = due + self.workflow.expires_after_seconds * 1000
            expires_at = later if later > about.expires_at else None
        return HoldUntil(
            reason=reason, rule=rule, cause=cause, due=due, step=self.step.key, digest=digest, expires_at=expires_at
        )

    def suppress(self, reason: Reason, rule: Rule, *, digest: str | None = None, clause: str | None = None) -> Suppress:
        """The step ends, or passes over, what comes to it."""
        return Suppress(reason=reason, rule=rule, step=self.step.key, digest=digest, clause=clause)


class After(Enum):
    """How the run goes on behind a step."""

    NEXT = "next"
    WAITS = "waits"
    ENDS = "ends"
    SECTION = "section"
    """What follows is left out, up to the next delay."""


class StepResult(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the step decided, and how the run goes on."""

    items: tuple[RoutingItem, ...] = ()
    after: After = After.NEXT
    way: tuple[Step, ...] = ()
    """Of a branch: the steps to go through before what follows it."""
