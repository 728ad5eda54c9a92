"""One connection of HTTP/2 (RFC 9113) as a client: many requests at once, none of them longer than a window.

What it cannot send whole it does not begin: so a request is written or it is not, and nothing waits half-written.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings
from multidict import CIMultiDict

from services.delivery.outbound.http import MAX_READ, HttpAnswer, NoAnswer, Trouble

MAX_STREAMS: Final = 100
"""At once; hangs are told of clients that let more be under way."""
IDLE_SECONDS: Final = 60.0
"""A connection over which nothing came for so long may be broken without anybody's word, and is not used again."""
Header = tuple[str, str]


@dataclass(slots=True, eq=False)
class Exchange:
    """A request that was written, and what came back of it so far."""

    done: asyncio.Future[HttpAnswer | NoAnswer]
    began: float
    status: int = 0
    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    body: bytearray = field(default_factory=bytearray)

    def end(self, found: HttpAnswer | NoAnswer) -> None:
        """Once: whoever waited may have given up."""
        if not self.done.done():
            self.done.set_result(found)


class Http2Connection(asyncio.Protocol):
    """`freed` is called whenever more may begin, or none any more."""

    def __init__(self, freed: Callable[[], None]) -> None:
        self._h2 = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self._h2.local_settings = Settings(
            client=True,
            initial_values={SettingCodes.ENABLE_PUSH: 0, SettingCodes.MAX_HEADER_LIST_SIZE: MAX_READ},
        )
        self._freed = freed
        self._transport: asyncio.Transport | None = None
        self._exchanges: dict[int, Exchange] = {}
        self._heard = time.monotonic()
        self.agreed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        """Done when the server has said how much may be under way at once; False: it never will."""
        self.is_open = True
        """Whether anything may begin on it."""
        self.ended = asyncio.Event()

    def has_room(self, size: int) -> bool:
        """Whether a request with a body of this size may begin now."""
        if not self.is_open or len(self._exchanges) >= min(
            MAX_STREAMS, self._h2.remote_settings.max_concurrent_streams
        ):
            return False
        if not self._exchanges and time.monotonic() - self._heard > IDLE_SECONDS:
            self.abort()  # who is to say goodbye may have been forgotten on the way
            return False
        window = min(self._h2.outbound_flow_control_window, self._h2.remote_settings.initial_window_size)
        return size <= min(window, self._h2.max_outbound_frame_size)

    def begin(self, headers: Iterable[Header], body: bytes) -> Exchange:
        """Writes a request; there must be room for it. Raises H2Error: nothing was written."""
        stream = self._h2.get_next_available_stream_id()
        self._h2.send_headers(stream, list(headers))
        self._h2.send_data(stream, body, end_stream=True)
        exchange = Exchange(asyncio.get_running_loop().create_future(), time.monotonic())
        self._exchanges[stream] = exchange
        self._flush()
        return exchange

    def give_up(self, exchange: Exchange) -> None:
        """Nobody waits for it any more. Where nothing at all came since it was written, the connection is broken."""
        if self._heard < exchange.began:
            self.abort()
            return
        for stream, each in list(self._exchanges.items()):
            if each is exchange:
                self._cancel(stream)

    def close(self) -> None:
        """Ends it; what is under way comes to nothing."""
        self.is_open = False
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Ends it at once."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's hook."""
        self._transport = transport  # type: ignore[assignment]  # a stream's
        self._h2.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        """asyncio's hook."""
        self._heard = time.monotonic()
        try:
            for event in self._h2.receive_data(data):
                self._take(event)
        except H2Error:
            self._flush()
            self.abort()
            return
        self._flush()
        self._freed()

    def connection_lost(self, _error: Exception | None) -> None:
        """asyncio's hook."""
        self.is_open = False
        self.ended.set()
        self._agree(False)
        for exchange in self._exchanges.values():
            exchange.end(NoAnswer(Trouble.UNCONFIRMED, "ConnectionLost"))
        self._exchanges.clear()
        self._freed()

    def _take(self, event: Event) -> None:
        if isinstance(event, ConnectionTerminated):
            self._end_after(event.last_stream_id or 0)
            return
        if isinstance(event, RemoteSettingsChanged):
            self._agree(True)
        stream = getattr(event, "stream_id", None)
        exchange = self._exchanges.get(stream) if isinstance(stream, int) else None
        if isinstance(event, DataReceived):
            # Also of what nobody waits for: the window is that of the whole connection.
            self._h2.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id)
        if exchange is None or stream is None:
            return
        match event:
            case ResponseReceived():
                for name, value in event.headers or ():
                    _note(exchange, bytes(name).decode("latin-1"), bytes(value).decode("latin-1"))
            case DataReceived():
                exchange.body += (event.data or b"")[: MAX_READ - len(exchange.body)]
                if len(exchange.body) >= MAX_READ:
                    self._answered(stream)
                    self._reset(stream)
            case StreamEnded():
                self._answered(stream)
            case StreamReset():
                refused = event.error_code == ErrorCodes.REFUSED_STREAM
                self._ended(stream, NoAnswer(Trouble.BROKEN if refused else Trouble.UNCONFIRMED, "StreamReset"))

    def _end_after(self, last: int) -> None:
        """GOAWAY: what is later than `last` was not looked at; of the rest nobody will say anything any more."""
        self.is_open = False
        for stream in list(self._exchanges):
            trouble = Trouble.BROKEN if stream > last else Trouble.UNCONFIRMED
            self._ended(stream, NoAnswer(trouble, "GoAway"))
        self.close()

    def _answered(self, stream: int) -> None:
        exchange = self._exchanges[stream]
        self._ended(stream, HttpAnswer(status=exchange.status, headers=exchange.headers, body=bytes(exchange.body)))

    def _ended(self, stream: int, found: HttpAnswer | NoAnswer) -> None:
        self._exchanges.pop(stream).end(found)

    def _cancel(self, stream: int) -> None:
        del self._exchanges[stream]
        self._reset(stream)
        self._flush()
        self._freed()

    def _reset(self, stream: int) -> None:
        with suppress(H2Error):  # it has ended already
            self._h2.reset_stream(stream, ErrorCodes.CANCEL)

    def _agree(self, found: bool) -> None:
        if not self.agreed.done():
            self.agreed.set_result(found)

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and self._transport is not None:
            self._transport.write(data)


def _note(exchange: Exchange, name: str, value: str) -> None:
    if name == ":status" and value.isascii() and value.isdigit():
        exchange.status = int(value)
    elif not name.startswith(":"):
        exchange.headers.add(name, value)
