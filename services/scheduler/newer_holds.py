"""Holds that only a newer scheduler can release: counted now and then, shown by /readyz, the log and a metric."""

from __future__ import annotations

import time
from typing import Final, Protocol

import structlog

from shared.model import formats
from shared.process.metrics import HOLDS_AS_TOPIC, NEWER_RECORDS

LOOK_SECONDS: Final = 10.0
MOST: Final = 1_000

log = structlog.get_logger()


class DueNewerHolds(Protocol):
    """Where holds are kept."""

    async def newer(self, most: int, /) -> int:
        """How many due holds only a newer version can release, counted up to `most`. Raises MongoUnavailable."""
        ...


class NewerHolds:
    """What this scheduler leaves to a newer one."""

    def __init__(self, holds: DueNewerHolds) -> None:
        self._holds = holds
        self._looked_at = float("-inf")
        self._count = 0

    async def look(self) -> None:
        """Counts them, at most every LOOK_SECONDS. Raises MongoUnavailable."""
        if time.monotonic() - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        before, self._count = self._count, await self._holds.newer(MOST)
        NEWER_RECORDS.labels(HOLDS_AS_TOPIC).set(self._count)
        if self._count and not before:
            log.error("newer_holds", count=self._count, reads_up_to=formats.FORMAT, next="update this service")

    async def check(self) -> bool | str:
        """For /readyz: True, or how many wait."""
        count = f"{self._count} or more" if self._count == MOST else str(self._count)
        return not self._count or f"{count} due holds wait for a newer version ({formats.FORMAT} is read here)"
