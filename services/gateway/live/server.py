"""The WebSocket edge: handshake, origins, subprotocol, and the end of the process. Contract: docs/sockets.md."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.typing import Origin, Subprotocol

from services.gateway.live.connection import AUTH_SECONDS, BEFORE_AUTH_BYTES, Connection, Services

PROTOCOL: Final = Subprotocol("carillon.v1")
BEARER: Final = "bearer."
RECONNECT_MS: Final = (200, 5_000)
"""Clients of a process that ends come back spread over this time."""
WRITE_LIMIT: Final = 1_048_576
CLOSE_SECONDS: Final = 3.0


class Sockets:
    """All sockets of this process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._open: set[Connection] = set()
        self._server: Server | None = None

    async def start(self, host: str, port: int, origins: Sequence[str]) -> int:
        """Serves until `stop`; returns the port. A client that names an origin must name one of `origins`."""
        self._server = await serve(
            self._live,
            host,
            port,
            # Programs name no origin; browsers always do, and their users' tokens never come by themselves.
            origins=[*(Origin(origin) for origin in origins), None],
            select_subprotocol=_select,
            compression=None,
            open_timeout=AUTH_SECONDS,
            close_timeout=CLOSE_SECONDS,
            ping_interval=20,
            ping_timeout=20,
            max_size=BEFORE_AUTH_BYTES,
            max_queue=16,
            write_limit=WRITE_LIMIT,
            server_header=None,
        )
        listening = next(iter(self._server.sockets))
        return int(listening.getsockname()[1])

    def flush(self) -> None:
        """Writes what waits: one write per connection."""
        for member in self._services.registry.take_ready():
            member.handle.flush()

    async def stop(self) -> None:
        """No new connections; tells every client when to come back, and waits for them to leave."""
        if self._server is None:
            return
        self._server.close(close_connections=False)
        first, last = RECONNECT_MS
        await asyncio.gather(
            *(one.restart(random.randint(first, last)) for one in list(self._open)),  # noqa: S311  # spreads load only
            return_exceptions=True,
        )
        self._server.close()
        await self._server.wait_closed()

    async def _live(self, socket: ServerConnection) -> None:
        token, cursor = credentials(socket)
        connection = Connection(socket, self._services)
        self._open.add(connection)
        try:
            await connection.live(token, cursor)
        finally:
            self._open.discard(connection)


def credentials(socket: ServerConnection) -> tuple[str | None, str | None]:
    """The token of the subprotocols and the cursor of the query, each None if it is not there."""
    if socket.request is None:
        return None, None
    offered = [
        part.strip()
        for header in socket.request.headers.get_all("Sec-WebSocket-Protocol")
        for part in header.split(",")
    ]
    token = next((part.removeprefix(BEARER) for part in offered if part.startswith(BEARER)), None)
    cursor = parse_qs(urlsplit(socket.request.path).query).get("cursor", [None])[0]
    return token, cursor


def _select(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Only the marker is ever echoed, never the token."""
    return PROTOCOL if PROTOCOL in offered else None
