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


class Pace:
    """Turns of one process."""

    def __init__(self, waiting: Callable[[], Awaitable[int]], *, most: int) -> None:
        """`waiting` counts the records that are not done; it raises KafkaUnavailable. With `most` of them none is added."""
        self._waiting = waiting
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
        next_look = min(self._asked + ASK_SECONDS, self._taken + LEAST_SECONDS)
        await asyncio.sleep(max(0.0, next_look - time.monotonic()))

    async def _is_free(self) -> bool:
        if not self._turns and time.monotonic() >= self._asked + ASK_SECONDS:
            self._asked = time.monotonic()
            try:
                room = self._most - await self._waiting()
            except KafkaUnavailable:
                room = 0
            self._turns = max(0, -(-room // PAGE))
        if self._turns:
            self._turns -= 1
            return True
        return time.monotonic() >= self._taken + LEAST_SECONDS
