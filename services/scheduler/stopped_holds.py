"""What waits, and what emergency stops hold of it: counted now and then, shown by metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from shared.process.metrics import HOLDS, STOPPED_HOLDS, STOPS
from shared.process.retries import retry_until_available

LOOK_SECONDS: Final = 15.0
MAX_COUNTED: Final = 100_000

CountStops = Callable[[], Awaitable[int]]
"""How many stops are in place. Raises MongoUnavailable."""


class StoppedHoldCounter(Protocol):
    """Where holds are kept."""

    async def count(self) -> int:
        """How many holds there are, or were a moment ago. Raises MongoUnavailable."""
        ...

    async def count_stopped(self, tenant: str | None, *, most: int) -> int:
        """How many holds of the tenant (None: of all) a stop has caused, counted up to `most`.

        Raises MongoUnavailable.
        """
        ...


async def watch_stops(holds: StoppedHoldCounter, count_stops: CountStops) -> None:
    """Counts them every 15 s until cancelled."""
    while True:
        await retry_until_available(look_at_stops, holds, count_stops)
        await asyncio.sleep(LOOK_SECONDS)


async def look_at_stops(holds: StoppedHoldCounter, count_stops: CountStops) -> None:
    """How much waits, how many stops are in place, and how much they hold. Raises MongoUnavailable."""
    HOLDS.set(await holds.count())
    STOPS.set(await count_stops())
    STOPPED_HOLDS.set(await holds.count_stopped(None, most=MAX_COUNTED))
