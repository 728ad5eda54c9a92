"""Who is connected here (pure): user key -> members, each with a bounded queue of frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any, Final, NamedTuple

from services.gateway.live.core.actions import Send
from services.gateway.live.core.messages import Announcement
from services.gateway.live.core.session import Session
from services.gateway.live.frames import text_frame

QUEUE_BYTES: Final = 1_048_576


class Outcome(StrEnum):
    """What became of an event here."""

    DELIVERED = "delivered"
    NOT_CONNECTED = "not_connected"
    QUEUE_FULL = "queue_full"
    """For at least one member, which is too slow: it is named, and got nothing."""


class Member:
    """One connection: its session and the frames that wait for the next write.

    `backlog()` says how many bytes were written and have not left; they count too. `handle` is the shell's.
    """

    __slots__ = ("_size", "backlog", "frames", "handle", "limit", "session")

    def __init__(
        self, session: Session, *, backlog: Callable[[], int], handle: Any = None, limit: int = QUEUE_BYTES
    ) -> None:
        self.session = session
        self.backlog = backlog
        self.handle = handle
        self.limit = limit
        self.frames: list[bytes] = []
        self._size = 0

    def offer(self, payload: bytes) -> bool:
        """Queues a message; False when it does not fit. An empty queue takes a message of any size."""
        frame = text_frame(payload)
        waiting = self._size + self.backlog()
        if waiting and waiting + len(frame) > self.limit:
            return False
        self.frames.append(frame)
        self._size += len(frame)
        return True

    def take(self) -> bytes:
        """All that waits, as one write."""
        frames, self.frames, self._size = self.frames, [], 0
        return frames[0] if len(frames) == 1 else b"".join(frames)


class Result(NamedTuple):
    """`slow` are the members that must be closed."""

    outcome: Outcome
    slow: tuple[Member, ...] = ()


_NOBODY: Final = Result(Outcome.NOT_CONNECTED)
_DELIVERED: Final = Result(Outcome.DELIVERED)


class Registry:
    """All identified members of this process."""

    def __init__(self) -> None:
        self._members: dict[bytes, dict[Member, None]] = {}
        self._ready: dict[Member, None] = {}

    def __contains__(self, key: object) -> bool:
        return key in self._members

    def __iter__(self) -> Iterator[Member]:
        for members in list(self._members.values()):
            yield from list(members)

    def add(self, key: bytes, member: Member) -> None:
        """From now on the member gets the user's events. Adding twice is adding once."""
        self._members.setdefault(key, {})[member] = None

    def remove(self, key: bytes, member: Member) -> bool:
        """False when it was not there."""
        self._ready.pop(member, None)
        members = self._members.get(key, {})
        if member not in members:
            return False
        del members[member]
        if not members:
            del self._members[key]
        return True

    def send(self, member: Member, payload: bytes) -> bool:
        """Queues a message for one member; False when its queue is full."""
        if not member.offer(payload):
            return False
        self._ready[member] = None
        return True

    def deliver(self, key: bytes, announcement: Announcement) -> Result:
        """Hands an event to every session of the user."""
        members = self._members.get(key)
        if members is None:
            return _NOBODY
        slow = [
            member
            for member in members
            for action in member.session.on_event(announcement)
            if isinstance(action, Send) and not self.send(member, action.payload)
        ]
        return Result(Outcome.QUEUE_FULL, tuple(slow)) if slow else _DELIVERED

    def take_ready(self) -> list[Member]:
        """The members with something to write; each is named once."""
        ready, self._ready = self._ready, {}
        return list(ready)
