"""What one turn of the fan-out writes: all of it is put together first, then written.

Alternating costs half as much again: neither Python's code nor the kernel's finds its own still in the processor's caches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from services.gateway.live.backlog import Backlog
from shared.process.gateway_metrics import SOCKET_FRAMES

TEXT_FRAMES = SOCKET_FRAMES.labels("text")


class Writable(Protocol):
    """A transport."""

    def write(self, data: bytes, /) -> None:
        """Never blocks."""
        ...


class Writes:
    """In order. Between `add` and `flush` nothing else may be written to the same transports."""

    def __init__(self, backlog: Backlog) -> None:
        self._backlog = backlog
        self._messages = 0
        self._writes: list[tuple[Writable, bytes]] = []
        self.size = 0
        """Bytes that wait."""
        self.held = 0
        """Bytes of what is not written now, and may wait elsewhere."""

    def add(self, transport: Writable, frames: Sequence[bytes]) -> None:
        """One write of one or more messages."""
        data = frames[0] if len(frames) == 1 else b"".join(frames)
        self._writes.append((transport, data))
        self._messages += len(frames)
        self.size += len(data)

    def flush(self) -> None:
        """Writes all that waits."""
        writes, size, messages = self._writes, self.size + self.held, self._messages
        self._writes, self.size, self.held, self._messages = [], 0, 0, 0
        for transport, data in writes:
            transport.write(data)
        TEXT_FRAMES.inc(messages)
        self._backlog.wrote(size)
