"""A server's socket whose client may neither send more frames than it has to, nor leave its handshake unfinished in masses."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from websockets.asyncio.server import ServerConnection
from websockets.server import ServerProtocol

from services.gateway.core.limits import (
    CLOSE_SECONDS,
    FRAME_BURST,
    FRAMES_PER_SECOND,
    MAX_OPENING_CONNECTIONS,
    READ_SLICE_BYTES,
)
from services.gateway.live.core.messages import CloseCode
from shared.model.token_buckets import TokenBucket
from shared.process.gateway_metrics import GATEWAY_REJECTIONS

if TYPE_CHECKING:
    import asyncio

    from websockets.asyncio.server import Server
    from websockets.protocol import Event

    from services.gateway.live.core.address_limits import AddressLimit, Place


class BoundedSocket(ServerConnection):
    """As its base. Frames are counted below messages: pings are answered, and fragments kept, before anybody looks at them."""

    # With more than thirty attributes an object gets a dictionary of its own: 1.3 KiB for each idle socket.
    __slots__ = ("_flooded", "_frames", "_opening", "place", "refused")

    def __init__(
        self, protocol: ServerProtocol, server: Server, *, opening: set[BoundedSocket], **settings: Any
    ) -> None:
        """`opening`: all of the process that wait for a request."""
        super().__init__(protocol, server, **settings)
        self.place: Place | None = None
        """Among the sockets of its address, where these are counted."""
        self.refused: AddressLimit | None = None
        """Why it is to be sent away once its handshake is done."""
        self._opening = opening
        self._frames = TokenBucket(rate=FRAMES_PER_SECOND, burst=FRAME_BURST)
        self._flooded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """One that waits for no request beyond the bound is cut off."""
        super().connection_made(transport)
        if len(self._opening) >= MAX_OPENING_CONNECTIONS:
            GATEWAY_REJECTIONS.labels("opening").inc()
            self.transport.abort()
        else:
            self._opening.add(self)

    def data_received(self, data: bytes) -> None:
        """In slices: what was read at once may be tens of thousands of frames."""
        for start in range(0, len(data), READ_SLICE_BYTES):
            if self._flooded:
                return
            super().data_received(data[start : start + READ_SLICE_BYTES])

    def process_event(self, event: Event) -> None:
        """Counts it, whatever it is."""
        self._opening.discard(self)
        super().process_event(event)
        if not self._flooded and not self._frames.take(monotonic()):
            self._flood()

    def connection_lost(self, exc: Exception | None) -> None:
        """Its place is free, and so is its memory: circles would wait for the collector, which looks seldom."""
        self._opening.discard(self)
        if self.place is not None:
            self.place.leave()
        super().connection_lost(exc)
        self.protocol.parser = iter(())  # type: ignore[assignment]  # nothing is parsed any more
        del self.protocol.select_subprotocol
        if self.protocol.parser_exc is not None:
            self.protocol.parser_exc.__traceback__ = None

    def _flood(self) -> None:
        """Nothing more of it is read; it has some seconds to read why."""
        self._flooded = True
        GATEWAY_REJECTIONS.labels("frames").inc()
        self.protocol.fail(CloseCode.TOO_MANY_MESSAGES, "too many frames")
        self.send_data()
        self.loop.call_later(CLOSE_SECONDS, self.transport.abort)
