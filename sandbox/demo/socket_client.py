"""A user's client on a WebSocket; it notes when each notification was received."""

from __future__ import annotations

import asyncio
import json
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from shared.process.clock import now_ms

ANSWER_SECONDS: Final = 10


class InboxSocket:
    """`received` maps notification ids to times (ms), once per message."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token
        self.received: dict[str, list[int]] = {}
        self.unread = 0
        self._read_all = asyncio.Event()
        self._socket: ClientConnection
        self._reader: asyncio.Task[None]

    async def connect(self) -> None:
        """Returns when the server has said hello. Raises OSError, TimeoutError or WebSocketException."""
        async with asyncio.timeout(ANSWER_SECONDS):
            self._socket = await connect(self._url, proxy=None)
            await self._socket.send(json.dumps({"type": "auth", "token": self._token}))
            self._take(await self._socket.recv())
        self._reader = asyncio.create_task(self._read())

    async def leave(self) -> None:
        """Marks everything as read, so that the next run starts with an empty bell, and goes. Raises as `connect`."""
        async with asyncio.timeout(ANSWER_SECONDS):
            await self._socket.send(json.dumps({"type": "read", "all": True}))
            await self._read_all.wait()
            await self._socket.close()
            await self._reader

    async def _read(self) -> None:
        try:
            async for text in self._socket:
                self._take(text)
        except ConnectionClosed:
            return  # the sums show what is missing

    def _take(self, text: str | bytes) -> None:
        message = json.loads(text)
        self.unread = message.get("unread", self.unread)
        if message["type"] == "notification":
            self.received.setdefault(message["item"]["id"], []).append(now_ms())
        elif message["type"] == "ok" and message["for"] == "read":
            self._read_all.set()
