"""The pace of fan-outs: a page is read when little waits to be decided and shown, and now and then whatever waits.

All fan-outs of a process take turns here. What is asked about is the same for all of them, so a page that waits keeps
no other one from a turn that it would get.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from shared.model.errors import KafkaUnavailable
from shared.model.fanouts import PAGE

ASK_SECONDS: Final = 0.25
"""At most one look at the log in this time."""
LEAST_SECONDS: Final = 1.0
"""After this a page is read however much waits: a partition that is behind for hours would keep all of them."""
LOOK_SECONDS: Final = 0.02
"""Between two looks at what waits here, which cost nothing."""


class Pace:
    """Turns of one process."""

    def __init__(self, waiting: Callable[[], Awaitable[int]], *, here: Callable[[], int], most: int) -> None:
        """With `most` records in `here` (those that this process has yet to decide), or `waiting` on the log, none is added.

        `waiting` raises KafkaUnavailable.
        """
        self._waiting = waiting
        self._here = here
        self._most = most
        self._turns = 0
        self._asked = self._taken = float("-inf")

    async def turn(self) -> None:
        """Returns when a page may be read."""
        while not await self._is_free():
            await self._rest()
        self._taken = time.monotonic()

    async def _rest(self) -> None:
        """Until something may be different."""
        next_ask = self._asked + ASK_SECONDS - time.monotonic()
        await asyncio.sleep(max(LOOK_SECONDS, min(next_ask, self._taken + LEAST_SECONDS - time.monotonic())))

    async def _is_free(self) -> bool:
        now = time.monotonic()
        if now >= self._taken + LEAST_SECONDS:
            return True
        if self._here() >= self._most:
            return False
        if not self._turns and now >= self._asked + ASK_SECONDS:
            self._asked = now
            try:
                room = self._most - await self._waiting()
            except KafkaUnavailable:
                room = 0
            self._turns = max(0, -(-room // PAGE))
        if not self._turns:
            return False
        self._turns -= 1
        return True
