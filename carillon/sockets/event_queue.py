"""Events on their way from the connection to whoever iterates: bounded, each once, with the cursors of both ends."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from carillon.sockets.events import Notified, Reset, SocketEvent


class EventQueue:
    """At most `max_queued` events. What does not fit is skipped, and comes again: the next connection resumes before it.

    While a command waits for its answer the connection is read even when the queue is full, or a consumer that
    awaits the command would wait for itself.
    """

    def __init__(self, max_queued: int, cursor: str | None) -> None:
        self.cursor = cursor
        """Of the last event that was taken."""
        self.kept = cursor
        """Of the last event that was put: where the next connection resumes."""
        self.skipping = False
        self._events: deque[SocketEvent] = deque()
        self._max_queued = max_queued
        self._last_offset = -1
        self._answers_awaited = 0
        self._ended = False
        self._error: BaseException | None = None
        self._filled = asyncio.Event()
        self._readable = asyncio.Event()
        self._room = asyncio.Event()
        self._changed()

    def begin(self) -> None:
        """A connection begins: what was skipped comes again."""
        self.skipping = False

    def put(self, event: SocketEvent) -> None:
        """Keeps the event, unless it was put before or there is no room."""
        if isinstance(event, Notified) and event.item.offset <= self._last_offset:
            return
        if self.skipping or len(self._events) >= self._max_queued:
            self.skipping = True
            return
        if isinstance(event, Notified):
            self._last_offset = event.item.offset
        elif isinstance(event, Reset):
            self._last_offset = -1
        self.kept = event.cursor or self.kept
        self._events.append(event)
        self._changed()

    async def take(self) -> SocketEvent | None:
        """The next event; None after `close`. Raises what `fail` was given, once all events before it are taken."""
        while not self._events:
            if self._error is not None:
                raise self._error
            if self._ended:
                return None
            await self._filled.wait()
        event = self._events.popleft()
        self.cursor = event.cursor or self.cursor
        self._changed()
        return event

    def close(self) -> None:
        """No more events: those that wait are not taken any more."""
        self._events.clear()
        self._ended, self._error = True, None
        self._changed()

    def fail(self, error: BaseException) -> None:
        """No more events than those that wait."""
        if not self._ended:
            self._ended, self._error = True, error
            self._changed()

    @contextmanager
    def answer_awaited(self) -> Iterator[None]:
        """While a command waits for its answer."""
        self._answers_awaited += 1
        self._changed()
        try:
            yield
        finally:
            self._answers_awaited -= 1
            self._changed()

    async def readable(self) -> None:
        """Returns when the connection is to be read."""
        await self._readable.wait()

    async def room(self) -> None:
        """Returns when the queue is at most half full."""
        await self._room.wait()

    def _changed(self) -> None:
        count = len(self._events)
        _set(self._filled, count > 0 or self._ended)
        _set(self._readable, count < self._max_queued or self._answers_awaited > 0)
        _set(self._room, count <= self._max_queued // 2)


def _set(event: asyncio.Event, state: bool) -> None:
    if state:
        event.set()
    else:
        event.clear()
