"""What comes as far as Socket.IO: no handshakes beyond the bounds, no messages or requests larger or more than they may be."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final, NamedTuple
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.core.limits import FULL_SECONDS
from services.gateway.live.core.address_limits import AddressLimit, AddressLimits, Place
from services.gateway.live.rejections import FULL
from services.gateway.socketio.engine_sessions import EngineSession, EngineSessions
from shared.process.gateway_metrics import GATEWAY_REJECTIONS

PATH: Final = "/socket.io"
SESSION: Final = "carillon.engine_session"
"""Where a handshake's session is in its ASGI scope, until it has an id."""
TOO_LARGE: Final = 1009


class _Refusal(NamedTuple):
    status: int
    text: str


_REFUSALS: Final[dict[str, _Refusal]] = {
    FULL: _Refusal(503, "This process takes no further clients now.\n"),
    AddressLimit.SOCKETS: _Refusal(503, "Too many connections of your address here.\n"),
    AddressLimit.UNAUTHENTICATED: _Refusal(503, "Too many of your address sent no token yet.\n"),
    AddressLimit.HANDSHAKES: _Refusal(429, "Too many new connections of your address.\n"),
}
_UNKNOWN: Final = _Refusal(400, "There is no such session.\n")
_NO_LENGTH: Final = _Refusal(411, "Say how long it is: Content-Length.\n")
_LARGE: Final = _Refusal(413, "Too large.\n")
_OFTEN: Final = _Refusal(429, "Too many requests.\n")


class ClientLimits:
    """ASGI middleware. A client that is told 503 or 429 tries again by itself; who is in goes on."""

    def __init__(
        self,
        app: ASGIApp,
        sessions: EngineSessions,
        has_room: Callable[[], bool],
        addresses: AddressLimits | None = None,
    ) -> None:
        """`addresses`: None, and nothing is counted by them."""
        self._app = app
        self._sessions = sessions
        self._has_room = has_room
        self._addresses = addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI says."""
        if scope["type"] not in {"http", "websocket"} or not scope["path"].startswith(PATH):
            await self._app(scope, receive, send)
            return
        query = parse_qs(scope["query_string"].decode("latin-1"))
        if "sid" in query:
            await self._go_on(query["sid"][0], scope, receive, send)
        else:
            await self._begin(scope, receive, send)

    async def _begin(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._enter(scope)
        if isinstance(found, str):
            GATEWAY_REJECTIONS.labels(found).inc()
            await _refuse(_REFUSALS[found], scope, receive, send)
            return
        session = EngineSession(found)
        try:
            await self._app({**scope, SESSION: session}, _bounded(session, scope, receive, send), send)
        finally:
            if not session.opened or scope["type"] == "websocket":
                session.end()

    def _enter(self, scope: Scope) -> Place | str | None:
        """A place among the sockets of its address, or why there is none."""
        if not self._has_room():
            return FULL
        if self._addresses is None:
            return None
        peer, forwarded = scope.get("client"), Headers(scope=scope).getlist("x-forwarded-for")
        return self._addresses.enter(peer[0] if peer else "", forwarded, monotonic())

    async def _go_on(self, engine_sid: str, scope: Scope, receive: Receive, send: Send) -> None:
        session = self._sessions.get(engine_sid)
        if session is None:
            await _refuse(_UNKNOWN, scope, receive, send)
            return
        if (refusal := _wrong(session, scope)) is not None:
            await _refuse(refusal, scope, receive, send)
            await self._sessions.cut(engine_sid)
            return
        await self._app(scope, _bounded(session, scope, receive, send), send)


def _wrong(session: EngineSession, scope: Scope) -> _Refusal | None:
    """What is wrong with a request before its body is read."""
    if not session.requests.take(monotonic()):
        GATEWAY_REJECTIONS.labels("frames").inc()
        return _OFTEN
    if scope.get("method") != "POST":
        return None
    length = Headers(scope=scope).get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        return _NO_LENGTH
    return _LARGE if int(length) > session.most_bytes else None


def _bounded(session: EngineSession, scope: Scope, receive: Receive, send: Send) -> Receive:
    """The same, and a message that is too large is the last one."""
    if scope["type"] != "websocket":
        return receive

    async def bounded() -> Message:
        message = await receive()
        if len(message.get("text") or message.get("bytes") or "") <= session.most_bytes:
            return message
        await send({"type": "websocket.close", "code": TOO_LARGE})
        return {"type": "websocket.disconnect", "code": TOO_LARGE}

    return bounded


async def _refuse(refusal: _Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"Retry-After": str(FULL_SECONDS)} if refusal.status in {429, 503} else {}
    if scope["type"] == "websocket":
        await receive()
    await PlainTextResponse(refusal.text, refusal.status, headers)(scope, receive, send)
