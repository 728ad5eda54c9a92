"""The rules of `decide` by name: the router asks them in this order, `why` tells them in it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Rule(StrEnum):
    """Each is asked only when those before it passed."""

    WORKFLOW = "workflow"
    EXPIRY = "expiry"
    CANCEL = "cancel"
    DUE = "due"
    RECIPIENT = "recipient"
    NOTIFICATION_PREFERENCE = "notification_preference"
    CHANNEL_PREFERENCE = "channel_preference"
    ADDRESS = "address"
    QUIET_HOURS = "quiet_hours"


EACH: Final = (Rule.CHANNEL_PREFERENCE, Rule.ADDRESS, Rule.QUIET_HOURS)
"""About each channel on its own."""
WHOLE: Final = tuple(rule for rule in Rule if rule not in EACH)
"""About the notification as a whole."""
