"""Who is connected here, by user; knows connections only as receivers of inbox events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from services.gateway.core.limits import SOCKETS_PER_USER
from services.gateway.live.core.announcement import Announcement
from services.gateway.live.writes import Writes


class Receiver(Protocol):
    """One connection of an authenticated user."""

    def announce(self, announcements: Sequence[Announcement], writes: Writes, /) -> None:
        """Adds what the client is told of these events, as one write. Never blocks, raises, or changes the registry."""
        ...

    def reload(self) -> None:
        """Something happened that cannot be told: has the client read its inbox again. Never blocks or raises."""
        ...

    def replace(self) -> None:
        """It is in the registry no more: newer ones of its user took its place. Never blocks or raises."""
        ...


class Registry:
    """All authenticated connections of this process."""

    def __init__(self, *, most_per_user: int = SOCKETS_PER_USER) -> None:
        self._most = most_per_user
        self._receivers: dict[bytes, tuple[Receiver, ...]] = {}
        """Of each user, the oldest first."""
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
        receivers = self._receivers.get(key, ())
        if receiver in receivers:
            return
        self._receivers[key] = (*receivers, receiver)[-self._most :]
        if not receivers:
            self.changed(key)
        elif len(receivers) == self._most:
            receivers[0].replace()

    def remove(self, key: bytes, receiver: Receiver) -> bool:
        """False when it was not there."""
        receivers = self._receivers.get(key, ())
        if receiver not in receivers:
            return False
        if len(receivers) == 1:
            del self._receivers[key]
            self.changed(key)
        else:
            self._receivers[key] = tuple(other for other in receivers if other is not receiver)
        return True

    def deliver(self, key: bytes, announcements: Sequence[Announcement], writes: Writes) -> None:
        """Hands events to every connection of the user."""
        for receiver in self._receivers.get(key, ()):
            receiver.announce(announcements, writes)

    def reload(self, key: bytes) -> None:
        """Has every client of the user read the inbox again."""
        for receiver in self._receivers.get(key, ()):
            receiver.reload()
