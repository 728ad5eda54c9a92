"""Schedules in memory."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from shared.model.errors import MongoUnavailable
from shared.model.schedules import Schedule, is_full
from shared.mongo.schedules import DueSchedules
from shared.process.clock import now_ms
from tests.support.twins.outages import Outages


@dataclass
class MemoryScheduleRow:
    schedule: Schedule
    lease: int = 0


class MemorySchedules:
    """The collection's twin."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], MemoryScheduleRow] = {}
        self.outages = Outages(MongoUnavailable)

    async def read(self, tenant: str, schedule: str) -> Schedule | None:
        async with self.outages.call():
            row = self.rows.get((tenant, schedule))
        return row.schedule if row else None

    async def page(self, tenant: str, *, after: str, most: int) -> list[Schedule]:
        async with self.outages.call():
            found = [row.schedule for (owner, name), row in self.rows.items() if owner == tenant and name > after]
        page: list[Schedule] = []
        for one in sorted(found, key=lambda one: one.id):
            if is_full(page, most):
                break
            page.append(one)
        return page

    async def count(self, tenant: str, *, most: int) -> int:
        async with self.outages.call():
            return min(most, sum(owner == tenant for owner, _ in self.rows))

    async def swap(self, before: Schedule | None, after: Schedule) -> bool:
        async with self.outages.call():
            place = (after.tenant, after.id)
            stored = self.rows.get(place)
            if (stored.schedule.version if stored else None) != (before.version if before else None):
                return False
            version = before.version + 1 if before else 0
            self.rows[place] = MemoryScheduleRow(msgspec.structs.replace(after, version=version))
        return True

    async def remove(self, tenant: str, schedule: str) -> bool:
        async with self.outages.call():
            return self.rows.pop((tenant, schedule), None) is not None

    async def claim(self, *, most: int, lease: timedelta) -> DueSchedules:
        async with self.outages.call():
            now = now_ms()
            due = [row for row in self._waiting(now) if (row.schedule.next_at or 0) <= now]
            if len(due) > most:
                due = _shares(due, most)
            for row in due:
                row.lease = now + round(lease.total_seconds() * 1000)
        return DueSchedules(now, [row.schedule for row in due])

    async def seconds_to_next(self, most: float) -> float:
        async with self.outages.call():
            now = now_ms()
            dues = [row.schedule.next_at or 0 for row in self._waiting(now)]
        return max(0.0, min([most, *((due - now) / 1000 for due in dues)]))

    def _waiting(self, now: int) -> list[MemoryScheduleRow]:
        found = [row for row in self.rows.values() if row.schedule.next_at is not None and row.lease < now]
        return sorted(found, key=lambda row: row.schedule.next_at or 0)


def _shares(due: list[MemoryScheduleRow], most: int) -> list[MemoryScheduleRow]:
    """Of each tenant its oldest, then the oldest of all."""
    of_each = defaultdict(list)
    for row in due:
        of_each[row.schedule.tenant].append(row)
    share = max(1, most // len(of_each))
    found = [row for rows in of_each.values() for row in rows[:share]]
    return [*found, *(row for row in due if row not in found)][:most]
