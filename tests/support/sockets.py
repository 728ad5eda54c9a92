"""A server's end of a WebSocket in memory, with what the gateway's Connection uses of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from types import SimpleNamespace

from websockets.exceptions import ConnectionClosedError
from websockets.frames import Frame
from websockets.protocol import State
from websockets.streams import StreamReader


def read_frames(data: bytes) -> list[Frame]:
    """The frames of a server, as the websockets library reads them."""
    reader = StreamReader()
    reader.feed_data(data)
    frames = []
    while reader.buffer:
        try:
            next(Frame.parse(reader.read_exact, mask=False))
        except StopIteration as parsed:
            frames.append(parsed.value)
        else:
            raise AssertionError("the data end within a frame")
    return frames


class FakeTransport:
    """`unsent` is what its peer has not read yet, in bytes."""

    def __init__(self, socket: FakeSocket) -> None:
        self.writes: list[bytes] = []
        self.unsent = 0
        self._socket = socket

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def write(self, data: bytes) -> None:
        self.writes.append(data)
        self._socket.changed.set()

    def abort(self) -> None:
        self._socket.end(1006)


class FakeSocket:
    """Open from the start. `code` is what it was closed with, 1006 when it was cut off."""

    def __init__(self) -> None:
        self.protocol = SimpleNamespace(max_message_size=None, state=State.OPEN)
        self.transport = FakeTransport(self)
        self.code: int | None = None
        self.changed = asyncio.Event()
        self._incoming: asyncio.Queue[str | bytes | None] = asyncio.Queue()

    def say(self, **message: object) -> None:
        """The client sends a message."""
        self._incoming.put_nowait(json.dumps(message))

    def end(self, code: int) -> None:
        """The connection is gone."""
        if self.protocol.state is State.OPEN:
            self.protocol.state, self.code = State.CLOSED, code
            self._incoming.put_nowait(None)
            self.changed.set()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self.end(code)

    def __aiter__(self) -> FakeSocket:
        return self

    async def __anext__(self) -> str | bytes:
        message = await self._incoming.get()
        if message is not None:
            return message
        if self.code == 1006:
            raise ConnectionClosedError(None, None)
        raise StopAsyncIteration

    @property
    def told(self) -> list[dict]:
        """All messages that were written, in order."""
        return [json.loads(bytes(frame.data)) for write in self.transport.writes for frame in read_frames(write)]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Waits for writes and the end, until the condition holds."""
        async with asyncio.timeout(10):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    async def next(self, kind: str) -> dict:
        """The first message of a kind, once it is written."""
        await self.until(lambda: any(message["type"] == kind for message in self.told))
        return next(message for message in self.told if message["type"] == kind)
