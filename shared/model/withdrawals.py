"""Withdrawing: what was accepted under a cancellation key leaves the inboxes again."""

from __future__ import annotations

from typing import NamedTuple

import msgspec


class Withdrawal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All that was accepted under the key while its counter was smaller than `count`."""

    cancellation_key: str
    count: int


class InboxWithdrawal(NamedTuple):
    """The same, of one inbox."""

    tenant: str
    user: str
    life: int
    what: Withdrawal
    delivery: str | None = None
    """This one alone; None: all that are there."""


class InboxHolders(NamedTuple):
    """Some of those who have anything of a withdrawal in their inboxes."""

    users: tuple[tuple[str, int], ...]
    """Each with the life that it was for."""
    after: str | None
    """How to go on; None: that was all."""
