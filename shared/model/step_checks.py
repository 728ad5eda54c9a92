"""What must hold of the steps of a workflow before it is published."""

from __future__ import annotations

import re
from typing import Final

from shared.model.conditions import check_condition, paths
from shared.model.crons import check_cron
from shared.model.data_times import parse_data_time
from shared.model.errors import InvalidWorkflow
from shared.model.step_order import walk
from shared.model.steps import (
    BranchStep,
    ChannelChoice,
    ChannelStep,
    DelayStep,
    DigestStep,
    Step,
    ThrottleStep,
    WaitForReadStep,
)
from shared.model.timestamps import DAY_MS

STEP_KEY: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
DATA_PATH: Final = re.compile(r"data(\.[^.\s]+)+")
ROOTS: Final = ("data", "profile", "event", "presence", "steps")
"""What a condition of a step may ask about."""
OUTCOMES: Final = ("sent", "failed", "read", "seen", "suppressed")
"""What is known of an earlier step: true or false."""
MAX_STEPS: Final = 50
MAX_SECONDS: Final = 366 * DAY_MS // 1000
MAX_ITEMS: Final = 1_000


def check_steps(steps: tuple[Step, ...]) -> None:
    """Raises InvalidWorkflow, with a pointer, unless there is a step, and each is complete."""
    found = list(walk(steps))
    if not found:
        raise InvalidWorkflow("invalid_workflow", "at least one step", "/steps")
    if len(found) > MAX_STEPS:
        raise InvalidWorkflow("invalid_workflow", f"{len(found)} steps; at most {MAX_STEPS}", "/steps")
    seen: set[str] = set()
    for pointer, step in found:
        if not STEP_KEY.fullmatch(step.key):
            detail = "a step's key is 1 to 64 lower-case letters, digits, - and _"
            raise InvalidWorkflow("invalid_workflow", detail, f"{pointer}/key")
        if step.key in seen:
            raise InvalidWorkflow("invalid_workflow", f"a second step {step.key!r}", f"{pointer}/key")
        if step.when is not None:
            check_condition(step.when, f"{pointer}/when", ROOTS)
        _check(step, pointer, seen)
        seen.add(step.key)
    for pointer, step in found:
        if step.when is not None or isinstance(step, BranchStep):
            _check_mentions(step, pointer, seen)


def _check(step: Step, pointer: str, earlier: set[str]) -> None:
    if isinstance(step, ChannelStep):
        _check_channels(step, pointer)
    elif isinstance(step, DelayStep):
        _check_delay(step, pointer)
    elif isinstance(step, DigestStep):
        _check_digest(step, pointer)
    elif isinstance(step, ThrottleStep):
        if not 1 <= step.most <= MAX_ITEMS:
            raise InvalidWorkflow("invalid_workflow", f"most: 1 to {MAX_ITEMS}", f"{pointer}/most")
        _check_seconds(step.seconds, f"{pointer}/seconds")
        _check_path(step.by, f"{pointer}/by")
    elif isinstance(step, WaitForReadStep):
        _check_seconds(step.seconds, f"{pointer}/seconds")
        if not earlier:
            raise InvalidWorkflow("invalid_workflow", "nothing was sent before it that could be read", pointer)
    elif not step.branches:
        raise InvalidWorkflow("invalid_workflow", "a branch has at least one of branches", f"{pointer}/branches")


def _check_channels(step: ChannelStep, pointer: str) -> None:
    if not step.channels or len(set(step.channels)) < len(step.channels):
        detail = "a step names at least one channel, and each once"
        raise InvalidWorkflow("invalid_workflow", detail, f"{pointer}/channels")
    if step.fallback_after_seconds is not None:
        here = f"{pointer}/fallback_after_seconds"
        if step.deliver is not ChannelChoice.FIRST:
            raise InvalidWorkflow("invalid_workflow", "it needs deliver: first", here)
        _check_seconds(step.fallback_after_seconds, here)


def _check_delay(step: DelayStep, pointer: str) -> None:
    if (step.seconds is None) is (step.until is None):
        raise InvalidWorkflow("invalid_workflow", "a delay has seconds or until, and not both", pointer)
    if step.seconds is not None:
        _check_seconds(step.seconds, f"{pointer}/seconds")
    if step.until is not None:
        parse_data_time(step.until, f"{pointer}/until")


def _check_digest(step: DigestStep, pointer: str) -> None:
    if (step.seconds is None) is (step.cron is None):
        raise InvalidWorkflow("invalid_workflow", "a digest has seconds or cron, and not both", pointer)
    if step.seconds is not None:
        _check_seconds(step.seconds, f"{pointer}/seconds")
    if step.cron is not None:
        check_cron(step.cron, f"{pointer}/cron")
        if step.sliding:
            raise InvalidWorkflow("invalid_workflow", "sliding needs seconds", f"{pointer}/sliding")
    if not 1 <= step.max_items <= MAX_ITEMS:
        raise InvalidWorkflow("invalid_workflow", f"max_items: 1 to {MAX_ITEMS}", f"{pointer}/max_items")
    _check_path(step.by, f"{pointer}/by")


def _check_seconds(seconds: int, pointer: str) -> None:
    if not 1 <= seconds <= MAX_SECONDS:
        raise InvalidWorkflow("invalid_workflow", f"1 to {MAX_SECONDS} seconds", pointer)


def _check_path(path: str | None, pointer: str) -> None:
    if path is not None and not DATA_PATH.fullmatch(path):
        raise InvalidWorkflow("invalid_workflow", "a path below data, as data.thread_id", pointer)


def _check_mentions(step: Step, pointer: str, keys: set[str]) -> None:
    """Conditions name steps that there are."""
    conditions = [] if step.when is None else [(f"{pointer}/when", step.when)]
    if isinstance(step, BranchStep):
        for number, branch in enumerate(step.branches):
            here = f"{pointer}/branches/{number}/when"
            check_condition(branch.when, here, ROOTS)
            conditions.append((here, branch.when))
    for here, condition in conditions:
        for path in paths(condition):
            parts = path.split(".")
            if parts[0] == "steps" and (len(parts) != 3 or parts[1] not in keys or parts[2] not in OUTCOMES):
                detail = f"{path}: write steps.KEY.WORD, of a step of this workflow, with {', '.join(OUTCOMES)}"
                raise InvalidWorkflow("invalid_condition", detail, f"{here}/{path}")
