"""The suppression list in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from shared.model.errors import MongoUnavailable
from shared.model.suppressions import Suppression, SuppressionReason
from tests.support.twins.outages import Outages


class MemorySuppressions:
    """A SuppressionList, and the side of it that writes."""

    def __init__(self, *entries: Suppression) -> None:
        self.outages = Outages(MongoUnavailable)
        self.asked: list[Mapping[str, Collection[str]]] = []
        self._rows: dict[tuple[str, str, str, str | None], Suppression] = {_place(entry): entry for entry in entries}

    async def of_addresses(self, wanted: Mapping[str, Collection[str]]) -> dict[tuple[str, str], list[Suppression]]:
        if not any(wanted.values()):
            return {}
        async with self.outages.call():
            self.asked.append(wanted)
            found: dict[tuple[str, str], list[Suppression]] = {}
            for entry in self._rows.values():
                if entry.address in wanted.get(entry.tenant, ()):
                    found.setdefault((entry.tenant, entry.address), []).append(entry)
            return found

    async def put(self, entry: Suppression) -> Suppression:
        async with self.outages.call():
            return self._rows.setdefault(_place(entry), entry)

    async def remove(
        self, tenant: str, address: str, *, category: str | None, reason: SuppressionReason | None = None
    ) -> int:
        async with self.outages.call():
            gone = [
                place
                for place, entry in self._rows.items()
                if (entry.tenant, entry.address, entry.category) == (tenant, address, category)
                and reason in (None, entry.reason)
            ]
            for place in gone:
                del self._rows[place]
            return len(gone)


def _place(entry: Suppression) -> tuple[str, str, str, str | None]:
    return entry.tenant, entry.address, entry.reason, entry.category
