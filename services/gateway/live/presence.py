"""Says who is connected here: when a user's first connection opens or the last one closes, and again while it lasts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final, Protocol

from shared.model.errors import MongoUnavailable
from shared.process.retries import retry_until_available

RENEW_SECONDS: Final = 20.0
"""A third of a lease."""
GATHER_SECONDS: Final = 0.2
"""Between two writes: a page that is loaded anew is no change at all."""
LEAVE_SECONDS: Final = 2.0
"""What saying that all of them have gone may take; else their leases end."""


class PresenceStore(Protocol):
    """Where it is written."""

    async def renew(self, users: Collection[str], /) -> None:
        """These (by user key) are connected to this process for another lease. Raises MongoUnavailable."""
        ...

    async def gone(self, users: Collection[str], /) -> None:
        """These are not any more. Raises MongoUnavailable."""
        ...


class PresenceKeeper:
    """One of a process. What it remembers is bounded by the connections: users, each once, and nothing per message."""

    def __init__(
        self, store: PresenceStore, is_connected: Callable[[bytes], bool], *, renew_seconds: float = RENEW_SECONDS
    ) -> None:
        self._store = store
        self._is_connected = is_connected
        self._renew_seconds = renew_seconds
        self._said: set[bytes] = set()
        """Who was said to be connected."""
        self._changed: set[bytes] = set()
        self._wakes = asyncio.Event()

    def note(self, key: bytes) -> None:
        """The user with this key has a first connection, or none any more."""
        if self._is_connected(key) == (key in self._said):
            self._changed.discard(key)  # come and gone, or gone and come back, since the last write
        else:
            self._changed.add(key)
            self._wakes.set()

    async def run(self) -> None:
        """Until cancelled. While MongoDB is unavailable it waits, and says then what is so by then."""
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(renewed + self._renew_seconds - loop.time(), 0.0)):
                    await self._wakes.wait()
            self._wakes.clear()
            if loop.time() - renewed >= self._renew_seconds:
                renewed = loop.time()
                await retry_until_available(self._renew)
            if self._changed:
                await retry_until_available(self._write)
                await asyncio.sleep(GATHER_SECONDS)

    async def leave(self) -> None:
        """The process ends: nobody is connected here any more. Raises nothing, and does not wait for MongoDB."""
        said, self._said = self._said, set()
        with suppress(MongoUnavailable, TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                await self._store.gone(_keys(said))

    async def _renew(self) -> None:
        if staying := self._said - self._changed:
            await self._store.renew(_keys(staying))

    async def _write(self) -> None:
        """What has changed by now; a user who comes or goes while it is written is written next."""
        opened = {key for key in self._changed if self._is_connected(key)}
        closed = self._changed - opened
        if opened:
            await self._store.renew(_keys(opened))
            self._settle(opened, self._said | opened)
        if closed:
            await self._store.gone(_keys(closed))
            self._settle(closed, self._said - closed)

    def _settle(self, written: set[bytes], said: set[bytes]) -> None:
        self._said = said
        self._changed -= written
        for key in written:
            self.note(key)


def _keys(users: Collection[bytes]) -> list[str]:
    return [key.decode() for key in users]
