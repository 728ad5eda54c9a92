"""What is announced while a session's rows are read: it waits, within a bound in number and bytes."""

from __future__ import annotations

from services.gateway.core.limits import MAX_RESUME_BYTES, MAX_RESUME_ROWS
from services.gateway.live.core.announcement import Announcement


class WaitingEvents:
    """Announcements in order; beyond the bound all are dropped, and the inbox has to be read anew."""

    __slots__ = ("_events", "_overflowed", "size")

    def __init__(self) -> None:
        self._events: list[Announcement] = []
        self.size = 0
        """In bytes: what others hold as well counts here, too."""
        self._overflowed = False

    def put(self, announcement: Announcement) -> None:
        """One more."""
        if self._overflowed:
            return
        self.size += len(announcement.items)
        if len(self._events) == MAX_RESUME_ROWS or self.size > MAX_RESUME_BYTES:
            self._overflowed = True
            self._events, self.size = [], 0
        else:
            self._events.append(announcement)

    def take(self) -> list[Announcement] | None:
        """All that waited; None if it was too much. Afterwards nothing waits."""
        events = None if self._overflowed else self._events
        self._events, self.size, self._overflowed = [], 0, False
        return events
