"""`python -m bench.socket_clients`: many sockets of as many users in a process of their own.

Frames are cut out of raw bytes (no WebSocket library) and searched for their number and stamp; nothing is decoded. Says
`ready` when all are authenticated, then answers each question on stdin with a report on stdout, both JSON lines.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter, defaultdict
from enum import StrEnum
from typing import Final

import msgspec
import uvloop

from bench.dialects import DIALECTS, Dialect, DialectName
from bench.figures import percentile
from bench.frames import PING, PONG, TEXT, cut, masked

NUMBERS_EACH: Final = 100_000_000
"""Every load has its own range of numbers, so that its notifications are told from others'."""
AT_ONCE: Final = 64
"""Handshakes under way: a server's backlog holds 100, and a connect that it drops is tried again after seconds."""
STAMP: Final = b'"stamp":"'
NUMBER: Final = b'"n":"'
MOVING_SECONDS: Final = 1.0
"""With anything new within this, more is coming."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to connect, and how: one token for each user."""

    port: int
    tokens: list[str]
    dialect: DialectName = DialectName.CARILLON


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Which load, and how many notifications it must bring."""

    load: int
    expect: int
    patience: float
    """Seconds without anything new after which the rest is lost."""
    limit: float
    """Seconds after which the rest is late, if more is still coming."""


class Rest(StrEnum):
    """What became of those that are missing."""

    NONE = "none"
    LOST = "lost"
    LATE = "late"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What came. Times in milliseconds."""

    received: int
    distinct: int
    lost: int
    late: int
    p50: float
    """Over all that was expected: what did not come has waited at least as long as this client did."""
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
        """One notification."""
        at = payload.find(STAMP)
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

    def __init__(self, user: int, token: str, dialect: Dialect, received: Received) -> None:
        self._user = user
        self._dialect = dialect
        self._token = token
        self._all = received
        self._buffer = b""
        self._open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP gives a Transport
        self._transport.write(
            b"GET %b HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%b\r\n"
            % (self._dialect.target(), self._dialect.headers(self._token))
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
            if opcode == TEXT:
                self._text(payload)
            elif opcode == PING:
                self._transport.write(masked(PONG, payload))
        self._buffer = buffer[start:]

    def _text(self, text: bytes) -> None:
        if STAMP in text:
            self._all.take(self._user, text)
            return
        self._all.live += self._dialect.welcomes(text)
        if (reply := self._dialect.reply(text, self._token)) is not None:
            self._transport.write(masked(TEXT, reply))

    def connection_lost(self, _: Exception | None) -> None:
        self._all.closed += 1


def rest(question: Question, *, missing: int, waited: float, quiet: float) -> Rest | None:
    """What is to be said of what is missing, `waited` seconds after the question, the last `quiet` of them without
    anything new; None while it is too early to say."""
    if missing <= 0:
        return Rest.NONE
    if quiet >= question.patience:
        return Rest.LOST
    return Rest.LATE if waited >= question.limit and quiet < MOVING_SECONDS else None


async def answer(question: Question, received: Received, cpu: float, frames: int) -> Report:
    """Waits until all has come, nothing more does, or the limit is reached."""
    counts, latencies = received.counts[question.load], received.latencies[question.load]
    begun = moved = now = time.monotonic()
    seen = len(counts)
    while (said := rest(question, missing=question.expect - seen, waited=now - begun, quiet=now - moved)) is None:
        await asyncio.sleep(0.05)
        now = time.monotonic()
        if len(counts) > seen:
            seen, moved = len(counts), now
    await asyncio.sleep(0.3)  # what comes twice comes soon
    missing = max(0, question.expect - len(counts))
    expected = latencies + [(now - begun) * 1000] * missing
    return Report(
        received=counts.total(),
        distinct=len(counts),
        lost=missing if said is Rest.LOST else 0,
        late=missing if said is Rest.LATE else 0,
        p50=percentile(expected, 0.5),
        p99=percentile(expected, 0.99),
        worst=max(expected, default=0.0),
        cpu_us=(time.process_time() - cpu) / max(1, received.frames - frames) * 1e6,
        closed=received.closed,
    )


async def run() -> None:
    loop, received = asyncio.get_running_loop(), Received()
    lines = asyncio.StreamReader(limit=2**24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    plan = msgspec.json.decode(await lines.readline(), type=Plan)
    dialect = DIALECTS[plan.dialect]
    for user, token in enumerate(plan.tokens):
        await loop.create_connection(lambda: Socket(user, token, dialect, received), "127.0.0.1", plan.port)  # noqa: B023  # called at once
        while user + 1 - received.live > AT_ONCE:  # noqa: ASYNC110  # as below
            await asyncio.sleep(0.002)
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
