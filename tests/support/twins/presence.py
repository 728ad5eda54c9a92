"""Who is connected, in memory. Several holders of the same rows are several processes; a lease ends when it is told."""

from __future__ import annotations

from collections.abc import Collection

from shared.model.errors import MongoUnavailable
from tests.support.twins.outages import Outages


class MemoryPresence:
    """A PresenceStore and a PresenceLookup."""

    def __init__(self, process: str = "", rows: dict[str, set[str]] | None = None) -> None:
        self.rows: dict[str, set[str]] = {} if rows is None else rows
        """By user key the processes."""
        self.renewals: list[int] = []
        """How many users each call was about."""
        self.outages = Outages(MongoUnavailable)
        self._process = process

    async def renew(self, users: Collection[str]) -> None:
        async with self.outages.call():
            self.renewals.append(len(users))
            for user in users:
                self.rows.setdefault(user, set()).add(self._process)

    async def gone(self, users: Collection[str]) -> None:
        async with self.outages.call():
            for user in users:
                self.rows.get(user, set()).discard(self._process)

    async def online(self, users: Collection[str]) -> set[str]:
        async with self.outages.call():
            return {user for user in users if self.rows.get(user)}

    def end_leases(self) -> None:
        """As when time has passed."""
        self.rows.clear()
