"""Answers that stand for a moment, so that whoever polls them faster costs nothing more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Generic, TypeVar

Found = TypeVar("Found")


class RecentOfTenant(Generic[Found]):
    """What `read` found of each tenant that was asked for lately. One is read at a time. Raises what `read` does."""

    def __init__(
        self, read: Callable[[str], Awaitable[Found]], seconds: float, clock: Callable[[], float] = monotonic
    ) -> None:
        """`seconds` is how long an answer stands; `clock` is monotonic, in seconds."""
        self._read = read
        self._seconds = seconds
        self._clock = clock
        self._found: dict[str, tuple[float, Found]] = {}
        self._asking = asyncio.Lock()

    async def __call__(self, tenant: str) -> Found:
        """What is so, or was a moment ago."""
        async with self._asking:
            now = self._clock()
            for name in [name for name, (until, _) in self._found.items() if until <= now]:
                del self._found[name]
            if tenant not in self._found:
                self._found[tenant] = now + self._seconds, await self._read(tenant)
            return self._found[tenant][1]
