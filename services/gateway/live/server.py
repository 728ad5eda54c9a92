"""The WebSocket edge: handshake, origins, subprotocol, and the end of the process. Contract: docs/sockets.md."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.typing import Origin, Subprotocol

from services.gateway.core.limits import (
    AUTH_SECONDS,
    CLOSE_SECONDS,
    MAX_QUEUED_MESSAGES,
    MAX_UNAUTHENTICATED_MESSAGE_BYTES,
    MAX_WRITE_BUFFER_BYTES,
    PING_SECONDS,
    RECONNECT_MS,
)
from services.gateway.live.connection import Connection, ConnectionContext

PROTOCOL: Final = Subprotocol("carillon.v1")
BEARER: Final = "bearer."


class Sockets:
    """All sockets of this process."""

    def __init__(self, context: ConnectionContext) -> None:
        self._context = context
        self._open: set[Connection] = set()
        self._server: Server | None = None

    async def start(self, host: str, port: int, origins: Sequence[str]) -> int:
        """Serves until `stop`; returns the port. A client that names an origin must name one of `origins`."""
        self._server = await serve(
            self._serve,
            host,
            port,
            # Programs name no origin. A browser always does, and sends no token that its page did not put in.
            origins=[*(Origin(origin) for origin in origins), None],
            select_subprotocol=_select,
            compression=None,
            open_timeout=AUTH_SECONDS,
            close_timeout=CLOSE_SECONDS,
            ping_interval=PING_SECONDS,
            ping_timeout=PING_SECONDS,
            max_size=MAX_UNAUTHENTICATED_MESSAGE_BYTES,
            max_queue=MAX_QUEUED_MESSAGES,
            write_limit=MAX_WRITE_BUFFER_BYTES,
            server_header=None,
        )
        listening = next(iter(self._server.sockets))
        return int(listening.getsockname()[1])

    async def stop(self) -> None:
        """No new connections; tells every client when to come back, and waits for them to leave."""
        if self._server is None:
            return
        self._server.close(close_connections=False)
        first, last = RECONNECT_MS
        await asyncio.gather(
            *(connection.restart(random.randint(first, last)) for connection in list(self._open)),  # noqa: S311  # spreads load only
            return_exceptions=True,
        )
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, socket: ServerConnection) -> None:
        token, cursor = credentials(socket)
        connection = Connection(socket, self._context)
        self._open.add(connection)
        try:
            await connection.run(token, cursor)
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
