"""What the steps of a workflow look at beside the notification and its user."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from shared.model.conditions import paths
from shared.model.step_order import walk
from shared.model.steps import BranchStep, DigestStep, Step, ThrottleStep, WaitForReadStep


class Asks(StrEnum):
    """What is read for its runs; what no step asks for is not."""

    COUNTERS = "counters"
    DIGESTS = "digests"
    STEPS = "steps"
    """What became of earlier steps."""
    PRESENCE = "presence"


def asks_of(steps: Sequence[Step]) -> frozenset[Asks]:
    """Of all steps together."""
    found: set[Asks] = set()
    for _, step in walk(steps):
        if isinstance(step, ThrottleStep):
            found.add(Asks.COUNTERS)
        elif isinstance(step, DigestStep):
            found.add(Asks.DIGESTS)
        elif isinstance(step, WaitForReadStep):
            found.add(Asks.STEPS)
        ways = [branch.when for branch in step.branches] if isinstance(step, BranchStep) else []
        roots = {path.partition(".")[0] for when in (step.when, *ways) for path in paths(when)}
        found |= {asks for asks in (Asks.STEPS, Asks.PRESENCE) if asks in roots}
    return frozenset(found)
