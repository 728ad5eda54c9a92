"""Inbox items that their users have not deleted themselves: a newer one took their place, or they were withdrawn."""

from __future__ import annotations

from typing import NamedTuple

from shared.model.inbox import InboxItem


class InboxReplacement(NamedTuple):
    """`notification` is in its user's inbox, in the place of `replaces`."""

    tenant: str
    user: str
    life: int
    notification: str
    replaces: str
    named: bool = False
    """Its producer named the other one, which goes whether it is read or not; else while it is unread."""
    test: bool = False
    """A test names nothing but tests, and nobody else names those."""


class InboxRemoval(NamedTuple):
    """The items of one user that are gone, and the count without them."""

    tenant: str
    user: str
    life: int
    items: tuple[tuple[InboxItem, str | None], ...]
    """Their states, each with the notification that took its place; None: they were withdrawn. By offset."""
    unread: int
    counted_to: int
    """The largest offset that `unread` counts."""
    unseen: int
    """Of the unread ones those that were not seen."""
