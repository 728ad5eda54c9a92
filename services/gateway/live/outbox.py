"""What waits to be written to one connection, bounded in bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.gateway.core.limits import MAX_OUTBOX_BYTES
from services.gateway.live.frames import text_frame


class Outbox:
    """Frames in order, never more than `limit` bytes together with the backlog.

    `backlog()` says how many bytes were written to the transport and have not left it. The one exception to the
    bound: with nothing waiting at all, one message of any size is taken.
    """

    __slots__ = ("_backlog", "_closed", "_frame", "_frames", "_limit", "_size")

    def __init__(
        self,
        backlog: Callable[[], int],
        *,
        limit: int = MAX_OUTBOX_BYTES,
        frame: Callable[[bytes], bytes] = text_frame,
    ) -> None:
        """`frame` makes of a message what is written to the transport."""
        self._backlog = backlog
        self._limit = limit
        self._frame = frame
        self._frames: list[bytes] | None = None
        self._size = 0
        self._closed = False

    def __len__(self) -> int:
        """The number of frames that wait."""
        return len(self._frames or ())

    @property
    def waiting(self) -> int:
        """Bytes here and in the backlog."""
        return self._size + self._backlog()

    def put(self, payload: bytes) -> bool:
        """Queues one text message (UTF-8); False when it does not fit or the outbox is closed."""
        if self._closed:
            return False
        frame = self._frame(payload)
        waiting = self._size + self._backlog()
        if waiting and waiting + len(frame) > self._limit:
            return False
        if self._frames is None:
            self._frames = [frame]
        else:
            self._frames.append(frame)
        self._size += len(frame)
        return True

    def take(self) -> Sequence[bytes]:
        """All that waits."""
        frames, self._frames, self._size = self._frames, None, 0
        return frames or ()

    def close(self) -> None:
        """Drops what waits, and takes nothing more."""
        self._closed = True
        self._frames, self._size = None, 0
