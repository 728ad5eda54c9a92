"""What a dialect is: other words for the same session. It translates, and keeps no state of an inbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from services.gateway.live.core.commands import BadCommand, Command, ListCommand


class Dialect(Protocol):
    """Of one connection. Pure: it knows neither sockets nor time."""

    def decode(self, frame: str | bytes, /) -> Command | ListCommand | BadCommand:
        """The session's command for what the client says, or what is wrong with it. Raises NotJson."""
        ...

    def encode(self, message: bytes, /) -> Sequence[bytes]:
        """What the client is told instead of a message of `carillon.v1`: in order, and perhaps nothing."""
        ...
