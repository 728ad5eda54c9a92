"""What emergency stops hold: counted now and then, shown by metrics."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from shared.process.metrics import STOPPED_HOLDS, STOPS

LOOK_SECONDS: Final = 15.0
MAX_COUNTED: Final = 100_000


class StoppedHoldCounter(Protocol):
    """Where holds are kept."""

    async def count_stopped(self, tenant: str | None, *, most: int) -> int:
        """How many holds of the tenant (None: of all) a stop has caused, counted up to `most`.

        Raises MongoUnavailable.
        """
        ...


class StopWatch:
    """How many stops are in place, and how much they hold."""

    def __init__(self, holds: StoppedHoldCounter, count_stops: Callable[[], Awaitable[int]]) -> None:
        self._holds = holds
        self._count_stops = count_stops
        self._looked_at = float("-inf")

    async def look(self) -> None:
        """Counts them, at most every LOOK_SECONDS. Raises MongoUnavailable."""
        if time.monotonic() - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        STOPS.set(await self._count_stops())
        STOPPED_HOLDS.set(await self._holds.count_stopped(None, most=MAX_COUNTED))
