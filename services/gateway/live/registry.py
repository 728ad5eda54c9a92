"""Who is connected here, by user; knows connections only as receivers of inbox events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from services.gateway.core.limits import SOCKETS_PER_USER
from services.gateway.live.core.announcement import Announcement
from shared.process.metrics import SOCKET_FRAMES

TEXT_FRAMES = SOCKET_FRAMES.labels("text")


class Receiver(Protocol):
    """One connection of an authenticated user."""

    def announce(self, announcement: Announcement, /) -> bool:
        """Queues what the client is told of an event; whether anything waits to be written.

        Never blocks, raises, or changes the registry.
        """
        ...

    def reload(self) -> None:
        """Something happened that cannot be told: has the client read its inbox again. Never blocks or raises."""
        ...

    def replace(self) -> None:
        """It is in the registry no more: newer ones of its user took its place. Never blocks or raises."""
        ...

    def flush(self) -> int:
        """Writes all that waits, at once; how many messages that were."""
        ...


class Registry:
    """All authenticated connections of this process."""

    def __init__(self, *, most_per_user: int = SOCKETS_PER_USER) -> None:
        self._most = most_per_user
        self._receivers: dict[bytes, dict[Receiver, None]] = {}
        self._ready: dict[Receiver, None] = {}
        self.changed: Callable[[bytes], None] = lambda _: None
        """Told of a user's first connection and of the end of the last one, once it is so."""

    def __contains__(self, key: object) -> bool:
        return key in self._receivers

    def users(self) -> list[bytes]:
        """The keys of all users who are connected now."""
        return list(self._receivers)

    def sockets(self, key: bytes) -> int:
        """How many sockets the user has."""
        return len(self._receivers.get(key, ()))

    def add(self, key: bytes, receiver: Receiver) -> None:
        """From now on the receiver gets the events of the user with this key. Adding twice is adding once.

        Of more than a user may have, the oldest goes.
        """
        if (receivers := self._receivers.get(key)) is not None:
            receivers[receiver] = None
            if len(receivers) > self._most:
                oldest = next(iter(receivers))
                del receivers[oldest]
                self._ready.pop(oldest, None)
                oldest.replace()
        else:
            self._receivers[key] = {receiver: None}
            self.changed(key)

    def remove(self, key: bytes, receiver: Receiver) -> bool:
        """False when it was not there."""
        self._ready.pop(receiver, None)
        receivers = self._receivers.get(key, {})
        if receiver not in receivers:
            return False
        del receivers[receiver]
        if not receivers:
            del self._receivers[key]
            self.changed(key)
        return True

    def deliver(self, key: bytes, announcement: Announcement) -> None:
        """Hands an event to every connection of the user; it is written by the next `flush`."""
        for receiver in self._receivers.get(key, ()):
            if receiver.announce(announcement):
                self._ready[receiver] = None

    def reload(self, key: bytes) -> None:
        """Has every client of the user read the inbox again."""
        for receiver in self._receivers.get(key, ()):
            receiver.reload()

    def flush(self) -> None:
        """Writes what `deliver` queued since the last time: one write per connection."""
        ready, self._ready = self._ready, {}
        if ready:
            TEXT_FRAMES.inc(sum([receiver.flush() for receiver in ready]))
