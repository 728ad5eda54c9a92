"""Failures on demand: the next calls of a twin raise, before or after they had their effect."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.model.errors import Unavailable


class Outages:
    """What the next calls of one twin meet. After the effect: it was stored, and its caller does not know."""

    def __init__(self, error: type[Unavailable]) -> None:
        self._error = error
        self._next: deque[bool] = deque()

    def add(self, calls: int = 1, *, after_effect: bool = False) -> None:
        """The next `calls` that nothing was said about yet raise."""
        self._next.extend([after_effect] * calls)

    @property
    def met(self) -> bool:
        """Whether every failure that was asked for has happened."""
        return not self._next

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """Around the effect of one call, which takes a turn of the loop as an answer from afar would."""
        await asyncio.sleep(0)
        after_effect = self._next.popleft() if self._next else None
        if after_effect is False:
            raise self._error("asked to fail before the effect")
        yield
        if after_effect:
            raise self._error("asked to fail after the effect")
