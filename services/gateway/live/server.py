"""The WebSocket edge: handshake, origins, subprotocol, and the end of the process. Contract: docs/sockets.md."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from http import HTTPStatus
from time import monotonic
from typing import Final, cast
from urllib.parse import parse_qs

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from services.gateway.core.limits import (
    ACCEPT_BACKLOG,
    AUTH_SECONDS,
    CLOSE_SECONDS,
    MAX_QUEUED_MESSAGES,
    MAX_REFUSED_CONNECTIONS,
    MAX_UNAUTHENTICATED_MESSAGE_BYTES,
    MAX_WRITE_BUFFER_BYTES,
    PING_SECONDS,
)
from services.gateway.dialects.choosing import open_connection, select
from services.gateway.live.bounded_socket import BoundedSocket
from services.gateway.live.connection import Connection
from services.gateway.live.connection_context import ConnectionContext
from services.gateway.live.core.address_limits import AddressLimit, AddressLimits, Place
from services.gateway.live.draining import drain
from services.gateway.live.rejections import FULL, close_rejected, without_handshake
from services.gateway.origins import Origins
from services.gateway.tickets.store import PREFIX as TICKET
from shared.model.users import User

BEARER: Final = "bearer."


class Sockets:
    """All sockets of this process."""

    def __init__(
        self,
        context: ConnectionContext,
        origins: Origins,
        *,
        max_connections: int,
        addresses: AddressLimits | None = None,
    ) -> None:
        """`addresses`: None, and nothing is counted by them."""
        self._context = context
        self._origins = origins
        self._max_connections = max_connections
        self._addresses = addresses
        self._refusing = 0
        self._opening: set[BoundedSocket] = set()
        self._open: set[Connection] = set()
        self._server: Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Serves until `stop`; returns the port."""
        self._server = await serve(
            self._serve,
            host,
            port,
            process_request=self._admit,
            select_subprotocol=select,
            compression=None,
            open_timeout=AUTH_SECONDS,
            close_timeout=CLOSE_SECONDS,
            ping_interval=PING_SECONDS,
            ping_timeout=PING_SECONDS,
            max_size=MAX_UNAUTHENTICATED_MESSAGE_BYTES,
            max_queue=MAX_QUEUED_MESSAGES,
            write_limit=MAX_WRITE_BUFFER_BYTES,
            server_header=None,
            backlog=ACCEPT_BACKLOG,
            create_connection=cast("type[BoundedSocket]", partial(BoundedSocket, opening=self._opening)),
        )
        listening = next(iter(self._server.sockets))
        return int(listening.getsockname()[1])

    async def stop(self, drain_seconds: float) -> None:
        """No new connections; tells every client when to come back, slice by slice, and waits for them to leave.

        Who was not told yet goes on getting what comes.
        """
        if self._server is None:
            return
        self._server.close(close_connections=False)
        await drain(self._open, drain_seconds)
        self._server.close()
        await self._server.wait_closed()

    def _admit(self, socket: ServerConnection, request: Request) -> Response | None:
        """None for who may come in. Programs name no origin; a browser always does."""
        bounded = cast("BoundedSocket", socket)
        bounded.refused = self._enter(bounded, request)
        if self._refusing >= MAX_REFUSED_CONNECTIONS and (why := self._full(bounded)):
            return without_handshake(socket, why)
        named = request.headers.get_all("Origin")
        if all(self._origins.allows(origin) for origin in named):
            return None
        return socket.respond(HTTPStatus.FORBIDDEN, "This page's origin is not among those in CARILLON_ORIGINS.\n")

    def _enter(self, socket: BoundedSocket, request: Request) -> AddressLimit | None:
        """Takes a place among the sockets of its address; why there is none."""
        if self._addresses is None:
            return None
        peer, forwarded = socket.remote_address, request.headers.get_all("X-Forwarded-For")
        found = self._addresses.enter(peer[0] if isinstance(peer, tuple) else "", forwarded, monotonic())
        socket.place = found if isinstance(found, Place) else None
        return found if isinstance(found, AddressLimit) else None

    def _full(self, socket: BoundedSocket) -> str | None:
        """Why it has no room here."""
        return socket.refused or (FULL if len(self._open) >= self._max_connections else None)

    async def _serve(self, socket: ServerConnection) -> None:
        bounded = cast("BoundedSocket", socket)
        if why := self._full(bounded):
            await self._refuse(socket, why)
            return
        token, cursor = credentials(socket)
        connection = open_connection(socket, _noting(self._context, bounded.place) if bounded.place else self._context)
        for head in (socket.request, socket.response):
            if head is not None:
                head.headers.clear()  # some KiB, for as long as it stays
        self._open.add(connection)
        try:
            await connection.run(token, cursor)
        finally:
            self._open.discard(connection)

    async def _refuse(self, socket: ServerConnection, why: str) -> None:
        self._refusing += 1
        try:
            await close_rejected(socket, why)
        finally:
            self._refusing -= 1


def _noting(context: ConnectionContext, place: Place) -> ConnectionContext:
    """The same, and who is identified counts as such at its address."""

    async def identify(credential: str) -> User:
        user = await context.identify(credential)
        place.authenticated()
        return user

    return replace(context, identify=identify)


def credentials(socket: ServerConnection) -> tuple[str | None, str | None]:
    """The token of the subprotocols, else the ticket of the query; and its cursor. Each None if it is not there.

    A token in the query is none: URLs are logged on the way.
    """
    if socket.request is None:
        return None, None
    offered = [
        part.strip()
        for header in socket.request.headers.get_all("Sec-WebSocket-Protocol")
        for part in header.split(",")
    ]
    token = next((part.removeprefix(BEARER) for part in offered if part.startswith(BEARER)), None)
    query = parse_qs(socket.request.path.partition("?")[2])
    ticket = next((text for text in query.get("ticket", []) if text.startswith(TICKET)), None)
    return token or ticket, query.get("cursor", [None])[0]
