"""Stored expansions in memory."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from services.router.core.expansion import Expansion
from shared.model.errors import MongoUnavailable
from tests.support.twins.outages import Outages


class MemoryExpansions:
    """An ExpansionStore."""

    def __init__(self) -> None:
        self.rows: dict[str, Expansion] = {}
        self.outages = Outages(MongoUnavailable)

    async def insert(self, expansions: Sequence[Expansion]) -> list[Expansion]:
        carried = []
        async with self.outages.call():
            for expansion in expansions:
                stored, received = self.rows.setdefault(expansion.id, expansion), expansion.received
                if stored.received.record.coordinates == received.record.coordinates:
                    received = msgspec.structs.replace(received, accepted_at=stored.received.accepted_at)
                    carried.append(Expansion(received=received, workflows=stored.workflows))
        return carried
