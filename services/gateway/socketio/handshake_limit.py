"""Which handshakes come as far as Socket.IO: none while the process has all the clients it may have, or ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.core.limits import FULL_SECONDS
from shared.process.gateway_metrics import GATEWAY_REJECTIONS

PATH: Final = "/socket.io"
_TEXT: Final = "This process takes no further clients now.\n"


class HandshakeLimit:
    """503 to new ones; who is in goes on. A client that is told so tries again by itself."""

    def __init__(self, app: ASGIApp, has_room: Callable[[], bool]) -> None:
        self._app = app
        self._has_room = has_room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI says."""
        if _is_handshake(scope) and not self._has_room():
            GATEWAY_REJECTIONS.labels("full").inc()
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1013})
                return
            refusal = PlainTextResponse(_TEXT, 503, {"Retry-After": str(FULL_SECONDS)})
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _is_handshake(scope: Scope) -> bool:
    """The first request of a client: it has no session yet."""
    if scope["type"] not in {"http", "websocket"} or not scope["path"].startswith(PATH):
        return False
    return not any(part.startswith(b"sid=") for part in scope["query_string"].split(b"&"))
