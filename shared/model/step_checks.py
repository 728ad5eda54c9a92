"""What must hold of the steps of a workflow before it is published."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator
from typing import Final

from shared.model.channels import Channel
from shared.model.conditions import Condition, check_condition, clauses
from shared.model.crons import check_cron
from shared.model.data_times import parse_data_time
from shared.model.errors import InvalidWorkflow, faults_of
from shared.model.profile_lookup import PROFILE_NAMES, check_profile_clause
from shared.model.step_order import walk
from shared.model.steps import (
    BranchStep,
    ChannelChoice,
    ChannelStep,
    DelayStep,
    DigestStep,
    Step,
    StepKind,
    ThrottleStep,
    WaitForReadStep,
)
from shared.model.timestamps import DAY_MS

STEP_KEY: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
DATA_PATH: Final = re.compile(r"data(\.[^.\s\[\]]+)+")
"""No entry of a list, as in a condition."""
ROOTS: Final = ("data", "profile", "event", "presence", "steps")
"""What a condition of a step may ask about."""
OUTCOMES: Final = ("sent", "failed", "read", "seen", "suppressed")
"""What is known of an earlier step: true or false."""
KNOWN: Final = {
    "profile": PROFILE_NAMES,
    "event": ("type", "id"),
    "presence": ("online",),
}
"""What is known by these names when a step is decided."""
MAX_STEPS: Final = 50
MAX_SECONDS: Final = 366 * DAY_MS // 1000
MAX_ITEMS: Final = 1_000


def step_faults(steps: tuple[Step, ...]) -> Iterator[InvalidWorkflow]:
    """Everything that is wrong with the steps of a workflow, each with a pointer."""
    found = list(walk(steps))
    if not found:
        yield _fault("at least one step", "/steps")
    if len(found) > MAX_STEPS:
        yield _fault(f"{len(found)} steps; at most {MAX_STEPS}", "/steps")
    earlier: dict[str, Step] = {}
    for pointer, step in found[: MAX_STEPS * 2]:
        if not STEP_KEY.fullmatch(step.key):
            yield _fault("a step's key is 1 to 64 lower-case letters, digits, - and _", f"{pointer}/key")
        if step.key in earlier:
            yield _fault(f"a second step {step.key!r}", f"{pointer}/key")
        yield from _CHECKS[step.kind](step, pointer)
        for here, condition in _conditions(step, pointer):
            yield from _condition_faults(condition, here, earlier)
        if isinstance(step, WaitForReadStep) and not any(map(_reaches_inbox, earlier.values())):
            yield _fault("nothing was sent to the inbox before it that could be read", pointer)
        earlier[step.key] = step
    if found and not any(isinstance(step, ChannelStep) for _, step in found):
        yield _fault("nothing is sent: at least one step names channels", "/steps")


def _fault(detail: str, pointer: str) -> InvalidWorkflow:
    return InvalidWorkflow("invalid_workflow", detail, pointer)


def _reaches_inbox(step: Step) -> bool:
    return isinstance(step, ChannelStep) and Channel.IN_APP in step.channels


def _channel(step: ChannelStep, pointer: str) -> Iterator[InvalidWorkflow]:
    if not step.channels or len(set(step.channels)) < len(step.channels):
        yield _fault("a step names at least one channel, and each once", f"{pointer}/channels")
    if step.fallback_after_seconds is not None:
        here = f"{pointer}/fallback_after_seconds"
        if step.deliver is not ChannelChoice.FIRST:
            yield _fault("it needs deliver: first", here)
        yield from _seconds(step.fallback_after_seconds, here)


def _delay(step: DelayStep, pointer: str) -> Iterator[InvalidWorkflow]:
    if (step.seconds is None) is (step.until is None):
        yield _fault("a delay has seconds or until, and not both", pointer)
    yield from _seconds(step.seconds, f"{pointer}/seconds")
    if step.until is not None:
        yield from faults_of(parse_data_time, step.until, f"{pointer}/until")


def _digest(step: DigestStep, pointer: str) -> Iterator[InvalidWorkflow]:
    if (step.seconds is None) is (step.cron is None):
        yield _fault("a digest has seconds or cron, and not both", pointer)
    yield from _seconds(step.seconds, f"{pointer}/seconds")
    if step.cron is not None:
        yield from faults_of(check_cron, step.cron, f"{pointer}/cron")
        if step.sliding:
            yield _fault("sliding needs seconds", f"{pointer}/sliding")
    if not 1 <= step.max_items <= MAX_ITEMS:
        yield _fault(f"max_items: 1 to {MAX_ITEMS}", f"{pointer}/max_items")
    yield from _path(step.by, f"{pointer}/by")


def _throttle(step: ThrottleStep, pointer: str) -> Iterator[InvalidWorkflow]:
    if not 1 <= step.most <= MAX_ITEMS:
        yield _fault(f"most: 1 to {MAX_ITEMS}", f"{pointer}/most")
    yield from _seconds(step.seconds, f"{pointer}/seconds")
    yield from _path(step.by, f"{pointer}/by")


def _wait_for_read(step: WaitForReadStep, pointer: str) -> Iterator[InvalidWorkflow]:
    yield from _seconds(step.seconds, f"{pointer}/seconds")


def _branch(step: BranchStep, pointer: str) -> Iterator[InvalidWorkflow]:
    if not 1 <= len(step.branches) <= MAX_STEPS:
        yield _fault(f"a branch has 1 to {MAX_STEPS} branches", f"{pointer}/branches")


_CHECKS: Final[dict[StepKind, Callable[..., Iterator[InvalidWorkflow]]]] = {
    StepKind.CHANNEL: _channel,
    StepKind.DELAY: _delay,
    StepKind.DIGEST: _digest,
    StepKind.THROTTLE: _throttle,
    StepKind.WAIT_FOR_READ: _wait_for_read,
    StepKind.BRANCH: _branch,
}


def _seconds(seconds: int | None, pointer: str) -> Iterator[InvalidWorkflow]:
    if seconds is not None and not 1 <= seconds <= MAX_SECONDS:
        yield _fault(f"1 to {MAX_SECONDS} seconds", pointer)


def _path(path: str | None, pointer: str) -> Iterator[InvalidWorkflow]:
    if path is not None and not DATA_PATH.fullmatch(path):
        yield _fault("a path below data, as data.thread_id", pointer)


def _conditions(step: Step, pointer: str) -> Iterator[tuple[str, Condition]]:
    if step.when is not None:
        yield f"{pointer}/when", step.when
    if isinstance(step, BranchStep):
        for number, branch in enumerate(step.branches):
            yield f"{pointer}/branches/{number}/when", branch.when


def _condition_faults(condition: Condition, pointer: str, earlier: Container[str]) -> Iterator[InvalidWorkflow]:
    """Conditions are well formed, and name steps that stand before them."""
    wrong = list(faults_of(check_condition, condition, pointer, ROOTS))
    yield from wrong
    for path, wanted in () if wrong else clauses(condition):
        yield from faults_of(check_profile_clause, path, wanted, f"{pointer}/{path}")
        parts = path.split(".")
        known = KNOWN.get(parts[0], ())
        if known and (len(parts) != 2 or parts[1] not in known):
            detail = f"{path}: {parts[0]} has {', '.join(known)}"
            yield InvalidWorkflow("invalid_condition", detail, f"{pointer}/{path}")
        if parts[0] == "steps" and (len(parts) != 3 or parts[1] not in earlier or parts[2] not in OUTCOMES):
            detail = f"{path}: write steps.KEY.WORD, of a step before this one, with {', '.join(OUTCOMES)}"
            yield InvalidWorkflow("invalid_condition", detail, f"{pointer}/{path}")
