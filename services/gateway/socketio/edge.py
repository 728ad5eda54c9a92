"""Socket.IO's edge: handshakes, the clients that are here, and the end of the process. Contract: docs/socketio.md."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import socketio
from starlette.types import ASGIApp

from services.gateway.core.limits import MAX_MESSAGE_BYTES, PING_SECONDS
from services.gateway.dialects.core.facilitator import Facilitator, event
from services.gateway.live.core.address_limits import AddressLimits
from services.gateway.live.draining import drain
from services.gateway.origins import Origins
from services.gateway.socketio.backends import BOOK, CONNECT, Backends, FindPrincipal
from services.gateway.socketio.bookings import BookingSender
from services.gateway.socketio.client_limits import SESSION, ClientLimits
from services.gateway.socketio.engine_sessions import EngineSession, EngineSessions
from services.gateway.socketio.event_connection import EventConnection, EventContext
from services.gateway.socketio.event_socket import SEPARATOR, EventSocket
from services.gateway.socketio.facilitators import Facilitators
from shared.model.users import User

NAMESPACE: Final = "/"
_quiet = logging.getLogger("carillon.socketio")
_quiet.setLevel(logging.CRITICAL + 1)  # what it would log has contents, and tracebacks of what clients send


class SocketIoEdge:
    """All Socket.IO clients of this process."""

    def __init__(
        self,
        context: EventContext,
        origins: Origins | None,
        facilitators: Facilitators,
        *,
        principal: FindPrincipal,
        bookings: BookingSender | None,
    ) -> None:
        """`origins`: None, and pages of every origin may come."""
        self._context = context
        self.backends = Backends(principal, bookings, self._emit)
        self._facilitators = facilitators
        self._sockets: dict[str, EventSocket] = {}
        self._engines: dict[str, str] = {}
        """The Engine.IO session of each client."""
        self.sessions = EngineSessions(self._cut)
        self._open: dict[EventConnection, asyncio.Task[None]] = {}
        self.server = socketio.AsyncServer(
            async_mode="asgi",
            always_connect=True,  # what is told while it connects would be lost else
            async_handlers=False,
            cors_allowed_origins=lambda origin, _: origin is not None and (origins is None or origins.allows(origin)),
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
        engine = self.server.eio
        self._connect_engine, self._disconnect_engine = engine.handlers["connect"], engine.handlers["disconnect"]
        engine.on("connect", self._open_engine)
        engine.on("disconnect", self._close_engine)

    async def drain(self, drain_seconds: float) -> None:
        """The process ends: every client is told when to come back."""
        await drain(self._open, drain_seconds)

    async def _open_engine(self, engine_sid: str, environ: dict[str, Any]) -> object:
        self.sessions.open(engine_sid, environ["asgi.scope"].get(SESSION) or EngineSession())
        return await self._connect_engine(engine_sid, environ)

    async def _close_engine(self, engine_sid: str, reason: str) -> object:
        self.sessions.close(engine_sid)
        return await self._disconnect_engine(engine_sid, reason)

    async def _cut(self, engine_sid: str) -> None:
        engine = self.server.eio.sockets.get(engine_sid)
        if engine is not None:
            await engine.close(wait=False, abort=True)
            engine.queue.put_nowait(None)  # its writer ends

    async def _connect(self, sid: str, _: dict[str, Any], auth: object) -> None:
        engine_sid = self.server.manager.eio_sid_from_sid(sid, NAMESPACE)
        engine = self.server.eio.sockets[engine_sid]
        self._engines[sid] = engine_sid
        self.sessions.busy(engine_sid)
        dialect = Facilitator()
        socket = EventSocket(engine, dialect.ending)

        async def identify(token: str) -> User:
            user = await self._facilitators.identify(dialect, token)
            self._authenticated(sid)
            return user

        live = replace(self._context.live, identify=identify)
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
        if (engine_sid := self._engines.pop(sid, None)) is not None:
            self.sessions.idle(engine_sid)

    def _authenticated(self, sid: str) -> None:
        session = self.sessions.get(self._engines.get(sid, ""))
        if session is not None:
            session.authenticated()

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
        if await self.backends.connect(sid, data):
            self._authenticated(sid)
        else:
            await self.server.disconnect(sid)

    async def _emit(self, sid: str, name: str, data: dict[str, object]) -> None:
        await self.server.emit(name, data, to=sid)


def create_app(
    edge: SocketIoEdge, has_room: Callable[[], bool], others: ASGIApp, addresses: AddressLimits | None = None
) -> ASGIApp:
    """The edge as an application; new clients come in while there is room. `others` answers all other requests."""
    return ClientLimits(socketio.ASGIApp(edge.server, others), edge.sessions, has_room, addresses)
