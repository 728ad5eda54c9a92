"""A user's client on a WebSocket; it notes when each notification was received."""

from __future__ import annotations

import asyncio
from typing import Final

from carillon.sockets.events import Hello, Notified
from carillon.sockets.inbox_socket import InboxSocket
from shared.process.clock import now_ms

ANSWER_SECONDS: Final = 10


class SocketClient:
    """`received` maps notification ids to times (ms), once per message."""

    def __init__(self, url: str, token: str) -> None:
        self._inbox = InboxSocket(url, lambda: token, patience=ANSWER_SECONDS, give_up_after=ANSWER_SECONDS)
        self.received: dict[str, list[int]] = {}
        self.unread = 0
        self._reader: asyncio.Task[None]

    async def connect(self) -> None:
        """Returns when the gateway has said hello. Raises ClientError."""
        await self._inbox.__aenter__()
        event = await anext(self._inbox)
        if isinstance(event, Hello):
            self.unread = event.counts.unread
        self._reader = asyncio.create_task(self._read())

    async def leave(self) -> None:
        """Marks everything as read, so that the next run starts with an empty bell, and goes. Raises ClientError."""
        try:
            await self._inbox.read_all()
        finally:
            await self._inbox.close()
            await self._reader

    async def _read(self) -> None:
        async for event in self._inbox:
            if isinstance(event, Notified):
                self.received.setdefault(event.item.id, []).append(now_ms())
