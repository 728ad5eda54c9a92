"""What a connection needs of its socket, whichever protocol is below."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from websockets.protocol import State


class SocketTransport(Protocol):
    """Where frames go; none of it blocks."""

    def get_write_buffer_size(self) -> int:
        """Bytes that the client has not taken."""
        ...

    def write(self, data: bytes, /) -> None:
        """Some frames, one behind the other."""
        ...

    def abort(self) -> None:
        """Cuts the client off; what waits is dropped."""
        ...


class SocketProtocol(Protocol):
    """How the socket stands, and what may be set while it is open."""

    max_message_size: int | None

    @property
    def state(self) -> State:
        """OPEN as long as something may be written."""
        ...


class ClientSocket(Protocol):
    """One client. Iterating gives what it says; it ends, or raises ConnectionClosed, when the client is gone."""

    @property
    def transport(self) -> SocketTransport:
        """Its own."""
        ...

    @property
    def protocol(self) -> SocketProtocol:
        """Its own."""
        ...

    def __aiter__(self) -> AsyncIterator[str | bytes]: ...

    async def close(self, code: int, reason: str, /) -> None:
        """Writes what waits, and ends the connection."""
        ...
