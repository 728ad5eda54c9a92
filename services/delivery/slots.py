"""The slots of one lane, given in turn to tenants and hosts; what is over its share waits without one, or gives way."""

from __future__ import annotations

import asyncio
import time
from bisect import insort
from collections import Counter

from services.delivery.core.shares import Group, Shares, Slot
from shared.model.deliveries import Delivery

Waiter = asyncio.Future[Slot | None]
Urgency = tuple[int, int]
"""The smaller goes first."""
OF_TENANT = 2
"""So many times more of a tenant's may wait than of a host's."""


class Slots:
    """At most `slots` at once. `waiting` is how many of a slow host may wait here; the others give way.

    So do those of a tenant whose hosts are mostly slow, be each of them within its share, but for the quick ones.
    """

    def __init__(self, slots: int, *, waiting: int) -> None:
        self._shares = Shares(slots)
        self._most_waiting = waiting
        self._waiting: dict[Group, list[tuple[Urgency, Waiter]]] = {}
        """In the order in which they go."""
        self._unproven_waiting: Counter[str] = Counter()
        """By tenant, as of the last count or more."""

    async def take(self, group: Group, urgency: Urgency = (0, 0)) -> Slot | None:
        """A slot, once there is one in the group's share; None: it must give way to others. Give it back.

        Of those that wait the most urgent goes first, of two alike the one that came first.
        """
        if group not in self._waiting and self._shares.may_start(group):
            return self._shares.start(group)
        if self._must_give_way(group):
            return None
        waiter: Waiter = asyncio.get_running_loop().create_future()
        insort(self._waiting.setdefault(group, []), (urgency, waiter), key=_urgency)
        if not self._shares.is_proven(group):
            self._unproven_waiting[group.tenant] += 1
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
        self._shares.end(slot)
        self._wake()

    def note(self, group: Group, seconds: float) -> None:
        """How long a send took: a quick answer widens its host's share, a slow one narrows it."""
        self._shares.note(group, seconds)

    def make_room(self) -> int:
        """Lets those of slow hosts give way that are more than may wait, the newest first; returns how many."""
        now, told = time.monotonic(), 0
        for group, queue in list(self._waiting.items()):
            if len(queue) > self._most_waiting and self._shares.is_slow(group, now):
                told += self._send_away(group, len(queue) - self._most_waiting)
        self._count()
        for tenant, waiting in list(self._unproven_waiting.items()):
            over = waiting - OF_TENANT * self._most_waiting
            if over > 0 and self._shares.is_held_up(tenant, now):
                for group in reversed(list(self._waiting)):
                    if group.tenant == tenant and not self._shares.is_proven(group) and over > 0:
                        gone = self._send_away(group, over)
                        told, over = told + gone, over - gone
        self._count()
        return told

    def _must_give_way(self, group: Group) -> bool:
        """Those of a slow host or tenant, where as many as may wait already do."""
        now = time.monotonic()
        if len(self._waiting.get(group, ())) >= self._most_waiting and self._shares.is_slow(group, now):
            return True
        if self._shares.is_proven(group) or self._unproven_waiting[group.tenant] < OF_TENANT * self._most_waiting:
            return False
        self._count()
        return self._unproven_waiting[group.tenant] >= OF_TENANT * self._most_waiting and self._shares.is_held_up(
            group.tenant, now
        )

    def _count(self) -> None:
        """Who has been given a slot, or has become quick, waits there no more."""
        self._unproven_waiting.clear()
        for group, queue in self._waiting.items():
            if not self._shares.is_proven(group):
                self._unproven_waiting[group.tenant] += len(queue)

    def _send_away(self, group: Group, most: int) -> int:
        """Up to `most` of the group, the newest first, give way."""
        queue, told = self._waiting[group], 0
        while queue and told < most:
            if not (waiter := queue.pop()[1]).done():  # cancelled, and not heard of yet
                waiter.set_result(None)
                told += 1
        if not queue:
            del self._waiting[group]
        return told

    def _wake(self) -> None:
        """The group with the most urgent one first; of those alike, each in its turn."""
        for group in sorted(self._waiting, key=self._first):
            if self._shares.is_full:
                return
            queue = self._waiting.pop(group)
            started = 0
            while started < len(queue) and self._shares.may_start(group):
                if not (waiter := queue[started][1]).done():
                    waiter.set_result(self._shares.start(group))
                started += 1
            if left := queue[started:]:
                self._waiting[group] = left

    def _first(self, group: Group) -> int:
        """How urgent its first one is; when that was accepted is its group's own matter."""
        return self._waiting[group][0][0][0]

    def _forget(self, group: Group, waiter: Waiter) -> None:
        queue = [(urgency, each) for urgency, each in self._waiting.get(group, ()) if each is not waiter]
        if queue:
            self._waiting[group] = queue
        else:
            self._waiting.pop(group, None)


def urgency_of(delivery: Delivery) -> Urgency:
    """By priority, then by when it was accepted."""
    return -delivery.notification.priority.rank, delivery.notification.accepted_at


def _urgency(waiting: tuple[Urgency, Waiter]) -> Urgency:
    return waiting[0]
