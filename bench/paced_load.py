"""`python -m bench.paced_load`: an open-loop HTTP client in a process of its own.

Requests go out at their time whatever the answers do, and are stamped with the time at which they were due: what waits
in this client counts as latency of the product. One JSON line on stdin is the plan, one on stdout the report.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque

import msgspec
import uvloop

from bench.figures import percentile


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to send. In `item`: `@NUMBER@`, `@STAMP@` (monotonic µs) and `@USER@` (0 to users - 1)."""

    port: int
    path: str
    content_type: str
    authorization: str
    item: str
    each: int
    """Items per request; above 1 they are sent as a JSON array."""
    rate: float
    """Requests per second."""
    seconds: float
    users: int
    first: int
    connections: int = 64


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `p50`, `p99`: milliseconds from when a request was due until it was answered."""

    accepted: int
    refused: int
    seconds: float
    p50: float
    p99: float
    cpu_us: float
    """The client's own processor time per request."""


class Pool:
    """Connections, and the requests that wait for a free one."""

    def __init__(self) -> None:
        self.idle: deque[LoadConnection] = deque()
        """The one that rests longest is next: a server closes what rests for seconds."""
        self.waiting: deque[tuple[bytes, float]] = deque()
        self.latencies: list[float] = []
        self.refused = 0

    def send(self, request: bytes, due: float) -> None:
        if self.idle:
            self.idle.popleft().send(request, due)
        else:
            self.waiting.append((request, due))


class LoadConnection(asyncio.Protocol):
    """One keep-alive connection."""

    transport: asyncio.Transport

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._received = b""
        self._due = 0.0

    def send(self, request: bytes, due: float) -> None:
        self._due = due
        self.transport.write(request)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # TCP gives a Transport
        self._pool.idle.append(self)

    def connection_lost(self, _: Exception | None) -> None:
        if self in self._pool.idle:
            self._pool.idle.remove(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head = self._received.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self._received.lower().find(b"content-length:", 0, head)
        length = int(self._received[at + 15 : self._received.find(b"\r\n", at)])
        if len(self._received) < head + 4 + length:
            return
        self._pool.latencies.append((time.monotonic() - self._due) * 1000)
        if not self._received.startswith(b"HTTP/1.1 202"):
            self._pool.refused += 1
            if self._pool.refused == 1:
                print(self._received[:1500].decode(errors="replace"), file=sys.stderr)
        self._received = b""
        if self._pool.waiting:
            self.send(*self._pool.waiting.popleft())
        else:
            self._pool.idle.append(self)


def requests(plan: Plan, number: int, stamp: int) -> bytes:
    """The request whose first item is `number`."""
    bodies = [
        plan.item.replace("@NUMBER@", f"{one:010d}")
        .replace("@STAMP@", f"{stamp:016d}")
        .replace("@USER@", str(one % plan.users))
        for one in range(number, number + plan.each)
    ]
    body = (f"[{','.join(bodies)}]" if plan.each > 1 else bodies[0]).encode()
    head = (
        f"POST {plan.path} HTTP/1.1\r\nHost: bench\r\nAuthorization: {plan.authorization}\r\n"
        f"Content-Type: {plan.content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def run(plan: Plan) -> Report:
    """Sends all requests at their times and waits for every answer."""
    loop, pool = asyncio.get_running_loop(), Pool()
    for _ in range(plan.connections):
        await loop.create_connection(lambda: LoadConnection(pool), "127.0.0.1", plan.port)
    total = round(plan.rate * plan.seconds)
    begun, cpu = time.monotonic() + 0.05, time.process_time()
    for position in range(total):
        due = begun + position / plan.rate
        if (ahead := due - time.monotonic()) > 0:
            await asyncio.sleep(ahead)
        elif position % 32 == 0:
            await asyncio.sleep(0)  # behind its times: answers must be read all the same
        pool.send(requests(plan, plan.first + position * plan.each, round(due * 1e6)), due)
    deadline = time.monotonic() + 30
    while len(pool.latencies) < total and time.monotonic() < deadline:  # noqa: ASYNC110  # an event would cost every answer
        await asyncio.sleep(0.01)
    return Report(
        accepted=(len(pool.latencies) - pool.refused) * plan.each,
        refused=pool.refused + total - len(pool.latencies),
        seconds=time.monotonic() - begun,
        p50=percentile(pool.latencies, 0.5),
        p99=percentile(pool.latencies, 0.99),
        cpu_us=(time.process_time() - cpu) / total * 1e6,
    )


def main() -> None:
    plan = msgspec.json.decode(sys.stdin.readline(), type=Plan)
    print(msgspec.json.encode(uvloop.run(run(plan))).decode(), flush=True)


if __name__ == "__main__":
    main()
