"""The counters of cancellation keys in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from shared.model.errors import MongoUnavailable
from shared.model.notifications import Notification
from tests.support.twins.outages import Outages


class MemoryCancellations:
    """A CancellationCounter, and the side of it that counts."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._highest = 0
        self._withdrawn: dict[tuple[str, str], int] = {}
        self.outages = Outages(MongoUnavailable)

    async def count(self, tenant: str, cancellation_key: str) -> int:
        async with self.outages.call():
            return self._counts[tenant, cancellation_key]

    async def counts(self, notifications: Sequence[Notification]) -> list[int]:
        async with self.outages.call():
            return [self._counts[one.tenant, one.cancellation_key or ""] for one in notifications]

    async def withdrawn(self, notifications: Sequence[Notification]) -> list[int]:
        async with self.outages.call():
            return [self._withdrawn.get((one.tenant, one.cancellation_key or ""), 0) for one in notifications]

    async def cancel(self, tenant: str, cancellation_key: str, *, withdraw: bool = False) -> int:
        async with self.outages.call():
            place = (tenant, cancellation_key)
            self._highest += 1
            self._counts[place] = self._counts[place] + 1 if place in self._counts else self._highest
            if withdraw:
                self._withdrawn[place] = self._counts[place]
            return self._counts[place]

    def forget(self, tenant: str, cancellation_key: str) -> None:
        """As when its row has expired."""
        del self._counts[tenant, cancellation_key]
        self._withdrawn.pop((tenant, cancellation_key), None)
