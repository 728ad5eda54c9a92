"""Subscriptions: who gets what is sent to a topic, and what of it."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from shared.model import formats
from shared.model.profiles import Preferences


class SubscriptionKey(NamedTuple):
    """Whose, of what."""

    tenant: str
    topic: str
    user: str


class Subscription(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One user's of one topic. What the profile forbids stays forbidden."""

    tenant: str
    topic: str
    user: str
    life: int = 0
    """The user's life that subscribed: whoever has the id later is not subscribed."""
    preferences: Preferences = Preferences()
    """What of the topic the user wants."""
    changed_at: int = 0
    """When they were changed last; milliseconds since the epoch."""
    format: int = formats.OLDEST

    @property
    def key(self) -> SubscriptionKey:
        """What it is found by."""
        return SubscriptionKey(self.tenant, self.topic, self.user)
