"""The channels, their lanes and what the rules need to know of each (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Lane(StrEnum):
    """Two queues per channel, so that a campaign never stands in front of a one-time code."""

    NORMAL = "normal"
    EXPRESS = "express"


@dataclass(frozen=True, kw_only=True)
class ChannelSpec:
    """What the rules need to know of a channel."""

    noisy: bool
    """Quiet hours apply."""
    lanes: tuple[Lane, ...]
    """in_app has one lane: its offsets are the inbox cursor."""
    address: str | None
    """The name of the profile's address it needs; None: the user id is enough."""


class Channel(StrEnum):
    """Where a delivery goes. A new channel is a member here, a row in CHANNEL_SPECS, a sender and a manifest."""

    IN_APP = "in_app"
    EMAIL = "email"
    WEBHOOK = "webhook"

    @property
    def spec(self) -> ChannelSpec:
        """The channel's row in CHANNEL_SPECS."""
        return CHANNEL_SPECS[self]


BOTH_LANES = (Lane.NORMAL, Lane.EXPRESS)
CHANNEL_SPECS: dict[Channel, ChannelSpec] = {
    Channel.IN_APP: ChannelSpec(noisy=False, lanes=(Lane.NORMAL,), address=None),
    Channel.EMAIL: ChannelSpec(noisy=True, lanes=BOTH_LANES, address="email"),
    Channel.WEBHOOK: ChannelSpec(noisy=False, lanes=BOTH_LANES, address="webhook"),
}
