"""What a decision is made of: a delivery, a hold or a suppression, each of one channel or of the whole."""

from __future__ import annotations

import msgspec

from shared.model.channels import Channel
from shared.model.holds import Cause
from shared.model.reasons import Reason
from shared.model.rules import Rule


class Deliver(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="deliver"):
    """Send it on this channel now. `valid_until` is when the next quiet hours begin."""

    channel: Channel
    step: str
    address: str
    name: str | None = None
    locale: str | None = None
    valid_until: int | None = None


class HoldUntil(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="hold"):
    """Decide again at `due`: this channel, or the whole notification when `channel` is None."""

    reason: Reason
    rule: Rule
    cause: Cause
    due: int
    channel: Channel | None = None
    step: str | None = None


class Suppress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="suppress"):
    """It ends here: this channel, or the whole notification when `channel` is None."""

    reason: Reason
    rule: Rule
    channel: Channel | None = None
    step: str | None = None


RoutingItem = Deliver | HoldUntil | Suppress
