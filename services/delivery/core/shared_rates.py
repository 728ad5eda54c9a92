"""Limits that several tenants share: who keeps to his share of one never waits behind those who do not.

Nobody has a turn further ahead than a moment. Who would wait for longer is told when to ask again: in a queue of his
tenant's own, which moves on at the tenant's share of the limit. Nothing of a limit is left unused for that: while nobody
waits for it, whoever asks may go.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple

from services.delivery.core.cell_rates import MAX_KEYS, CellRates, Rate

AHEAD_MS: Final = 1_000
"""How far ahead turns are given."""
COUNT_EVERY_MS: Final = 250
"""How often it is counted again how many tenants wait."""


class SharedTurn(NamedTuple):
    """`given`: it may go at `at`, in milliseconds; else it asks again then."""

    at: int
    given: bool


class _Queues:
    """Of one limit: until when each tenant's reaches."""

    def __init__(self) -> None:
        self._until: OrderedDict[str, int] = OrderedDict()
        self._count = 0
        self._counted_at = 0

    def reach(self, tenant: str, until: int) -> None:
        """The tenant's queue reaches until then."""
        self._until[tenant] = until
        self._until.move_to_end(tenant)
        if len(self._until) > MAX_KEYS:
            self._until.popitem(last=False)

    def has(self, tenant: str, now: int) -> bool:
        """Whether any of this tenant's wait."""
        return self._until.get(tenant, 0) > now

    def others(self, tenant: str, now: int) -> int:
        """How many tenants wait beside this one."""
        if not self._counted_at <= now < self._counted_at + COUNT_EVERY_MS:
            self._until = OrderedDict((name, until) for name, until in self._until.items() if until > now)
            self._count, self._counted_at = len(self._until), now
        return max(0, self._count - self.has(tenant, now))


class SharedRates:
    """Turns under limits that are shared. Times are milliseconds of one clock."""

    def __init__(self) -> None:
        self._cells = CellRates()
        self._queues: dict[str, _Queues] = {}

    def ask(
        self, limit: str, rate: Rate, *, tenant: str, now: int, until: int, express: bool, has_waited: bool
    ) -> SharedTurn:
        """What expires at `until` takes no place in its queue behind that. `has_waited`: it was told to ask again now.

        Express ones wait only behind each other, and the others make up for them.
        """
        line = f"express {limit}" if express else limit
        own = f"own {tenant} {line}"
        queues = self._queues.setdefault(line, _Queues())
        share = rate._replace(seconds=rate.seconds * (1 + queues.others(tenant, now)))
        at = self._cells.next(line, rate, now)
        if not self._cells.is_idle(line, now):  # somebody else may wait for what this one takes
            by_share = max(at, self._cells.next(own, share, now))
            if by_share > now + AHEAD_MS or (queues.has(tenant, now) and not has_waited):
                one_by_one = share._replace(most=1, seconds=share.interval_ms / 1000)
                again = self._cells.reserve(f"queue {own}", one_by_one, max(by_share, now + 1), until)
                if again < until:
                    queues.reach(tenant, again)
                return SharedTurn(again, given=False)
            self._cells.reserve(own, share, now)
        self._cells.reserve(line, rate, now)
        if express:
            self._cells.reserve(limit, rate, now)
        return SharedTurn(at, given=True)
