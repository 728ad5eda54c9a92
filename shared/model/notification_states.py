"""The states of a notification, and what may follow each: the last word of `carillon.notification.*`."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class NotificationState(StrEnum):
    """What the last decision about a notification, or about one channel of it, came to."""

    ACCEPTED = "accepted"
    """Not decided yet."""
    ROUTED = "routed"
    """At least one channel has it; its run may go on."""
    HELD = "held"
    """It waits, and is decided again."""
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DIGESTED = "digested"
    """It goes as part of another one."""
    SUPERSEDED = "superseded"
    """A newer one about the same took its place."""


_DECIDED: Final = frozenset(NotificationState) - {NotificationState.ACCEPTED}
NOTIFICATION_TRANSITIONS: Final[Mapping[NotificationState, frozenset[NotificationState]]] = {
    NotificationState.ACCEPTED: _DECIDED,
    NotificationState.HELD: _DECIDED,
    NotificationState.ROUTED: _DECIDED,
    NotificationState.SUPPRESSED: frozenset(),
    NotificationState.CANCELLED: frozenset(),
    NotificationState.EXPIRED: frozenset(),
    NotificationState.DIGESTED: frozenset(),
    NotificationState.SUPERSEDED: frozenset(),
}
"""What the next decision may come to, within one generation. Routed is where its deliveries go on by themselves."""
ENDED: Final = frozenset(state for state, following in NOTIFICATION_TRANSITIONS.items() if not following)
"""It made no delivery of its own, and nothing more is decided."""
