"""What a socket is told for which there is no room, by why."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Response

from services.gateway.core.limits import FULL_SECONDS
from services.gateway.live.core.address_limits import AddressLimit
from services.gateway.live.core.messages import CloseCode
from shared.process.gateway_metrics import GATEWAY_REJECTIONS

FULL: Final = "full"
"""The process has all the sockets it may have; otherwise why is an AddressLimit."""
_CLOSES: Final = {
    FULL: (CloseCode.TRY_AGAIN_LATER, "too many connections here; come back in some seconds"),
    AddressLimit.SOCKETS: (CloseCode.TRY_AGAIN_LATER, "too many connections of your address here"),
    AddressLimit.UNAUTHENTICATED: (CloseCode.TRY_AGAIN_LATER, "too many of your address sent no token yet"),
    AddressLimit.HANDSHAKES: (CloseCode.TOO_MANY_MESSAGES, "too many new connections of your address"),
}


async def close_rejected(socket: ServerConnection, why: str) -> None:
    """After the handshake, so that a browser sees the code."""
    GATEWAY_REJECTIONS.labels(why).inc()
    await socket.close(*_CLOSES[why])


def without_handshake(socket: ServerConnection, why: str) -> Response:
    """While too many others are told by a code."""
    GATEWAY_REJECTIONS.labels(why).inc()
    code, told = _CLOSES[why]
    often = code is CloseCode.TOO_MANY_MESSAGES
    response = socket.respond(
        HTTPStatus.TOO_MANY_REQUESTS if often else HTTPStatus.SERVICE_UNAVAILABLE, f"{told.capitalize()}.\n"
    )
    response.headers["Retry-After"] = str(FULL_SECONDS)
    return response
