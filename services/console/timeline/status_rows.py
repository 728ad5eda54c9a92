"""The statuses of the `timeline` collection, as the console's consumer stores them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from services.console.timeline.core.rows import TimelineRow
from shared.mongo.bulk import insert_new
from shared.mongo.database import Database


class StatusStore(Protocol):
    """Where statuses are kept: the `timeline` collection, or in memory."""

    async def insert(self, rows: Sequence[TimelineRow], /) -> int:
        """Stores rows and returns how many are new; the others stay as they are. Raises MongoUnavailable."""
        ...


class StatusRows:
    """The `timeline` collection. All methods raise MongoUnavailable."""

    def __init__(self, database: Database) -> None:
        self._rows = database.timeline

    async def insert(self, rows: Sequence[TimelineRow]) -> int:
        """Inserts in one bulk, the first insert wins; returns how many are new."""
        return len(rows) - len(await insert_new(self._rows, rows))
