"""Sockets of processes, in memory. Several holders of the same rows are several processes."""

from __future__ import annotations

from collections.abc import Mapping

from shared.model.connected import ConnectedCounts
from shared.model.errors import MongoUnavailable
from tests.support.twins.outages import Outages


class MemorySocketLeases:
    """A SocketLeaseStore; who is connected comes from `users`."""

    def __init__(
        self, process: str = "", rows: dict[tuple[str, str], int] | None = None, users: set[str] | None = None
    ) -> None:
        self.rows: dict[tuple[str, str], int] = {} if rows is None else rows
        """By process and tenant."""
        self.users: set[str] = set() if users is None else users
        self.calls: list[dict[str, int]] = []
        self.asked = 0
        self.outages = Outages(MongoUnavailable)
        self._process = process

    async def renew(self, sockets: Mapping[str, int]) -> None:
        async with self.outages.call():
            self.calls.append(dict(sockets))
            for tenant, count in sockets.items():
                self.rows[self._process, tenant] = count

    async def gone(self) -> None:
        async with self.outages.call():
            for place in [place for place in self.rows if place[0] == self._process]:
                del self.rows[place]

    async def counts(self, tenant: str) -> ConnectedCounts:
        async with self.outages.call():
            self.asked += 1
            found = [count for (_, name), count in self.rows.items() if name == tenant and count]
            users = sum(key.startswith(f"{tenant}:") for key in self.users)
            return ConnectedCounts(users, sum(found), len(found))
