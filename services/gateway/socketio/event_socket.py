"""A Socket.IO client as a connection sees a socket, on top of its Engine.IO client.

What is written are Socket.IO packets, each with a SEPARATOR behind it, as Engine.IO separates them, too.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

import msgspec
from engineio.packet import MESSAGE, Packet
from websockets.protocol import State

from services.gateway.core.limits import CLOSE_SECONDS, MAX_QUEUED_MESSAGES
from services.gateway.live.core.messages import CloseCode

SEPARATOR: Final = b"\x1e"
DISCONNECT: Final = b"1"
"""The packet after which a client does not come back by itself; one that loses its transport does."""


class EngineClient(Protocol):
    """engineio's AsyncSocket, as far as it is used: its `queue` is what its transports send from."""

    queue: asyncio.Queue[Packet | None]

    async def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:
        """Ends it; `wait`: until all is sent."""
        ...


class EventSocket:
    """The ClientSocket, and its own transport and protocol."""

    max_message_size: int | None = None
    """Engine.IO has one for all clients; what is set here changes nothing."""

    def __init__(self, engine: EngineClient, ending: Callable[[int, str], bytes]) -> None:
        """`ending` is the packet of a close code and its reason."""
        self.state = State.OPEN
        self._engine = engine
        self._ending = ending
        self._incoming: asyncio.Queue[str | None] = asyncio.Queue(MAX_QUEUED_MESSAGES)
        self._gone = False
        self._sizes: deque[int] = deque()
        self._waiting = 0
        self._closing: asyncio.Task[None] | None = None

    @property
    def transport(self) -> EventSocket:
        """As ClientSocket says."""
        return self

    @property
    def protocol(self) -> EventSocket:
        """As ClientSocket says."""
        return self

    def get_write_buffer_size(self) -> int:
        """Bytes of the packets that no transport has taken; the queue may have others between them, so never less."""
        while len(self._sizes) > self._engine.queue.qsize():
            self._waiting -= self._sizes.popleft()
        return self._waiting

    def write(self, data: bytes) -> None:
        """As SocketTransport says."""
        for packet in data.split(SEPARATOR)[:-1]:
            self._engine.queue.put_nowait(Packet(MESSAGE, data=packet.decode()))
            self._sizes.append(len(packet))
            self._waiting += len(packet)

    async def hear(self, name: str, arguments: Sequence[Any]) -> None:
        """The client sends an event; waits while too many were not looked at."""
        try:
            text = msgspec.json.encode([name, *arguments[:1]]).decode()
        except (TypeError, ValueError, OverflowError, RecursionError):  # lone surrogates, NaN within, a bomb
            text = ""
        if not self._gone:
            await self._incoming.put(text)

    def end(self) -> None:
        """The client is gone, or its connection is to end without a word."""
        self.state, self._gone = State.CLOSED, True
        with suppress(asyncio.QueueFull):
            self._incoming.put_nowait(None)

    async def close(self, code: int, reason: str) -> None:
        """As ClientSocket says. Whoever may come back as they are loses only the transport."""
        if self.state is not State.OPEN:
            return
        last = [self._ending(code, reason), *([DISCONNECT] if code >= CloseCode.BAD_MESSAGE else [])]
        self.write(b"".join(packet + SEPARATOR for packet in last))
        self.state = State.CLOSED
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._engine.queue.join()
        await self._cut(abort=False)

    def abort(self) -> None:
        """As SocketTransport says."""
        if self._closing is None:
            self.state = State.CLOSED
            self._closing = asyncio.create_task(self._cut(abort=True))

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        """What the client says, until it is gone."""
        return self

    async def __anext__(self) -> str | bytes:
        """The next event as JSON."""
        if self._gone and self._incoming.empty():
            raise StopAsyncIteration
        text = await self._incoming.get()
        if text is None:
            raise StopAsyncIteration
        return text

    async def _cut(self, *, abort: bool) -> None:
        queue = self._engine.queue
        if abort:
            while not queue.empty():
                queue.get_nowait()
                queue.task_done()
        await self._engine.close(wait=False, abort=abort)
        queue.put_nowait(None)  # its writer ends
        self.end()
