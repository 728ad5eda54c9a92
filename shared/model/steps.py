"""The steps of a workflow: each has a key, from which ids derive, and a kind."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

import msgspec

from shared.model.channels import Channel
from shared.model.errors import InvalidWorkflow

STEP_KEY: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class StepKind(StrEnum):
    """What a step does (the vocabulary of Knock and Novu)."""

    CHANNEL = "channel"
    DELAY = "delay"
    DIGEST = "digest"
    THROTTLE = "throttle"
    WAIT_FOR_READ = "wait_for_read"
    BRANCH = "branch"


AVAILABLE_KINDS: Final = frozenset({StepKind.CHANNEL})
"""A workflow that names another kind is refused: its steps would all be sent at once."""


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step. `key` is unique in its workflow and never changes its meaning: ids derive from it."""

    key: str
    kind: StepKind = StepKind.CHANNEL
    channels: tuple[Channel, ...] = ()
    """Of a step of kind `channel`: all of them get the notification."""


def check_available(steps: object) -> None:
    """Raises InvalidWorkflow where the decoded `steps` name a kind, or a second step, that is not there yet."""
    for position, step in enumerate(steps if isinstance(steps, list) else ()):
        kind = step.get("kind", StepKind.CHANNEL) if isinstance(step, dict) else StepKind.CHANNEL
        if isinstance(kind, str) and kind not in AVAILABLE_KINDS:
            available = ", ".join(sorted(AVAILABLE_KINDS))
            detail = f"steps of kind {kind[:40]} are not available in this version; available: {available}"
            raise InvalidWorkflow("unavailable_step", detail, f"/steps/{position}/kind")
        if position > 0:
            detail = "a second step is not available in this version: it would be sent at once with the first"
            raise InvalidWorkflow("unavailable_step", detail, f"/steps/{position}")


def check_steps(steps: tuple[Step, ...]) -> None:
    """Raises InvalidWorkflow unless there is a step, and each is complete."""
    if not steps:
        raise InvalidWorkflow("invalid_workflow", "at least one step", "/steps")
    for position, step in enumerate(steps):
        if not STEP_KEY.fullmatch(step.key):
            detail = "a step's key is 1 to 64 lower-case letters, digits, - and _"
            raise InvalidWorkflow("invalid_workflow", detail, f"/steps/{position}/key")
        if not step.channels or len(set(step.channels)) < len(step.channels):
            detail = "a step names at least one channel, and each once"
            raise InvalidWorkflow("invalid_workflow", detail, f"/steps/{position}/channels")
