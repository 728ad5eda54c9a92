"""The rules of `decide` by name: the router asks them in this order, `why` tells them in it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Rule(StrEnum):
    """Each is asked only when those before it passed."""

    WORKFLOW = "workflow"
    EXPIRY = "expiry"
    CANCEL = "cancel"
    STOP = "stop"
    COLLAPSE = "collapse"
    DUE = "due"
    RECIPIENT = "recipient"
    SUBSCRIPTION = "subscription"
    NOTIFICATION_PREFERENCE = "notification_preference"
    MUTE = "mute"
    STEP_CONDITION = "step_condition"
    DELAY = "delay"
    DIGEST = "digest"
    THROTTLE = "throttle"
    READ = "read"
    BRANCH = "branch"
    CHANNEL_STOP = "channel_stop"
    CHANNEL_PREFERENCE = "channel_preference"
    ADDRESS = "address"
    SUPPRESSION = "suppression"
    QUIET_HOURS = "quiet_hours"
    FREQUENCY_CAP = "frequency_cap"
    FALLBACK = "fallback"


WHOLE: Final = (
    Rule.WORKFLOW,
    Rule.EXPIRY,
    Rule.CANCEL,
    Rule.STOP,
    Rule.COLLAPSE,
    Rule.DUE,
    Rule.RECIPIENT,
    Rule.SUBSCRIPTION,
    Rule.NOTIFICATION_PREFERENCE,
    Rule.MUTE,
)
"""About the notification as a whole, each time it is decided."""
STEPS: Final = (Rule.STEP_CONDITION, Rule.DELAY, Rule.DIGEST, Rule.THROTTLE, Rule.READ, Rule.BRANCH)
"""About a step of its run: that of the step's kind alone."""
EACH: Final = (
    Rule.CHANNEL_STOP,
    Rule.CHANNEL_PREFERENCE,
    Rule.ADDRESS,
    Rule.SUPPRESSION,
    Rule.QUIET_HOURS,
    Rule.FREQUENCY_CAP,
    Rule.FALLBACK,
)
"""About each channel on its own."""
