"""`python -m bench.socket_clients`: many sockets of as many users in a process of their own.

Frames are cut out of raw bytes (no WebSocket library) and searched for their number and stamp; nothing is decoded. Says
`ready` when all are authenticated, then answers each question on stdin with a report on stdout, both JSON lines.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter, defaultdict
from typing import Final

import msgspec
import uvloop

from bench.figures import percentile

NUMBERS_EACH: Final = 100_000_000
"""Every load has its own range of numbers, so that its notifications are told from others'."""
STAMP: Final = b'"stamp":"'
NUMBER: Final = b'"n":"'


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to connect: one token for each user."""

    port: int
    tokens: list[str]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Which load, how many notifications it must bring, how long nothing may come before it is given up (seconds)."""

    load: int
    expect: int
    patience: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What came. Times in milliseconds."""

    received: int
    distinct: int
    p50: float
    p99: float
    worst: float
    cpu_us: float
    """This client's own processor time per frame since the last question."""
    closed: int
    """Sockets that the server has ended."""


class Received:
    """What has come so far, over all sockets."""

    def __init__(self) -> None:
        self.latencies: dict[int, list[float]] = defaultdict(list)
        self.counts: dict[int, Counter[tuple[int, int]]] = defaultdict(Counter)
        self.frames = 0
        self.closed = 0
        self.live = 0

    def take(self, user: int, payload: bytes) -> None:
        """One text message."""
        at = payload.find(STAMP)
        if at < 0:
            self.live += payload.startswith(b'{"type":"hello"')
            return
        now = time.monotonic() * 1e6
        stamp = int(payload[at + 9 : at + 25])
        at = payload.find(NUMBER) + 5
        number = int(payload[at : at + 10])
        load = number // NUMBERS_EACH
        self.frames += 1
        self.latencies[load].append((now - stamp) / 1000)
        self.counts[load][number, user] += 1


class Socket(asyncio.Protocol):
    """One user's socket."""

    def __init__(self, user: int, token: str, received: Received) -> None:
        self._user = user
        self._token = token
        self._all = received
        self._buffer = b""
        self._open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP gives a Transport
        self._transport.write(
            b"GET / HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: carillon.v1, bearer.%b\r\n\r\n"
            % self._token.encode()
        )

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data
        if not self._open:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                self._buffer = buffer
                return
            if not buffer.startswith(b"HTTP/1.1 101"):
                raise RuntimeError(buffer[:200])
            self._open, buffer = True, buffer[end + 4 :]
        start = 0
        while (frame := cut(buffer, start)) is not None:
            opcode, payload, start = frame
            if opcode == 1:
                self._all.take(self._user, payload)
            elif opcode == 9:
                self._transport.write(bytes((0x8A, 0x80 | len(payload))) + b"\0\0\0\0" + payload)
        self._buffer = buffer[start:]

    def connection_lost(self, _: Exception | None) -> None:
        self._all.closed += 1


def cut(buffer: bytes, start: int) -> tuple[int, bytes, int] | None:
    """Opcode and payload of the (unmasked) frame at `start`, and where the next begins; None: not all of it is there."""
    if len(buffer) < start + 2:
        return None
    length, begin = buffer[start + 1] & 0x7F, start + 2
    extra = {126: 2, 127: 8}.get(length, 0)
    if extra:
        length, begin = int.from_bytes(buffer[begin : begin + extra], "big"), begin + extra
        if len(buffer) < begin:
            return None
    end = begin + length
    return (buffer[start] & 0x0F, buffer[begin:end], end) if len(buffer) >= end else None


async def answer(question: Question, received: Received, cpu: float, frames: int) -> Report:
    """Waits until all has come, or nothing more does."""
    counts, seen, moved = received.counts[question.load], -1, time.monotonic()
    while len(counts) < question.expect and time.monotonic() - moved < question.patience:
        if len(counts) > seen:
            seen, moved = len(counts), time.monotonic()
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.3)  # what comes twice comes soon
    latencies = received.latencies[question.load]
    return Report(
        received=counts.total(),
        distinct=len(counts),
        p50=percentile(latencies, 0.5),
        p99=percentile(latencies, 0.99),
        worst=max(latencies, default=0.0),
        cpu_us=(time.process_time() - cpu) / max(1, received.frames - frames) * 1e6,
        closed=received.closed,
    )


async def run() -> None:
    loop, received = asyncio.get_running_loop(), Received()
    lines = asyncio.StreamReader(limit=2**24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    plan = msgspec.json.decode(await lines.readline(), type=Plan)
    for user, token in enumerate(plan.tokens):
        await loop.create_connection(lambda: Socket(user, token, received), "127.0.0.1", plan.port)  # noqa: B023  # called at once
    while received.live < len(plan.tokens):  # noqa: ASYNC110  # an event would cost every frame
        await asyncio.sleep(0.05)
    print("ready", flush=True)
    cpu, frames = time.process_time(), received.frames
    while line := await lines.readline():  # the load of a question runs before it is asked
        report = await answer(msgspec.json.decode(line, type=Question), received, cpu, frames)
        cpu, frames = time.process_time(), received.frames
        print(msgspec.json.encode(report).decode(), flush=True)


if __name__ == "__main__":
    uvloop.run(run())
