"""Where the kinds of steps go: one pure file each, one entry in `ADVANCE`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from shared.deciding.steps import channel
from shared.deciding.steps.run import StepResult, StepRun
from shared.model.records import Kind
from shared.model.steps import StepKind

Advance = Callable[[StepRun, Kind, int], StepResult]
ADVANCE: Final[dict[StepKind, Advance]] = {StepKind.CHANNEL: channel.advance}


def advance(run: StepRun, event: Kind, now: int) -> StepResult:
    """What the step does when `event` happens to its run at `now` (milliseconds since the epoch)."""
    return ADVANCE[run.step.kind](run, event, now)
