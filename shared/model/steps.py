"""The steps of a workflow: each has a key, from which ids derive, and a kind (the vocabulary of Knock and Novu)."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

import msgspec

from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.conditions import Condition


class StepKind(StrEnum):
    """What a step does."""

    CHANNEL = "channel"
    DELAY = "delay"
    DIGEST = "digest"
    THROTTLE = "throttle"
    WAIT_FOR_READ = "wait_for_read"
    BRANCH = "branch"


class ChannelChoice(StrEnum):
    """Which channels of a step get the notification."""

    ALL = "all"
    FIRST = "first"
    """The first that reaches the user; the next one when it fails for good."""


class LatePolicy(StrEnum):
    """What happens to what follows a time that is past already."""

    SKIP = "skip"
    """It is left out, up to the next delay: `too_late`."""
    SEND_NOW = "send_now"


class _KeyedStep(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="kind"
):
    key: str
    """Unique in its workflow, and never of another meaning: ids derive from it."""
    when: Condition | None = None
    """It is passed over where this does not hold."""


class ChannelStep(_KeyedStep, frozen=True, kw_only=True, tag=StepKind.CHANNEL.value):
    """Sends on its channels."""

    kind: ClassVar = StepKind.CHANNEL
    channels: tuple[Channel, ...] = ()
    deliver: ChannelChoice = ChannelChoice.ALL
    fallback_after_seconds: int | None = None
    """With `first`: how long a provider may be down before the next channel is taken; None: until it expires."""
    templates: Templates | None = None
    """Texts of its own, before the workflow's."""


class DelayStep(_KeyedStep, frozen=True, kw_only=True, tag=StepKind.DELAY.value):
    """Waits so long, or until a time of the data."""

    kind: ClassVar = StepKind.DELAY
    seconds: int | None = None
    until: str | None = None
    """As `data.booking.start - 24h`."""
    late: LatePolicy = LatePolicy.SKIP


class DigestStep(_KeyedStep, frozen=True, kw_only=True, tag=StepKind.DIGEST.value):
    """Gathers the notifications of a user into one."""

    kind: ClassVar = StepKind.DIGEST
    by: str | None = None
    """A path in the data: a digest for each value there."""
    seconds: int | None = None
    sliding: bool = False
    """Each further item begins the time anew; ten times it at the most."""
    cron: str | None = None
    """In the user's time zone, instead of `seconds`."""
    max_items: int = 100
    """So many are shown; the digest closes when it has them."""
    first_at_once: bool = False
    user_choice: bool = False
    """The user's own frequency comes first."""


class ThrottleStep(_KeyedStep, frozen=True, kw_only=True, tag=StepKind.THROTTLE.value):
    """Lets `most` in `seconds` pass; the others end."""

    kind: ClassVar = StepKind.THROTTLE
    most: int
    seconds: int
    by: str | None = None


class WaitForReadStep(_KeyedStep, frozen=True, kw_only=True, tag=StepKind.WAIT_FOR_READ.value):
    """Waits so long for the inbox item to be read; then nothing more is sent. Unread, the run goes on: it escalates."""

    kind: ClassVar = StepKind.WAIT_FOR_READ
    seconds: int
    seen: bool = False
    """Seen is enough."""


class Branch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One way of a branch."""

    when: Condition
    steps: tuple[Step, ...] = ()


class BranchStep(_KeyedStep, frozen=True, kw_only=True, tag=StepKind.BRANCH.value):
    """Goes the first way whose condition holds, else `otherwise`; then on behind the branch."""

    kind: ClassVar = StepKind.BRANCH
    branches: tuple[Branch, ...] = ()
    otherwise: tuple[Step, ...] = ()


Step = ChannelStep | DelayStep | DigestStep | ThrottleStep | WaitForReadStep | BranchStep
