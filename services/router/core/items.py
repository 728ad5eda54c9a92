"""What a decision is made of: a delivery, a hold or a suppression, each of one channel or of the whole."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

import msgspec

from shared.model.channels import Channel
from shared.model.holds import Cause
from shared.model.reasons import Reason
from shared.model.rules import Rule


class ItemOutcome(StrEnum):
    """What an item says: its tag where it is stored, its word in statuses and metrics."""

    DELIVER = "deliver"
    HOLD = "hold"
    SUPPRESS = "suppress"


class Deliver(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag=ItemOutcome.DELIVER.value):
    """Send it on this channel now. `valid_until` is when the next quiet hours begin."""

    outcome: ClassVar = ItemOutcome.DELIVER
    reason: ClassVar = None

    channel: Channel
    step: str
    address: str
    name: str | None = None
    locale: str | None = None
    valid_until: int | None = None


class HoldUntil(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag=ItemOutcome.HOLD.value):
    """Decide again at `due`: this channel, or the whole notification when `channel` is None."""

    outcome: ClassVar = ItemOutcome.HOLD
    reason: Reason
    rule: Rule
    cause: Cause
    due: int
    channel: Channel | None = None
    step: str | None = None


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


RoutingItem = Deliver | HoldUntil | Suppress
