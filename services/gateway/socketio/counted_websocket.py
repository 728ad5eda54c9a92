"""A WebSocket of uvicorn whose client may not send more frames than it has to."""

from __future__ import annotations

from time import monotonic
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from services.gateway.core.limits import CLOSE_SECONDS, FRAME_BURST, FRAMES_PER_SECOND, READ_SLICE_BYTES
from services.gateway.live.core.messages import CloseCode
from shared.model.token_buckets import TokenBucket
from shared.process.gateway_metrics import GATEWAY_REJECTIONS


class CountedWebSocket(WebSocketsSansIOProtocol):
    """As its base. Frames are counted below messages: pings are answered, and fragments kept, before anybody looks at them."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._counted = TokenBucket(rate=FRAMES_PER_SECOND, burst=FRAME_BURST)
        self._flooded = False

    def data_received(self, data: bytes) -> None:
        """In slices: what was read at once may be tens of thousands of frames."""
        for start in range(0, len(data), READ_SLICE_BYTES):
            if self._flooded:
                return
            super().data_received(data[start : start + READ_SLICE_BYTES])

    def handle_cont(self, event: Frame) -> None:
        """A part of a message."""
        if self._may():
            super().handle_cont(event)

    def handle_text(self, event: Frame) -> None:
        """Text, or its first part."""
        if self._may():
            super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        """Bytes, or their first part."""
        if self._may():
            super().handle_bytes(event)

    def handle_ping(self) -> None:
        """A ping; what is written below answers it."""
        if self._may():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """A pong, asked for or not."""
        if self._may():
            super().handle_pong(event)

    def _may(self) -> bool:
        if not self._flooded and not self._counted.take(monotonic()):
            self._flood()
        return not self._flooded

    def _flood(self) -> None:
        """Nothing more of it is read; it has some seconds to read why."""
        self._flooded = True
        GATEWAY_REJECTIONS.labels("frames").inc()
        self.conn.fail(CloseCode.TOO_MANY_MESSAGES, "too many frames")
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": int(CloseCode.TOO_MANY_MESSAGES)})
        self.loop.call_later(CLOSE_SECONDS, self.transport.abort)
