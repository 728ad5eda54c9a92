"""Who may take a slot: no tenant and no host can hold all of them, and a host only many when it answers quickly.

A host begins with an eighth of the slots. Each quick answer gives it one more, up to three quarters; a slow one takes
it back to the eighth. So a silent host holds a few slots and a quick one is not slowed down, and of the slots that it
leaves one tenant can hold all but an eighth. The hosts that have not answered quickly of late, however many, share half
of the slots for one tenant, and three quarters for all.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final, NamedTuple
from zlib import crc32

from services.delivery.core.asked import AskedAccounts

QUICK_SECONDS: Final = 1.0
SLOW_SECONDS: Final = 5.0
"""A provider that is being asked for so long makes its host, or its key, slow before it ends."""
MAX_HOSTS: Final = 10_000
FIRST_WAIT_MS: Final = 15_000
LONGEST_WAIT_MS: Final = 600_000
MEMORY: Final = 0.05
"""How much one answer counts among a tenant's of late."""


class Group(NamedTuple):
    """What a delivery shares slots with. `host` None: no host of the recipient's, but a provider of ours."""

    tenant: str
    host: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """A slot in use. `proven`: its host had answered quickly of late, or it is a provider of ours."""

    group: Group
    asked: AskedAccounts
    proven: bool


class Shares:
    """Slots in use. Times are seconds of a clock that only goes forward."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._first = max(1, slots // 8)
        self._most_of_host = max(1, slots - slots // 4)
        self._most_of_tenant = max(1, slots - slots // 8)
        self._most_unproven = max(1, slots - slots // 4)
        self._most_unproven_of_tenant = max(1, slots // 2)
        self._in_use = 0
        self._of_tenant: Counter[str] = Counter()
        self._unproven_of_tenant: dict[str, list[Slot]] = {}
        self._unproven = 0
        self._slowness: dict[str, float] = {}
        self._of_host: dict[str, list[Slot]] = {}
        self._limits: dict[str, int] = {}
        self._slow: set[str] = set()

    @property
    def is_full(self) -> bool:
        """Nobody at all may start."""
        return self._in_use >= self._slots

    def may_start(self, group: Group) -> bool:
        """Whether one more of the group may start."""
        if self.is_full or self._of_tenant[group.tenant] >= self._most_of_tenant:
            return False
        if not self.is_proven(group) and (
            self._unproven >= self._most_unproven
            or len(self._unproven_of_tenant.get(group.tenant, ())) >= self._most_unproven_of_tenant
        ):
            return False
        host = group.host
        return host is None or len(self._of_host.get(host, ())) < self._limits.get(host, self._first)

    def start(self, group: Group) -> Slot:
        """One of the group has a slot from now on."""
        slot = Slot(group, AskedAccounts(), self.is_proven(group))
        self._in_use += 1
        self._of_tenant[group.tenant] += 1
        if group.host is not None:
            self._of_host.setdefault(group.host, []).append(slot)
        if not slot.proven:
            self._unproven += 1
            self._unproven_of_tenant.setdefault(group.tenant, []).append(slot)
        return slot

    def end(self, slot: Slot) -> None:
        """It is given back."""
        group = slot.group
        self._in_use -= 1
        _take_off(self._of_tenant, group.tenant)
        if group.host is not None:
            _take_out(self._of_host, group.host, slot)
        if not slot.proven:
            self._unproven -= 1
            _take_out(self._unproven_of_tenant, group.tenant, slot)

    def is_proven(self, group: Group) -> bool:
        """Whether its host has answered quickly of late; a provider of ours counts as one."""
        return group.host is None or group.host in self._limits

    def note(self, group: Group, seconds: float) -> None:
        """How long a send took."""
        host = group.host
        if host is None:
            return
        before = self._slowness.pop(group.tenant, 0.0)
        if (slowness := before + MEMORY * ((seconds > QUICK_SECONDS) - before)) > MEMORY / 2:
            self._slowness[group.tenant] = slowness
        if seconds > QUICK_SECONDS:
            self._slow.add(host)
            self._limits.pop(host, None)
        else:
            self._slow.discard(host)
            self._limits[host] = min(self._limits.get(host, self._first) + 1, self._most_of_host)
        if len(self._limits) + len(self._slow) + len(self._slowness) > MAX_HOSTS:
            self._limits.clear()
            self._slow.clear()
            self._slowness.clear()

    def is_slow(self, group: Group, now: float) -> bool:
        """Whether the group's host does not answer quickly."""
        host = group.host
        if host is None:
            return False
        return host in self._slow or any(
            slot.asked.lasts(now) > SLOW_SECONDS for slot in self._of_host.get(host, ())[:1]
        )

    def is_held_up(self, tenant: str, now: float) -> bool:
        """Whether the tenant's hosts are mostly slow: those that it is sending to now, or whose answers came of late."""
        under_way = self._unproven_of_tenant.get(tenant, ())
        many = len(under_way) >= max(1, self._most_unproven_of_tenant // 2)
        return self._slowness.get(tenant, 0.0) > 0.5 or (
            many and under_way[len(under_way) // 2].asked.lasts(now) > SLOW_SECONDS
        )


def wait_for_share_ms(delivery: str, pass_: int) -> int:
    """How long one that is over its share is left alone: longer each time, and neighbours apart from each other."""
    wait = min(FIRST_WAIT_MS << min(pass_, 10), LONGEST_WAIT_MS)
    return wait // 2 + wait * (crc32(f"{delivery}:{pass_}".encode()) & 0xFFFF) // 0xFFFF


def _take_out(in_use: dict[str, list[Slot]], name: str, slot: Slot) -> None:
    in_use[name].remove(slot)
    if not in_use[name]:
        del in_use[name]


def _take_off(counts: Counter[str], name: str) -> None:
    counts[name] -= 1
    if not counts[name]:
        del counts[name]
