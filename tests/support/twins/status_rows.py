"""The timeline's statuses in memory, as the console's consumer stores them."""

from __future__ import annotations

from collections.abc import Sequence

from services.console.timeline.core.rows import TimelineRow
from shared.model.errors import MongoUnavailable
from tests.support.twins.outages import Outages


class MemoryStatusRows:
    """A StatusStore."""

    def __init__(self) -> None:
        self.rows: dict[str, TimelineRow] = {}
        self.outages = Outages(MongoUnavailable)

    async def insert(self, rows: Sequence[TimelineRow]) -> int:
        async with self.outages.call():
            before = len(self.rows)
            for row in rows:
                self.rows.setdefault(row["_id"], row)
            return len(self.rows) - before
