"""`python -m bench.http_load`: a closed-loop HTTP client in a process of its own, raw bytes on raw sockets.

Requests are bytes patched with a number, answers are read up to their length; nothing is parsed but the status. Its
plan is one JSON line on stdin, its report one on stdout.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence

import msgspec
import uvloop

from bench.figures import percentile


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to send. In `item` the text `@NUMBER@` becomes the event's number, from `first` on."""

    port: int
    path: str
    content_type: str
    authorization: str
    item: str
    each: int
    """Items per request; above 1 they are sent as a JSON array."""
    connections: int
    seconds: float
    first: int = 0
    array: bool = False


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. Times in milliseconds."""

    accepted: int
    """Items answered with 202; their numbers are the first so many."""
    refused: int
    seconds: float
    p50: float
    p99: float
    cpu_us: float
    """The client's own processor time per request."""


class Load:
    """Requests of one plan, numbered through over all its connections."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.number = plan.first
        self.head = (
            f"POST {plan.path} HTTP/1.1\r\nHost: bench\r\nAuthorization: {plan.authorization}\r\n"
            f"Content-Type: {plan.content_type}\r\nContent-Length: "
        ).encode()
        before, after = plan.item.encode().split(b"@NUMBER@")
        self.item = before.replace(b"%", b"%%") + b"%010d" + after.replace(b"%", b"%%")
        self.body = b"[" + b",".join([self.item] * plan.each) + b"]" if plan.array else self.item
        self.latencies: list[float] = []
        self.refused = 0
        self.ends = 0.0

    def request(self) -> bytes:
        """The next one."""
        numbers = tuple(range(self.number, self.number + self.plan.each))
        self.number += self.plan.each
        body = self.body % numbers
        return b"%b%d\r\n\r\n%b" % (self.head, len(body), body)


class Client(asyncio.Protocol):
    """One keep-alive connection, one request at a time."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._received = b""
        self._begun = 0.0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._begun = time.perf_counter()
        self._transport.write(self._load.request())  # type: ignore[attr-defined]  # a Transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head = self._received.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self._received.lower().find(b"content-length:", 0, head)
        length = int(self._received[at + 15 : self._received.find(b"\r\n", at)])
        if len(self._received) < head + 4 + length:
            return
        now = time.perf_counter()
        self._load.latencies.append(now - self._begun)
        if not self._received.startswith(b"HTTP/1.1 202"):
            self._load.refused += 1
            if self._load.refused == 1:
                print(self._received[:1500].decode(errors="replace"), file=sys.stderr)
        self._received = b""
        if now < self._load.ends:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(error)


async def run(plan: Plan) -> Report:
    """Sends for the plan's seconds, then lets every request end."""
    load = Load(plan)
    loop = asyncio.get_running_loop()
    begun, cpu = time.perf_counter(), time.process_time()
    load.ends = begun + plan.seconds
    clients: Sequence[Client] = [
        (await loop.create_connection(lambda: Client(load), "127.0.0.1", plan.port))[1] for _ in range(plan.connections)
    ]
    broken = [error for error in [await client.done for client in clients] if error]
    if broken:
        raise RuntimeError(f"{len(broken)} connections broke: {broken[0]!r}")
    seconds, count = time.perf_counter() - begun, len(load.latencies)
    return Report(
        accepted=(count - load.refused) * plan.each,
        refused=load.refused,
        seconds=seconds,
        p50=percentile(load.latencies, 0.5) * 1000,
        p99=percentile(load.latencies, 0.99) * 1000,
        cpu_us=(time.process_time() - cpu) / max(count, 1) * 1e6,
    )


def main() -> None:
    plan = msgspec.json.decode(sys.stdin.readline(), type=Plan)
    print(msgspec.json.encode(uvloop.run(run(plan))).decode(), flush=True)


if __name__ == "__main__":
    main()
