"""The slots of one lane, given in turn to tenants and hosts; what is over its share waits without one, or gives way."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass

from services.delivery.core.shares import Group, Shares


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot in use."""

    group: Group
    began: float


Waiter = asyncio.Future[Slot | None]


class Slots:
    """At most `slots` at once. `waiting` is how many of a slow host may wait here; the others give way."""

    def __init__(self, slots: int, *, waiting: int) -> None:
        self._shares = Shares(slots)
        self._most_waiting = waiting
        self._waiting: dict[Group, deque[Waiter]] = {}

    async def take(self, group: Group) -> Slot | None:
        """A slot, once there is one in the group's share; None: it must give way to others. Give it back."""
        if group not in self._waiting and self._shares.may_start(group):
            return self._start(group)
        queue = self._waiting.setdefault(group, deque())
        if len(queue) >= self._most_waiting and self._shares.is_slow(group, time.monotonic()):
            return None
        waiter: Waiter = asyncio.get_running_loop().create_future()
        queue.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and (slot := waiter.result()) is not None:
                self.give_back(slot)
            else:
                self._forget(group, waiter)
            raise

    def give_back(self, slot: Slot) -> None:
        """Ends it; the next one that may start does."""
        self._shares.end(slot.group, slot.began)
        self._wake()

    def note(self, group: Group, seconds: float) -> None:
        """How long a send took: a quick answer widens its host's share, a slow one narrows it."""
        self._shares.note(group, seconds)

    def make_room(self) -> int:
        """Lets those of slow hosts give way that are more than may wait, the newest first; returns how many."""
        now, told = time.monotonic(), 0
        for group, queue in list(self._waiting.items()):
            if len(queue) > self._most_waiting and self._shares.is_slow(group, now):
                while len(queue) > self._most_waiting:
                    if not (waiter := queue.pop()).done():  # cancelled, and not heard of yet
                        waiter.set_result(None)
                        told += 1
        return told

    def _start(self, group: Group) -> Slot:
        slot = Slot(group, time.monotonic())
        self._shares.start(group, slot.began)
        return slot

    def _wake(self) -> None:
        """Each group in its turn."""
        for group in list(self._waiting):
            if self._shares.is_full:
                return
            queue = self._waiting.pop(group)
            while queue and self._shares.may_start(group):
                if not (waiter := queue.popleft()).done():
                    waiter.set_result(self._start(group))
            if queue:
                self._waiting[group] = queue

    def _forget(self, group: Group, waiter: Waiter) -> None:
        queue = self._waiting.get(group)
        if queue is not None and waiter in queue:
            queue.remove(waiter)
            if not queue:
                del self._waiting[group]
