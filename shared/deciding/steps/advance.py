"""Where the kinds of steps go: one pure file each, one entry in `ADVANCE`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from shared.deciding.steps import branch, channel, delay, digest, throttle, wait_for_read
from shared.deciding.steps.run import StepResult, StepRun
from shared.model.records import Kind
from shared.model.steps import StepKind

Advance = Callable[[StepRun, Kind, int], StepResult]
ADVANCE: Final[dict[StepKind, Advance]] = {
    StepKind.CHANNEL: channel.advance,
    StepKind.DELAY: delay.advance,
    StepKind.DIGEST: digest.advance,
    StepKind.THROTTLE: throttle.advance,
    StepKind.WAIT_FOR_READ: wait_for_read.advance,
    StepKind.BRANCH: branch.advance,
}


def advance(run: StepRun, event: Kind, now: int) -> StepResult:
    """What the step does when `event` happens to its run at `now` (milliseconds since the epoch).

    NOTIFY: the run comes to the step. RELEASE: what the step waited for is over.
    """
    return ADVANCE[run.step.kind](run, event, now)
