"""A server of HTTP/2 (RFC 9113), as far as a provider's fake needs one; told to fail, it fails as one does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset, WindowUpdated
from h2.exceptions import H2Error

from sandbox.sink.faults import HttpFault, HttpMode

PREFACE: Final = b"PRI * HTTP/2.0"
PART: Final = bytes(16_384)


@dataclass(frozen=True, kw_only=True)
class Http2Request:
    """One request, whole; names of headers in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Http2Answer:
    """What is answered to it; `fault`: how else than at once."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    fault: HttpFault | None = None


AnswerRequest = Callable[[Http2Request], Http2Answer]


class Http2Server(asyncio.Protocol):
    """One connection."""

    def __init__(self, handler: AnswerRequest) -> None:
        self._handler = handler
        self._h2 = H2Connection(H2Configuration(client_side=False, header_encoding="latin-1"))
        self._transport: asyncio.Transport | None = None
        self._requests: dict[int, tuple[dict[str, str], bytearray]] = {}
        self._answering: dict[int, asyncio.Task[None]] = {}
        self._room = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's hook."""
        self._transport = transport  # type: ignore[assignment]  # a stream's
        self._h2.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        """asyncio's hook."""
        try:
            events = self._h2.receive_data(data)
        except H2Error:
            self._flush()
            self._abort()
            return
        for event in events:
            match event:
                case RequestReceived():
                    self._requests[event.stream_id] = ({str(n): str(v) for n, v in event.headers or ()}, bytearray())
                case DataReceived():
                    self._requests[event.stream_id][1].extend(event.data or b"")
                    self._h2.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id)
                case StreamEnded():
                    self._begin(event.stream_id)
                case StreamReset():
                    if task := self._answering.pop(event.stream_id, None):
                        task.cancel()
                case WindowUpdated():
                    self._room.set()
                case _:
                    pass
        self._flush()

    def connection_lost(self, _error: Exception | None) -> None:
        """asyncio's hook."""
        for task in self._answering.values():
            task.cancel()

    def _begin(self, stream: int) -> None:
        headers, body = self._requests.pop(stream)
        answer = self._handler(Http2Request(path=headers[":path"], headers=headers, body=bytes(body)))
        if answer.fault is not None and answer.fault.mode is HttpMode.DOWN:
            self._abort()
            return
        task = asyncio.get_running_loop().create_task(self._answer(stream, answer))
        self._answering[stream] = task
        task.add_done_callback(lambda _: self._answering.pop(stream, None))

    async def _answer(self, stream: int, answer: Http2Answer) -> None:
        fault = answer.fault
        mode = None if fault is None else fault.mode
        if mode is HttpMode.HANG:
            return
        if fault is not None and mode is HttpMode.SLOW:
            await asyncio.sleep(fault.seconds)
        pours = mode in (HttpMode.TRICKLE, HttpMode.HUGE)
        headers = [(":status", str(answer.status)), *answer.headers.items()]
        self._h2.send_headers(stream, headers, end_stream=not (answer.body or pours))
        if answer.body:
            self._h2.send_data(stream, answer.body, end_stream=not pours)
        self._flush()
        while pours:
            await self._pour(stream, PART if mode is HttpMode.HUGE else b" ")
            await asyncio.sleep(0 if mode is HttpMode.HUGE else 1)

    async def _pour(self, stream: int, part: bytes) -> None:
        while self._h2.local_flow_control_window(stream) < len(part):
            self._room.clear()
            await self._room.wait()
        self._h2.send_data(stream, part)
        self._flush()

    def say_goodbye(self) -> None:
        """Says that it looks at nothing more."""
        self._h2.close_connection(ErrorCodes.NO_ERROR)
        self._flush()

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _flush(self) -> None:
        if self._transport is not None and (data := self._h2.data_to_send()):
            self._transport.write(data)


class EitherVersion(asyncio.Protocol):
    """Finds out by a connection's first bytes which HTTP it speaks."""

    def __init__(self, older: Callable[[], asyncio.BaseProtocol], newer: Callable[[], asyncio.Protocol]) -> None:
        self._older, self._newer = older, newer
        self._transport: asyncio.Transport | None = None
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's hook."""
        self._transport = transport  # type: ignore[assignment]  # as above

    def data_received(self, data: bytes) -> None:
        """asyncio's hook."""
        self._read += data
        if PREFACE.startswith(self._read[: len(PREFACE)]) and len(self._read) < len(PREFACE):
            return
        chosen = self._newer() if self._read.startswith(PREFACE) else self._older()
        assert self._transport is not None  # noqa: S101  # data comes after the connection
        self._transport.set_protocol(chosen)
        chosen.connection_made(self._transport)
        chosen.data_received(self._read)  # type: ignore[attr-defined]  # both take data
