"""Inbox items whose time has come: those that are over are deleted, and those that were snoozed are back."""

from __future__ import annotations

from typing import NamedTuple

from shared.model.inbox import Change, InboxItem


class TimedChange(NamedTuple):
    """What time did to items of one user, and the count after it."""

    tenant: str
    user: str
    life: int
    change: Change
    """EXPIRED or UNSNOOZED."""
    items: tuple[InboxItem, ...]
    """Their states, by offset."""
    unread: int
    counted_to: int
    """The largest offset that `unread` counts."""
    unseen: int
    """Of the unread ones those that were not seen."""


class TimedChanges(NamedTuple):
    """What one process has taken to tell, until it says that it is told."""

    token: str
    rows: tuple[str, ...]
    """The ids of the rows."""
    changes: tuple[TimedChange, ...]
    more: bool
    """There may be others that are due."""
