"""The notifications that one event started."""

from __future__ import annotations

import msgspec


class StartedNotification(msgspec.Struct, frozen=True, kw_only=True):
    """One of its notifications."""

    id: str
    user: str
    workflow: str | None
    last: str
    """The type of its last status."""


class StartedNotifications(msgspec.Struct, frozen=True, kw_only=True):
    """The notifications of one event, by user; empty when it started none, with the reason if there is one."""

    event: str
    notifications: list[StartedNotification]
    reason: str | None = None
