"""A short wait before the next drain of a consumer, while records come fast.

The price of every hop is per chunk, and aiokafka fetches a partition again only when it was drained: so a wait before
the drain makes chunks larger and fetches fewer. A wait behind a chunk would leave the fetching as it is.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import Final

FAST: Final = 400.0
"""Records per second; where they come more slowly, nobody waits. The router reads an event twice: as one, and as notifications."""
ENOUGH: Final = 250
"""Records of one drain that are worth a chunk: more of them are there already."""
MEMORY_SECONDS: Final = 0.5
"""How far back the average of the rate looks."""


class Linger:
    """Follows the rate of one consumer's records."""

    def __init__(self, seconds: float, *, fast: float = FAST, clock: Callable[[], float] = time.monotonic) -> None:
        """`seconds` to wait before a drain when more than `fast` records come in a second; 0: never."""
        self._seconds = seconds
        self._fast = fast
        self._clock = clock
        self._rate = 0.0
        self._at = clock()
        self._last = 0

    def drained(self, count: int) -> None:
        """A drain brought `count` records."""
        now = self._clock()
        faded = math.exp((self._at - now) / MEMORY_SECONDS)
        self._rate = self._rate * faded + count / MEMORY_SECONDS
        self._at, self._last = now, count

    @property
    def seconds(self) -> float:
        """How long to wait before the next drain."""
        return self._seconds if self._rate > self._fast and self._last < ENOUGH else 0.0

    async def wait(self) -> None:
        """Waits before the next drain, if records come fast."""
        if (seconds := self.seconds) > 0:
            await asyncio.sleep(seconds)
