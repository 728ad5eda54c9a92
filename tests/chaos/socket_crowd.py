"""`python -m tests.chaos.socket_crowd`: many users' sockets in a process of their own, that come back with their cursors.

Takes a Crowd as a JSON line, then answers each further line with a Report. Frames are cut out of raw bytes, so that a
thousand of them leave the processor to whom they test.
"""

from __future__ import annotations

import asyncio
import random
import sys
from contextlib import suppress
from hashlib import sha256
from typing import Any

import msgspec
import uvloop

from bench.frames import PING, PONG, TEXT, cut, masked

CLOSE = 8
REQUEST = (
    b"GET / HTTP/1.1\r\nHost: crowd\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
MIN_WAIT, MAX_WAIT = 0.1, 2.0
"""Seconds, of which each takes a random part before it comes back."""


class Crowd(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to connect: one token for each user."""

    port: int
    tokens: dict[str, str]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How things stand."""

    least: int
    """Items of the one who has fewest."""
    live: int
    """Who is told what happens now."""
    lives: int
    """How often anybody became that."""
    resets: int
    codes: dict[int, int]
    """How connections have ended; 1006 without a word."""
    faults: list[str]
    streams: dict[str, tuple[int, str]]
    """How many items each has had, and a digest of their ids, in order."""


class Said(msgspec.Struct, frozen=True):
    """Of a message, what a client goes by."""

    type: str
    cursor: str | None = None
    item: dict[str, Any] | None = None
    after_ms: int | None = None


DECODER = msgspec.json.Decoder(Said)


class Totals:
    """Over all clients of the process."""

    def __init__(self) -> None:
        self.live = self.lives = self.resets = 0
        self.codes: dict[int, int] = {}
        self.faults: list[str] = []


class Client:
    """One user, for as long as the process goes: a cursor, and what was told by it."""

    def __init__(self, user: str, token: str, totals: Totals) -> None:
        self.user = user
        self.count = 0
        self.digest = sha256()
        self.after: float | None = None
        """Seconds, if the server said when to come back."""
        self._token = token
        self._cursor: str | None = None
        self._all = totals

    async def stay(self, port: int) -> None:
        """Comes back until cancelled."""
        loop, wait = asyncio.get_running_loop(), MIN_WAIT
        while True:
            self.after = None
            with suppress(OSError):
                _, opened = await loop.create_connection(lambda: Socket(self, self._all), "127.0.0.1", port)
                wait = MIN_WAIT if await opened.ended else wait
            await asyncio.sleep(self._pause(wait))
            wait = min(wait * 2, MAX_WAIT)

    def _pause(self, wait: float) -> float:
        """As long as the server said, else a random part of `wait`."""
        return self.after if self.after is not None else wait * random.random()

    def first(self) -> bytes:
        """What it says first."""
        return masked(TEXT, msgspec.json.encode({"type": "auth", "token": self._token, "cursor": self._cursor}))

    def take(self, said: Said) -> None:
        """One message, in full."""
        if said.item is not None:
            if said.item["offset"] != self.count:
                self._all.faults.append(f"{self.user}: {said.item['offset']} came where {self.count} is next")
            self.count += 1
            self.digest.update(said.item["id"].encode())
        self._cursor = said.cursor or self._cursor
        self._all.resets += said.type == "reset"
        self.after = said.after_ms / 1000 if said.after_ms is not None else self.after


class Socket(asyncio.Protocol):
    """One connection of a client. `ended`: whether it had become live."""

    def __init__(self, client: Client, totals: Totals) -> None:
        self.ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._client = client
        self._all = totals
        self._buffer = b""
        self._open = self._live = False
        self._code = 1006

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP gives a Transport
        self._transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data
        if not self._open:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                self._buffer = buffer
                return
            self._open, buffer = buffer.startswith(b"HTTP/1.1 101"), buffer[end + 4 :]
            if not self._open:
                self._transport.abort()
                return
            self._transport.write(self._client.first())
        start = 0
        while (frame := cut(buffer, start)) is not None:
            opcode, payload, start = frame
            if opcode == TEXT:
                self._text(payload)
            elif opcode == PING:
                self._transport.write(masked(PONG, payload))
            elif opcode == CLOSE:
                self._code = int.from_bytes(payload[:2], "big")
                self._transport.close()
        self._buffer = buffer[start:]

    def connection_lost(self, _: Exception | None) -> None:
        self._all.codes[self._code] = self._all.codes.get(self._code, 0) + 1
        self._all.live -= self._live
        self.ended.set_result(self._live)

    def _text(self, text: bytes) -> None:
        said = DECODER.decode(text)
        if said.type == "live" and not self._live:
            self._live = True
            self._all.live += 1
            self._all.lives += 1
        self._client.take(said)


async def run() -> None:
    loop, totals = asyncio.get_running_loop(), Totals()
    lines = asyncio.StreamReader(limit=2**26)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    crowd = msgspec.json.decode(await lines.readline(), type=Crowd)
    clients = [Client(user, token, totals) for user, token in crowd.tokens.items()]
    staying = [asyncio.create_task(client.stay(crowd.port)) for client in clients]
    while line := await lines.readline():
        report = Report(
            least=min(client.count for client in clients),
            live=totals.live,
            lives=totals.lives,
            resets=totals.resets,
            codes=totals.codes,
            faults=[*totals.faults[:20], *(repr(task.exception()) for task in staying if task.done())],
            streams={one.user: (one.count, one.digest.hexdigest()) for one in clients} if line == b"end\n" else {},
        )
        sys.stdout.write(f"{msgspec.json.encode(report).decode()}\n")
        sys.stdout.flush()
    for task in staying:
        task.cancel()


if __name__ == "__main__":
    uvloop.run(run())
