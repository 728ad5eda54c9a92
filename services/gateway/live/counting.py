"""Says how many sockets this process has of each tenant: when that has changed, and again while it lasts."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from typing import Final, Protocol

from services.gateway.live.presence import LEAVE_SECONDS, RENEW_SECONDS
from shared.model.connected import SocketLeaseStore
from shared.model.errors import MongoUnavailable
from shared.process.retries import retry_until_available

COUNT_SECONDS: Final = 2.0
MAX_AT_ONCE: Final = 1_000
"""Users that are counted before others have the loop."""


class Connected(Protocol):
    """The registry, as it is counted."""

    def users(self) -> Collection[bytes]:
        """The keys of all users who are connected now."""
        ...

    def sockets(self, key: bytes, /) -> int:
        """How many sockets the user has."""
        ...


class SocketCounting:
    """One of a process. It looks at the registry now and then, and costs a message or a connection nothing."""

    def __init__(
        self,
        store: SocketLeaseStore,
        connected: Connected,
        *,
        count_seconds: float = COUNT_SECONDS,
        renew_seconds: float = RENEW_SECONDS,
    ) -> None:
        self._store = store
        self._connected = connected
        self._count_seconds = count_seconds
        self._renew_seconds = renew_seconds
        self._said: dict[str, int] = {}

    async def run(self) -> None:
        """Until cancelled. While MongoDB is unavailable it waits."""
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        while True:
            await asyncio.sleep(self._count_seconds)
            if again := loop.time() - renewed >= self._renew_seconds:
                renewed = loop.time()
            await self._say(await self._count(), again=again)

    async def leave(self) -> None:
        """The process ends: it has no sockets any more. Raises nothing, and does not wait for MongoDB."""
        with suppress(MongoUnavailable, TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                await self._store.gone()

    async def _say(self, found: dict[str, int], *, again: bool) -> None:
        ended = dict.fromkeys(self._said.keys() - found.keys(), 0)
        news = found if again else {name: count for name, count in found.items() if self._said.get(name) != count}
        if changes := news | ended:
            await retry_until_available(self._store.renew, changes)
            self._said = found

    async def _count(self) -> dict[str, int]:
        found: Counter[str] = Counter()
        for position, key in enumerate(self._connected.users(), 1):
            if count := self._connected.sockets(key):
                found[key.partition(b":")[0].decode()] += count
            if position % MAX_AT_ONCE == 0:
                await asyncio.sleep(0)
        return found
