"""Marks and rollups in memory, over the timeline in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from services.console.analytics.core.buckets import RollupPlace, RollupStep
from services.console.analytics.core.outcomes import is_counted
from services.console.analytics.core.rollup import Rollup, merged, rolled_up
from services.console.analytics.core.series import Series, series_of
from services.console.analytics.marks import Mark
from services.console.analytics.rollups import NewRollup
from services.console.timeline.core.rows import TimelineRow
from shared.model.errors import MongoUnavailable
from shared.model.timestamps import from_datetime
from tests.support.twins.outages import Outages


class MemoryMarks:
    """A MarkStore."""

    def __init__(self) -> None:
        self.tokens: dict[RollupPlace, str] = {}
        self.outages = Outages(MongoUnavailable)

    async def mark(self, places: Iterable[RollupPlace]) -> None:
        async with self.outages.call():
            token = uuid4().hex
            for place in sorted(set(places)):
                self.tokens[place] = token

    async def oldest(self, most: int) -> list[Mark]:
        async with self.outages.call():
            return [Mark(place, token) for place, token in self.tokens.items()][:most]

    async def clear(self, marks: Sequence[Mark]) -> None:
        async with self.outages.call():
            for mark in marks:
                if self.tokens.get(mark.place) == mark.token:
                    del self.tokens[mark.place]


class MemoryRollups:
    """A RollupStore."""

    def __init__(self, timeline: Mapping[str, TimelineRow]) -> None:
        self.timeline = timeline
        self.stored: dict[RollupStep, dict[RollupPlace, tuple[str, Rollup]]] = {step: {} for step in RollupStep}
        self.outages = Outages(MongoUnavailable)

    async def revisions(self, step: RollupStep, places: Iterable[RollupPlace]) -> dict[RollupPlace, str]:
        async with self.outages.call():
            return {place: self.stored[step][place][0] for place in places if place in self.stored[step]}

    async def count(self, step: RollupStep, place: RollupPlace) -> Rollup:
        async with self.outages.call():
            return rolled_up(
                (series_of_row(row), 1)
                for row in self.timeline.values()
                if row["tenant"] == place.tenant and is_counted(row["type"])
                and step.start_of(from_datetime(row["at"])) == place.start
            )  # fmt: skip

    async def sum_up(self, step: RollupStep, place: RollupPlace) -> Rollup:
        async with self.outages.call():
            return merged(rollup for part, (_, rollup) in self.stored[step.finer].items() if part.within(step) == place)

    async def write(
        self, step: RollupStep, rollups: Iterable[NewRollup], before: Mapping[RollupPlace, str]
    ) -> set[RollupPlace]:
        async with self.outages.call():
            rows, written = self.stored[step], set()
            for place, rollup in rollups:
                if before.get(place) == (rows[place][0] if place in rows else None):
                    rows[place] = (uuid4().hex, rollup)
                    written.add(place)
            return written


def series_of_row(row: TimelineRow) -> Series:
    """The series that a status counts in."""
    data: Mapping[str, Any] = row["data"]
    channel = data.get("channel")
    if channel is None and ".delivery." in row["type"]:
        channel = next((item["channel"] for item in data.get("items", []) if "channel" in item), None)
    facts = {name: data.get(name) for name in ("workflow", "provider", "variant", "locale", "pass")}
    return series_of({**facts, "type": row["type"], "channel": channel})
