"""Socket.IO's edge: handshakes, the clients that are here, and the end of the process. Contract: docs/socketio.md."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

import socketio
from starlette.types import ASGIApp

from services.gateway.core.limits import MAX_MESSAGE_BYTES, PING_SECONDS
from services.gateway.dialects.core.facilitator import Facilitator, event
from services.gateway.live.draining import drain
from services.gateway.origins import Origins
from services.gateway.socketio.backends import BOOK, CONNECT, Backends, FindPrincipal
from services.gateway.socketio.bookings import BookingSender
from services.gateway.socketio.event_connection import EventConnection, EventContext
from services.gateway.socketio.event_socket import SEPARATOR, EventSocket
from services.gateway.socketio.facilitators import Facilitators
from services.gateway.socketio.handshake_limit import HandshakeLimit

NAMESPACE: Final = "/"
_quiet = logging.getLogger("carillon.socketio")
_quiet.setLevel(logging.CRITICAL + 1)  # what it would log has contents, and tracebacks of what clients send


class SocketIoEdge:
    """All Socket.IO clients of this process."""

    def __init__(
        self,
        context: EventContext,
        origins: Origins,
        facilitators: Facilitators,
        *,
        principal: FindPrincipal,
        bookings: BookingSender | None,
    ) -> None:
        self._context = context
        self.backends = Backends(principal, bookings, self._emit)
        self._facilitators = facilitators
        self._sockets: dict[str, EventSocket] = {}
        self._open: dict[EventConnection, asyncio.Task[None]] = {}
        self.server = socketio.AsyncServer(
            async_mode="asgi",
            always_connect=True,  # what is told while it connects would be lost else
            async_handlers=False,
            cors_allowed_origins=lambda origin, _: origin is not None and origins.allows(origin),
            cors_credentials=False,
            http_compression=False,
            max_http_buffer_size=MAX_MESSAGE_BYTES,
            ping_interval=PING_SECONDS,
            ping_timeout=PING_SECONDS,
            logger=_quiet,
            engineio_logger=_quiet,
        )
        self.server.on("connect", self._connect)
        self.server.on("disconnect", self._disconnect)
        self.server.on("*", self._hear)

    @property
    def open(self) -> int:
        """How many facilitators' clients are here, and those that are not known yet."""
        return len(self._open)

    async def drain(self, drain_seconds: float) -> None:
        """The process ends: every client is told when to come back."""
        await drain(self._open, drain_seconds)

    async def _connect(self, sid: str, _: dict[str, Any], auth: object) -> None:
        engine = self.server.eio.sockets[self.server.manager.eio_sid_from_sid(sid, NAMESPACE)]
        dialect = Facilitator()
        socket = EventSocket(engine, dialect.ending)
        live = replace(self._context.live, identify=partial(self._facilitators.identify, dialect))
        connection = EventConnection(socket, self._context._replace(live=live), dialect)
        socket.write(event("connection_response", {"status": "connected", "socket_id": sid}) + SEPARATOR)
        shown = auth if isinstance(auth, dict) else {}
        token, cursor = (shown.get(name) if isinstance(shown.get(name), str) else None for name in ("token", "cursor"))
        self._sockets[sid] = socket
        running = asyncio.create_task(connection.run(token, cursor))
        self._open[connection] = running
        running.add_done_callback(lambda _: self._open.pop(connection, None))

    def _disconnect(self, sid: str, _: str) -> None:
        if (socket := self._sockets.pop(sid, None)) is not None:
            socket.end()
        self.backends.disconnect(sid)

    async def _hear(self, name: str, sid: str, *arguments: object) -> None:
        if name == CONNECT:
            await self._become_backend(sid, arguments[0] if arguments else None)
            return
        if name == BOOK and sid in self.backends:
            await self.backends.book(sid, arguments[0] if arguments else None)
            return
        if (socket := self._sockets.get(sid)) is not None:
            await socket.hear(name, arguments)

    async def _become_backend(self, sid: str, data: object) -> None:
        """A backend is nobody's inbox: its session ends without a word. One with a wrong key is sent away."""
        socket = self._sockets.pop(sid, None)
        if socket is None and sid not in self.backends:
            return
        if socket is not None:
            socket.end()
        if not await self.backends.connect(sid, data):
            await self.server.disconnect(sid)

    async def _emit(self, sid: str, name: str, data: dict[str, object]) -> None:
        await self.server.emit(name, data, to=sid)


def create_app(edge: SocketIoEdge, has_room: Callable[[], bool], others: ASGIApp) -> ASGIApp:
    """The edge as an application; new clients come in while there is room. `others` answers all other requests."""
    return HandshakeLimit(socketio.ASGIApp(edge.server, others), has_room)
