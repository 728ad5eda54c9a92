"""POSTs over HTTP/2 to one server of the operator's choice: few connections, bounded, made anew when they break."""

from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from h2.exceptions import H2Error

from services.delivery.core.attempts import LeaseTooShort
from services.delivery.outbound.http import HttpAnswer, HttpRequest, NoAnswer, Trouble
from services.delivery.outbound.http2_connection import Exchange, Http2Connection

MAX_CONNECTIONS: Final = 4
TRIES: Final = 3
"""Of what a server that ends its connection says that it has not looked at."""
PROTOCOL: Final = "h2"


class Http2Client:
    """As HttpClient, for a server that speaks nothing else. `http://` is for tests and proxies: no TLS."""

    def __init__(self, url: str, *, timeout_seconds: float, ca_file: Path | None = None) -> None:
        """`url`: the server's; what is posted may have another path, and not another host."""
        parts = urlsplit(url)
        self._scheme = parts.scheme
        self._authority = parts.netloc
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._timeout = timeout_seconds
        self._ca_file = ca_file
        self._tls: ssl.SSLContext | None = None
        self._connections: list[Http2Connection] = []
        self._connecting = asyncio.Lock()
        self._waiting: set[asyncio.Future[None]] = set()
        self._closed = False

    async def post(
        self, request: HttpRequest, send_before: float, *, tenant: str
    ) -> HttpAnswer | NoAnswer | LeaseTooShort:
        """One POST within the time limit. LeaseTooShort: nothing was written by `send_before` (monotonic seconds)."""
        del tenant  # no name of a tenant's is looked up
        if time.monotonic() >= send_before:
            return LeaseTooShort()
        parts = urlsplit(request.url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        headers = [
            (":method", "POST"),
            (":scheme", self._scheme),
            (":authority", self._authority),
            (":path", path),
            *request.headers.items(),
        ]
        written: list[Exchange] = []
        found: HttpAnswer | NoAnswer | LeaseTooShort = NoAnswer(Trouble.BROKEN, "refused")
        try:
            async with asyncio.timeout(self._timeout):
                for _ in range(TRIES):
                    written.clear()
                    found = await self._try(headers, request.body, send_before, written)
                    if not (isinstance(found, NoAnswer) and found.trouble is Trouble.BROKEN):
                        break  # else the server has not looked at it: another connection may be taken
                return found
        except TimeoutError:
            return NoAnswer(Trouble.UNCONFIRMED if written else Trouble.BROKEN, "TimeoutError")
        except OSError:
            return NoAnswer(Trouble.UNREACHABLE, "unreachable")

    async def close(self) -> None:
        """Ends the connections; may be called twice."""
        self._closed = True
        for connection in self._connections:
            connection.abort()
            await connection.ended.wait()
        self._wake()

    async def _try(
        self, headers: list[tuple[str, str]], body: bytes, send_before: float, written: list[Exchange]
    ) -> HttpAnswer | NoAnswer | LeaseTooShort:
        """Once, over one connection; `written` gets what was. Raises OSError."""
        connection = await self._free(len(body))
        if time.monotonic() >= send_before:
            return LeaseTooShort()
        try:
            exchange = connection.begin(headers, body)
        except H2Error as error:
            connection.abort()
            return NoAnswer(Trouble.BROKEN, type(error).__name__)
        written.append(exchange)
        try:
            return await exchange.done
        finally:
            if exchange.done.cancelled():
                connection.give_up(exchange)

    async def _free(self, size: int) -> Http2Connection:
        """A connection with room, made if need be. Raises OSError."""
        while True:
            if (found := self._with_room(size)) is not None:
                return found
            if len(self._connections) < MAX_CONNECTIONS:
                async with self._connecting:
                    if (found := self._with_room(size)) is None and len(self._connections) < MAX_CONNECTIONS:
                        made = await self._connect()
                        self._connections.append(made)
                continue
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.add(waiter)
            try:
                await waiter
            finally:
                self._waiting.discard(waiter)

    def _with_room(self, size: int) -> Http2Connection | None:
        found = next((each for each in self._connections if each.has_room(size)), None)
        self._connections = [each for each in self._connections if each.is_open]  # which looking for room may end
        return found

    async def _connect(self) -> Http2Connection:
        if self._closed:
            raise ConnectionAbortedError
        if self._tls is None and self._scheme == "https":
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols([PROTOCOL])
            if self._ca_file is not None:
                self._tls.load_verify_locations(self._ca_file)
        transport, connection = await asyncio.get_running_loop().create_connection(
            lambda: Http2Connection(self._wake), self._host, self._port, ssl=self._tls
        )
        if self._tls is not None:
            agreed = transport.get_extra_info("ssl_object").selected_alpn_protocol()
            if agreed != PROTOCOL:
                transport.abort()
                raise ConnectionAbortedError
        try:
            agreed_on = await connection.agreed
        except asyncio.CancelledError:
            transport.abort()
            raise
        if not agreed_on:
            raise ConnectionAbortedError
        return connection

    def _wake(self) -> None:
        """Whoever waits looks again."""
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
