"""How a socket client says who it is, in each protocol that the benchmarks speak."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class DialectName(StrEnum):
    """As a plan names it."""

    CARILLON = "carillon"
    SOCKETIO = "socketio"


class Dialect(Protocol):
    """What differs between the servers before the first notification."""

    def target(self) -> bytes:
        """The path and query to connect to."""
        ...

    def headers(self, token: str) -> bytes:
        """Further headers of the handshake, each with its line end."""
        ...

    def reply(self, text: bytes, token: str) -> bytes | None:
        """What to answer to a text message, if anything."""
        ...

    def welcomes(self, text: bytes) -> bool:
        """Whether the message says that the user is known from now on."""
        ...


class Carillon:
    """The token is a subprotocol; the server speaks first and says hello."""

    def target(self) -> bytes:
        return b"/"

    def headers(self, token: str) -> bytes:
        return b"Sec-WebSocket-Protocol: carillon.v1, bearer.%b\r\n" % token.encode()

    def reply(self, text: bytes, token: str) -> bytes | None:  # noqa: ARG002  # pings are the WebSocket's
        return None

    def welcomes(self, text: bytes) -> bool:
        return text.startswith(b'{"type":"hello"')


class SocketIO:
    """Socket.IO 5 over Engine.IO 4: open `0`, ping `2`, pong `3`, connect `40`; the token is the connect's payload."""

    def target(self) -> bytes:
        return b"/socket.io/?EIO=4&transport=websocket"

    def headers(self, token: str) -> bytes:  # noqa: ARG002  # it follows in the connect
        return b""

    def reply(self, text: bytes, token: str) -> bytes | None:
        if text.startswith(b"0{"):
            return b'40{"token":"%b"}' % token.encode()
        return b"3" if text == b"2" else None

    def welcomes(self, text: bytes) -> bool:
        return text.startswith(b"40")


DIALECTS: dict[DialectName, Dialect] = {DialectName.CARILLON: Carillon(), DialectName.SOCKETIO: SocketIO()}
