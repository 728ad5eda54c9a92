"""What the in_app channel writes to, and what it asks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from shared.model.inbox import InboxItem
from shared.model.inbox_replacements import InboxRemoval, InboxReplacement
from shared.model.notifications import Notification
from shared.model.withdrawals import InboxWithdrawal
from shared.mongo.inbox_writing import NewInboxRow


class InboxRowStore(Protocol):
    """Where inbox rows are kept. All methods raise MongoUnavailable."""

    async def insert(self, rows: Sequence[NewInboxRow], /) -> dict[str, InboxItem]:
        """Inserts, the first insert wins; returns by delivery what was there before."""
        ...

    async def find(self, deliveries: Iterable[str], /) -> dict[str, InboxItem]:
        """By delivery the items of rows that exist, as they were announced first."""
        ...

    async def first_items(self, notifications: Collection[Notification], /) -> dict[str, str]:
        """By notification the delivery whose item has its id; of those that have one."""
        ...

    async def replace(self, replacements: Sequence[InboxReplacement], /) -> list[InboxRemoval]:
        """Deletes what is replaced and still unread; returns what these have replaced, now or before, by user."""
        ...

    async def withdraw(self, withdrawals: Sequence[InboxWithdrawal], /) -> list[InboxRemoval]:
        """Deletes what is withdrawn, read or not; returns what these have taken out, now or before, by user."""
        ...

    async def erase(self, tenant: str, user: str, life: int, /) -> None:
        """Erases the rows of the user's lives before `life`; may be repeated."""
        ...


class WithdrawnKeys(Protocol):
    """Which cancellation keys are withdrawn."""

    async def withdrawn(self, notifications: Sequence[Notification], /) -> list[int]:
        """Of each notification's key, in order, the counter up to which it is withdrawn; 0 where it never was.

        Raises MongoUnavailable.
        """
        ...
