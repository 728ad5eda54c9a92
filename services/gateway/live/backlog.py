"""What all connections of the process have waiting: bounded in bytes, the largest ones pay."""

from __future__ import annotations

from typing import Protocol

from services.gateway.core.limits import BACKLOG_STEP


class Holder(Protocol):
    """One connection."""

    @property
    def waiting(self) -> int:
        """Bytes in its outbox and its transport, and of what waits until its inbox is read."""
        ...

    def drop_slow(self) -> None:
        """Frees what waits, and sends the client away; it resumes with its cursor."""
        ...


class Backlog:
    """At most `limit` bytes, and what is written between two counts (an eighth of it).

    Only what comes makes a backlog grow, so it is counted by its bytes: a connection that keeps up costs nothing,
    and is never dropped for others.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._step = limit // BACKLOG_STEP
        self._written = 0
        self._holders: dict[Holder, None] = {}

    def add(self, holder: Holder) -> None:
        """From now on it counts."""
        self._holders[holder] = None

    def discard(self, holder: Holder) -> None:
        """It is gone, and what it had waiting with it."""
        self._holders.pop(holder, None)

    def wrote(self, size: int) -> None:
        """So many bytes were written, or wait; beyond the limit the connections with the most waiting are dropped."""
        self._written += size
        if self._written >= self._step:
            self._written = 0
            self._enforce()

    def _enforce(self) -> None:
        waiting = {holder: holder.waiting for holder in self._holders}
        excess = sum(waiting.values()) - self._limit
        for holder in sorted(waiting, key=waiting.__getitem__, reverse=True):
            if excess <= 0:
                return
            excess -= waiting[holder]
            holder.drop_slow()
