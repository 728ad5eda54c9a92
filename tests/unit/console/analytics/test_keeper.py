"""The keeper of rollups over a timeline in memory: whatever happens in between, it ends equal to a count by hand."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.console.analytics.core.buckets import HOUR_MS, MINUTE_MS, Reach, RollupPlace, RollupStep
from services.console.analytics.core.outcomes import is_counted
from services.console.analytics.core.rollup import Rollup
from services.console.analytics.keeper import RollupKeeper
from services.console.analytics.rollups import RollupStore
from services.console.timeline.core.rows import TimelineRow
from shared.model.errors import MongoUnavailable
from shared.model.timestamps import DAY_MS, from_datetime
from shared.process.metrics import ROLLUPS_TOO_LATE
from tests.support import samples as a
from tests.support.twins.rollups import MemoryMarks, MemoryRollups, series_of_row
from tests.support.twins.status_rows import MemoryStatusRows
from tests.unit.console.analytics.samples import status_row, status_rows


class Scene:
    """A timeline with its marks and rollups; `now` says how far back may be counted."""

    def __init__(self, now: int = a.NOON + 3 * HOUR_MS) -> None:
        self.now = now
        self.statuses = MemoryStatusRows()
        self.marks = MemoryMarks()
        self.rollups = MemoryRollups(self.statuses.rows)

    def keeper(self, rollups: RollupStore | None = None) -> RollupKeeper:
        async def reach() -> Reach:
            await asyncio.sleep(0)
            return Reach.at(self.now, minute_days=2, status_days=90)

        async def leads() -> bool:
            return True

        return RollupKeeper(marks=self.marks, rollups=rollups or self.rollups, reach=reach, leads=leads, seconds=0.001)

    async def store(self, rows: Iterable[TimelineRow]) -> None:
        """What the consumer does with a batch."""
        batch = list(rows)
        await self.statuses.insert(batch)
        await self.marks.mark(minute_of(row) for row in batch if is_counted(row["type"]))

    async def settle(self) -> None:
        keeper = self.keeper()
        while self.marks.tokens:
            try:
                await keeper.turn()
            except MongoUnavailable:
                continue

    def counted(self, step: RollupStep) -> Counter:
        return Counter({
            (*place, *series): number
            for place, (_, rollup) in self.rollups.stored[step].items()
            for series, number in rollup.counts.items()
        })  # fmt: skip

    def by_hand(self, step: RollupStep) -> Counter:
        return Counter(
            (*minute_of(row).within(step), *series_of_row(row))
            for row in self.statuses.rows.values()
            if is_counted(row["type"])
        )

    def is_exact(self) -> bool:
        return all(self.counted(step) == self.by_hand(step) for step in RollupStep)


def minute_of(row: TimelineRow) -> RollupPlace:
    return RollupPlace(row["tenant"], RollupStep.MINUTE.start_of(from_datetime(row["at"])))


async def test_a_status_counts_in_its_minute_hour_and_day() -> None:
    scene = Scene()
    await scene.store([status_row("1", channel="email"), status_row("2", at=a.NOON + HOUR_MS, channel="email")])
    assert not await scene.keeper().turn()
    assert scene.is_exact()
    assert [len(scene.rollups.stored[step]) for step in RollupStep] == [2, 2, 1]
    assert scene.marks.tokens == {}


async def test_a_replay_counts_once_and_a_late_one_counts() -> None:
    scene = Scene()
    await scene.store([status_row("1"), status_row("2")])
    await scene.settle()
    await scene.store([status_row("2"), status_row("3", at=a.NOON + 1)])
    await scene.settle()
    assert sum(scene.counted(RollupStep.DAY).values()) == 3
    assert scene.is_exact()


@settings(max_examples=150, deadline=None)
@given(
    batches=st.lists(st.lists(status_rows(), min_size=1, max_size=8), min_size=1, max_size=6),
    keepers=st.integers(1, 3),
    seed=st.integers(0, 2**32),
)
def test_whatever_comes_in_between_it_ends_equal_to_a_count(batches, keepers, seed) -> None:
    """Several consoles count at once while batches are stored, replayed, and fail before or after their effect."""

    async def play() -> Scene:
        scene, random = Scene(), Random(seed)

        async def store(batch) -> None:
            while True:  # read again until it is acknowledged
                try:
                    await scene.store(batch)
                    break
                except MongoUnavailable:
                    continue

        async def count() -> None:
            keeper = scene.keeper()
            for _ in range(4):
                for _ in range(random.randrange(12)):
                    await asyncio.sleep(0)
                try:
                    await keeper.turn()
                except MongoUnavailable:
                    continue

        for twin in (scene.statuses, scene.marks, scene.rollups):
            for _ in range(random.randrange(4)):
                twin.outages.add(after_effect=random.random() < 0.5)
        replays = [batch for batch in batches if random.random() < 0.5]
        await asyncio.gather(*map(store, batches), *(count() for _ in range(keepers)), *map(store, replays))
        await scene.settle()
        return scene

    scene = asyncio.run(play())
    for step in RollupStep:
        assert scene.counted(step) == scene.by_hand(step)


async def test_a_late_one_of_last_week_is_counted_without_its_minutes() -> None:
    scene = Scene()
    await scene.store([status_row("1"), status_row("2", at=a.NOON + MINUTE_MS)])
    await scene.settle()
    scene.now += 7 * DAY_MS
    scene.rollups.stored[RollupStep.MINUTE].clear()  # as their retention does
    await scene.store([status_row("3", at=a.NOON + 2 * MINUTE_MS)])
    await scene.settle()
    assert sum(scene.counted(RollupStep.HOUR).values()) == 3
    assert scene.counted(RollupStep.DAY) == scene.by_hand(RollupStep.DAY)
    assert scene.counted(RollupStep.MINUTE) == {}


async def test_what_outlives_its_statuses_is_never_counted_again() -> None:
    scene = Scene()
    await scene.store([status_row("1"), status_row("2")])
    await scene.settle()
    before = scene.counted(RollupStep.DAY)
    scene.now += 89 * DAY_MS
    del scene.statuses.rows["1"]  # as their retention does
    too_late = ROLLUPS_TOO_LATE._value.get()
    await scene.store([status_row("3")])
    await scene.settle()
    assert scene.counted(RollupStep.DAY) == before
    assert ROLLUPS_TOO_LATE._value.get() == too_late + 1


async def test_a_minute_whose_statuses_are_gone_stays_as_it_was() -> None:
    scene = Scene()
    await scene.store([status_row("1")])
    await scene.settle()
    before = scene.counted(RollupStep.MINUTE)
    scene.statuses.rows.clear()
    await scene.marks.mark([RollupPlace("acme", RollupStep.MINUTE.start_of(a.NOON))])
    await scene.settle()
    assert scene.counted(RollupStep.MINUTE) == before


class FrozenRollups(MemoryRollups):
    """Of a console that stops when it has counted one `step`, until it is let on."""

    def __init__(self, scene: Scene, step: RollupStep) -> None:
        super().__init__(scene.statuses.rows)
        self.stored = scene.rollups.stored
        self._step = step
        self.counted, self.goes_on = asyncio.Event(), asyncio.Event()

    async def count(self, step: RollupStep, place: RollupPlace) -> Rollup:
        return await self._frozen(step, await super().count(step, place))

    async def sum_up(self, step: RollupStep, place: RollupPlace) -> Rollup:
        return await self._frozen(step, await super().sum_up(step, place))

    async def _frozen(self, step: RollupStep, rollup: Rollup) -> Rollup:
        if step is self._step:
            self.counted.set()
            await self.goes_on.wait()
        return rollup


@pytest.mark.parametrize("step", RollupStep)
@pytest.mark.parametrize("another_counts", [True, False])
async def test_a_console_that_was_frozen_puts_nothing_back(step: RollupStep, another_counts: bool) -> None:
    scene = Scene()
    await scene.store([status_row("1")])
    frozen = FrozenRollups(scene, step)
    slow = asyncio.create_task(scene.keeper(frozen).turn())
    await asyncio.wait_for(frozen.counted.wait(), 5)
    await scene.store([status_row("2", at=a.NOON + 1), status_row("3", at=a.NOON + MINUTE_MS)])
    if another_counts:
        await scene.keeper().turn()
        assert scene.is_exact()
    frozen.goes_on.set()
    await slow
    await scene.settle()
    assert scene.is_exact()
