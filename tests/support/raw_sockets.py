"""A WebSocket client that sends whatever it is told to, byte by byte."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

TEXT, BINARY, CLOSE, PING = 0x1, 0x2, 0x8, 0x9
FIN = 0x80
MASK = bytes(4)
"""Zeros change nothing."""
CUT_OFF = 1006


def frame(first: int, payload: bytes = b"", *, masked: bool = True, length: int | None = None) -> bytes:
    """A frame of this first byte. `length` is what it says of itself, when that is not so."""
    size = len(payload) if length is None else length
    bit = 0x80 if masked else 0
    if size < 126:
        head = bytes((first, bit | size))
    elif size < 65_536:
        head = bytes((first, bit | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, bit | 127)) + size.to_bytes(8, "big")
    return head + (MASK if masked else b"") + payload


def text(payload: str | bytes) -> bytes:
    """A whole message."""
    return frame(FIN | TEXT, payload.encode() if isinstance(payload, str) else payload)


def say(**message: object) -> bytes:
    """A message of the protocol."""
    return text(json.dumps(message))


class RawSocket:
    """After the answer to its handshake, whatever that was."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: str) -> None:
        self._reader = reader
        self._writer = writer
        self.head = head
        """The answer: status line and headers."""
        self.told: list[dict] = []
        """All text messages that were read."""
        self.reason = ""
        """Of the close frame."""

    @property
    def status(self) -> int:
        return int(self.head.split(" ", 2)[1])

    async def send(self, data: bytes) -> None:
        """All of it, or as much as the server takes before it ends the connection."""
        with suppress(ConnectionError):
            self._writer.write(data)
            await self._writer.drain()

    async def next(self) -> dict:
        """The next text message."""
        count = len(self.told)
        while len(self.told) == count:
            assert await self._step() is None, self.reason
        return self.told[-1]

    async def code(self) -> int:
        """Reads until the server ends it: with which code."""
        async with asyncio.timeout(60):
            while (found := await self._step()) is None:
                pass
        return found

    async def _step(self) -> int | None:
        """One frame; the code when it was the last."""
        try:
            first, second = await self._reader.readexactly(2)
            extra = {126: 2, 127: 8}.get(second & 0x7F, 0)
            size = int.from_bytes(await self._reader.readexactly(extra), "big") if extra else second & 0x7F
            payload = await self._reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            return CUT_OFF
        if first & 0x0F == CLOSE:
            self.reason = payload[2:].decode()
            return int.from_bytes(payload[:2], "big")
        if first & 0x0F == TEXT:
            self.told.append(json.loads(payload))
        return None


@asynccontextmanager
async def raw_socket(port: int, headers: dict[str, str] | None = None, *, path: str = "/") -> AsyncIterator[RawSocket]:
    """After its handshake, with further `headers`; cut off at the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        key = base64.b64encode(bytes(16)).decode()
        usual = {
            "Host": "gateway",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": key,
        }
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in (usual | (headers or {})).items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        async with asyncio.timeout(60):
            head = await reader.readuntil(b"\r\n\r\n")
        yield RawSocket(reader, writer, head.decode())
    finally:
        writer.transport.abort()
