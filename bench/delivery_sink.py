"""`python -m bench.delivery_sink`: where every side of the delivery benchmark sends to, in a process of its own.

HTTP on sixteen addresses of the loopback, each a host to whoever sends there, and SMTP on one. Both cut raw bytes, answer,
and note which id came when; nothing is decoded. One JSON line on stdin says how HTTP answers; then it says where it
listens, and answers each question with a report.
"""

from __future__ import annotations

import asyncio
import sys
import time
from array import array
from typing import Final

import msgspec
import uvloop

from sandbox.free_ports import free_ports

HOSTS: Final = tuple(f"127.0.0.{number}" for number in range(1, 17))
ID: Final = b"webhook-id: "
LENGTH: Final = b"content-length: "
MESSAGE_ID: Final = b"Message-ID: <"
REASONS: Final = {204: b"204 No Content", 500: b"500 Internal Server Error"}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How HTTP answers."""

    status: int = 204


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """Where it listens."""

    http: int
    smtp: int


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What came so far; and when which of these came first."""

    ids: list[str] = []


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Times are monotonic seconds, the same clock for all processes of a machine."""

    received: int
    distinct: int
    first: float
    last: float
    cpu_seconds: float
    """Its own processor time so far."""
    at: list[float | None]

    @property
    def seconds(self) -> float:
        return max(self.last - self.first, 0.001)


class Receipts:
    """What came, by id."""

    def __init__(self) -> None:
        self._seen: dict[bytes, int] = {}
        self._times = array("d")
        self._received = 0

    def note(self, found: bytes) -> None:
        self._received += 1
        if found not in self._seen:
            self._seen[found] = len(self._times)
            self._times.append(time.monotonic())

    def report(self, question: Question) -> Report:
        places = [self._seen.get(each.encode()) for each in question.ids]
        times = self._times
        return Report(
            received=self._received,
            distinct=len(times),
            first=times[0] if times else 0.0,
            last=times[-1] if times else 0.0,
            cpu_seconds=time.process_time(),
            at=[None if place is None else times[place] for place in places],
        )


class HttpAnswers(asyncio.Protocol):
    """One connection of a client that posts, kept alive."""

    transport: asyncio.Transport

    def __init__(self, receipts: Receipts, answer: bytes) -> None:
        self._receipts = receipts
        self._answer = answer
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # TCP gives a Transport

    def data_received(self, data: bytes) -> None:
        data = self._received + data if self._received else data
        while (end := data.find(b"\r\n\r\n")) >= 0:
            head = data[: end + 2].lower()
            length = int(after(head, LENGTH) or 0)
            if len(data) < end + 4 + length:
                break
            self._receipts.note(after(head, ID))
            self.transport.write(self._answer)
            data = data[end + 4 + length :]
        self._received = data


class SmtpAnswers(asyncio.Protocol):
    """One connection of a client that sends mail: every command is taken, every message noted by its Message-ID."""

    transport: asyncio.Transport

    def __init__(self, receipts: Receipts) -> None:
        self._receipts = receipts
        self._received = b""
        self._in_message = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # TCP gives a Transport
        self.transport.write(b"220 bench\r\n")

    def data_received(self, data: bytes) -> None:
        data = self._received + data if self._received else data
        while (end := data.find(b"\r\n.\r\n" if self._in_message else b"\r\n")) >= 0:
            if self._in_message:
                at = data.index(MESSAGE_ID) + len(MESSAGE_ID)
                self._receipts.note(data[at : data.index(b"@", at)])
                self.transport.write(b"250 taken\r\n")
                self._in_message, data = False, data[end + 5 :]
                continue
            verb, data = data[:4].upper(), data[end + 2 :]
            self._in_message = verb == b"DATA"
            self.transport.write(SMTP_ANSWERS.get(verb, b"250 ok\r\n"))
            if verb == b"QUIT":
                self.transport.close()
        self._received = data


SMTP_ANSWERS: Final = {
    b"DATA": b"354 go on\r\n",
    b"EHLO": b"250-bench\r\n250 SIZE 33554432\r\n",
    b"QUIT": b"221 bye\r\n",
}


def after(head: bytes, name: bytes) -> bytes:
    """The value of a header, whose name is in lower case; empty without it."""
    at = head.find(name)
    return head[at + len(name) : head.index(b"\r\n", at)] if at >= 0 else b""


def answer(status: int) -> bytes:
    """All bytes of an answer without a body."""
    length = b"" if status == 204 else b"Content-Length: 0\r\n"
    return b"HTTP/1.1 " + REASONS[status] + b"\r\n" + length + b"\r\n"


async def serve() -> None:
    """Until stdin ends."""
    loop, receipts = asyncio.get_running_loop(), Receipts()
    lines = asyncio.StreamReader(limit=2**24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    plan = msgspec.json.decode(await lines.readline(), type=Plan)
    http, smtp = free_ports(2)
    said = answer(plan.status)
    await loop.create_server(lambda: HttpAnswers(receipts, said), list(HOSTS), http, backlog=1024)
    await loop.create_server(lambda: SmtpAnswers(receipts), HOSTS[0], smtp, backlog=1024)
    print(msgspec.json.encode(Open(http=http, smtp=smtp)).decode(), flush=True)
    while line := await lines.readline():
        report = receipts.report(msgspec.json.decode(line, type=Question))
        print(msgspec.json.encode(report).decode(), flush=True)


if __name__ == "__main__":
    uvloop.run(serve())
