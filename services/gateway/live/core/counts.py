"""How many items are unread and unseen, as one client is told it: the last count that was made, and what came on top."""

from __future__ import annotations

from collections import deque

from services.gateway.core import limits
from services.gateway.core.as_of import AsOf
from shared.model.inbox import ReadInboxEvent


class Counts:
    """Of two counts the later one is right, whichever came first; newer rows come on top of it."""

    __slots__ = ("_recent", "at", "to", "unread", "unseen")

    def __init__(self) -> None:
        self.unread = self.unseen = 0
        self.to = -1
        """The largest offset that was counted."""
        self.at = 0
        """When, in milliseconds of MongoDB's clock: every change until then is in it."""
        self._recent: deque[int] | None = None  # most sockets wait long for their first item

    def begin(self, unread: int, unseen: int, to: int, at: int) -> None:
        """A count of all that there is."""
        self.unread, self.unseen, self.to, self.at = unread, unseen, to, at

    def add(self, offset: int) -> None:
        """A new item; it counts unless it was there when it was counted last."""
        self.remember(offset)
        if offset > self.to:
            self.unread += 1
            self.unseen += 1

    def remember(self, offset: int) -> None:
        """An item that was there when it was counted: another count may have been made before it came."""
        if self._recent is None:
            self._recent = deque(maxlen=limits.RECENT_OFFSETS)
        self._recent.append(offset)

    def change(self, event: ReadInboxEvent, sent: int) -> None:
        """A count that was made with a change; `sent`: the largest offset that the client was told of."""
        to = sent if event.counted_to is None else event.counted_to
        # Rows come in the order of their offsets: who counted more of them counted later, whenever the change was made.
        if event.unread is None or (to, event.at) < (self.to, self.at):
            return
        self.to, self.at = to, event.at
        newer = sum(offset > self.to for offset in self._recent or ())
        self.unread = event.unread + newer
        if event.unseen is not None:  # an older process counts none: the next change does
            self.unseen = event.unseen + newer

    def as_of(self, sent: int) -> AsOf:
        """How new the count is."""
        return AsOf(max(sent, self.to), self.at)
