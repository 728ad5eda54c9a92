"""Which dialect a WebSocket's client speaks: its subprotocol says so; without one its path does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from websockets.asyncio.server import ServerConnection
from websockets.typing import Subprotocol

from services.gateway.dialects.core.dashboard import Dashboard
from services.gateway.dialects.translated import TranslatedConnection
from services.gateway.live.connection import Connection
from services.gateway.live.connection_context import ConnectionContext

CARILLON: Final = Subprotocol("carillon.v1")
DASHBOARD: Final = Subprotocol("dashboard.v1")
DASHBOARD_PATH: Final = "/ws"


def select(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """The first dialect that is offered. Only its name is ever echoed, never a token."""
    return next((one for one in offered if one in {CARILLON, DASHBOARD}), None)


def open_connection(socket: ServerConnection, context: ConnectionContext) -> Connection:
    """The connection of a socket whose handshake is done, and whose head is still there."""
    path = socket.request.path.partition("?")[0] if socket.request is not None else ""
    unnamed = socket.subprotocol is None and path.rstrip("/").endswith(DASHBOARD_PATH)
    if socket.subprotocol == DASHBOARD or unnamed:
        return TranslatedConnection(socket, context, Dashboard())
    return Connection(socket, context)
