"""What a decision is made of: a delivery, a hold or a suppression, each of one channel or of the whole."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

import msgspec

from shared.model.channels import Channel
from shared.model.devices import DEFAULT_ENDPOINT
from shared.model.holds import Cause
from shared.model.reasons import Reason
from shared.model.rules import Rule


class ItemOutcome(StrEnum):
    """What an item says: its tag where it is stored, its word in statuses and metrics."""

    DELIVER = "deliver"
    HOLD = "hold"
    SUPPRESS = "suppress"
    COUNT = "count"
    GATHER = "gather"
    REPLACE = "replace"


class DigestChange(StrEnum):
    """What a notification does to a digest."""

    OPEN = "open"
    JOIN = "join"
    SLIDE = "slide"
    """It goes on gathering: others came meanwhile."""
    CLOSE = "close"


class Deliver(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag=ItemOutcome.DELIVER.value):
    """Send it on this channel now. `valid_until` is when the next quiet hours begin."""

    outcome: ClassVar = ItemOutcome.DELIVER
    reason: ClassVar = None

    channel: Channel
    step: str
    address: str
    endpoint: str = DEFAULT_ENDPOINT
    """Which of the user's devices, on a channel that reaches several."""
    name: str | None = None
    locale: str | None = None
    zone: str | None = None
    valid_until: int | None = None
    fallback: tuple[Channel, ...] = ()
    """The step's channels behind this one, for when it fails for good."""
    fallback_at: int | None = None
    """When they are taken if the provider is down."""
    variant: str | None = None
    """Which of the workflow's texts."""
    replaces: str | None = None
    """The notification whose unread inbox item gives way to this one's."""
    without: tuple[str, ...] = ()
    """Of a digest: the items that their own subscriptions keep from this channel."""


class HoldUntil(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag=ItemOutcome.HOLD.value):
    """Decide again at `due`: this channel, or the whole notification when `channel` is None."""

    outcome: ClassVar = ItemOutcome.HOLD
    reason: Reason
    rule: Rule
    cause: Cause
    due: int
    channel: Channel | None = None
    step: str | None = None
    """Where the run goes on."""
    digest: str | None = None
    """The digest that it holds."""
    expires_at: int | None = None
    """What waits so long expires later; None: as before."""


class Suppress(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag=ItemOutcome.SUPPRESS.value):
    """It ends here: this channel, or the whole notification when `channel` is None."""

    outcome: ClassVar = ItemOutcome.SUPPRESS
    reason: Reason
    rule: Rule
    channel: Channel | None = None
    step: str | None = None
    user: str | None = None
    """Who is notified instead: the inline person is this user."""
    life: int = 0
    """That user's life when this was decided: what follows belongs to it, whoever has the id then."""
    keeps: tuple[str, ...] = ()
    """Kinds of the inline person's addresses that go with it: nobody has them."""
    digest: str | None = None
    """The digest that has it instead."""
    clause: str | None = None
    """Of a condition: what did not hold."""


class Counted(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag=ItemOutcome.COUNT.value):
    """It passed a throttle or a cap, and is counted there."""

    outcome: ClassVar = ItemOutcome.COUNT
    reason: ClassVar = None
    rule: Rule
    counter: str
    seconds: int
    """So long it counts."""
    most: int = 1
    """So many may count at once."""
    step: str | None = None


class Gathered(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag=ItemOutcome.GATHER.value):
    """It opened a digest, joined one, or closed one. `due` in milliseconds since the epoch."""

    outcome: ClassVar = ItemOutcome.GATHER
    reason: ClassVar = None
    rule: Rule
    change: DigestChange
    digest: str
    slot: str
    step: str
    due: int = 0
    items: int = 0
    """How many it has now."""
    members: tuple[str, ...] = ()
    """Of one that closes: the notifications that are shown, frozen."""
    opened_at: int = 0
    holder: str | None = None
    hold: str | None = None
    """Of one that is full: the hold to bring forward."""


class Replaced(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag=ItemOutcome.REPLACE.value):
    """It is the newest of its collapse key now, in place of `notification`; or of the one that it names."""

    outcome: ClassVar = ItemOutcome.REPLACE
    reason: ClassVar = None
    rule: Rule
    slot: str
    notification: str | None = None
    named: bool = False
    """Its producer named the other one, which gives way whether it is read or not."""


RoutingItem = Deliver | HoldUntil | Suppress | Counted | Gathered | Replaced
