"""Marks and rollups: what is counted of the timeline, who may write it, and what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from services.console.analytics.core.buckets import HOUR_MS, MINUTE_MS, RollupPlace, RollupStep
from services.console.analytics.core.rollup import Rollup, merged, rolled_up
from services.console.analytics.core.series import Series
from services.console.analytics.marks import Marks, MarkStore
from services.console.analytics.rollups import NewRollup, Rollups, RollupStore
from services.console.timeline.core.rows import TimelineRow
from services.console.timeline.status_rows import StatusRows
from tests.support import samples as a
from tests.support.twins.rollups import MemoryMarks, MemoryRollups, series_of_row
from tests.unit.console.analytics.samples import TYPES, status_row

NOON = RollupPlace("acme", a.NOON - a.NOON % MINUTE_MS)
LATER = RollupPlace("acme", NOON.start + MINUTE_MS)
HOUR = NOON.within(RollupStep.HOUR)


@pytest.fixture
def marks(implementation: str, request: pytest.FixtureRequest) -> MarkStore:
    return MemoryMarks() if implementation == "twin" else Marks(request.getfixturevalue("database"))


class Timeline:
    """Where statuses are put, and counted."""

    def __init__(self, database: Any = None) -> None:
        self._rows: dict[str, TimelineRow] = {}
        self._real = None if database is None else StatusRows(database)
        self.rollups: RollupStore = MemoryRollups(self._rows) if database is None else Rollups(database)

    async def insert(self, *rows: TimelineRow) -> None:
        if self._real:
            await self._real.insert(rows)
        self._rows.update({row["_id"]: row for row in rows})


@pytest.fixture
def timeline(implementation: str, request: pytest.FixtureRequest) -> Timeline:
    return Timeline() if implementation == "twin" else Timeline(request.getfixturevalue("database"))


def counted(counts: Mapping[Series, int]) -> Rollup:
    return Rollup(counts=counts)


ONE = counted({Series("sent", "w"): 1})
TWO = counted({Series("sent", "w", variant="a"): 2, Series("dead", None, "email"): 3})


async def test_a_mark_is_there_until_it_is_cleared(marks: MarkStore) -> None:
    await marks.mark([NOON, LATER])
    found = await marks.oldest(10)
    assert {mark.place for mark in found} == {NOON, LATER}
    assert len(await marks.oldest(1)) == 1
    await marks.clear([mark for mark in found if mark.place == NOON])
    await marks.clear([])
    assert [mark.place for mark in await marks.oldest(10)] == [LATER]


async def test_what_is_marked_again_meanwhile_stays(marks: MarkStore) -> None:
    await marks.mark([NOON])
    before = await marks.oldest(10)
    await marks.mark([NOON])
    await marks.clear(before)
    (again,) = await marks.oldest(10)
    assert again.token != before[0].token
    await marks.clear([again])
    assert await marks.oldest(10) == []


async def test_statuses_are_counted_by_all_that_they_say(timeline: Timeline) -> None:
    rows = [
        status_row(
            f"{number}", status_type, a.NOON + number, channel="email", provider="smtp", variant="a", locale="de"
        )
        for number, status_type in enumerate((*TYPES, TYPES[2], TYPES[2]))
    ]
    decided = {"items": [{"channel": "sms", "outcome": "hold"}, {"outcome": "count"}]}
    more = [
        status_row("held", "carillon.delivery.held", **decided),
        status_row("routed", "carillon.notification.routed", **decided),
        status_row("again", "carillon.inbox.read", **{"pass": 1}),
        status_row("odd", "carillon.delivery.expired", items="none", workflow=7),
    ]
    others = [
        status_row("theirs", tenant="other"),
        status_row("before", at=NOON.start - 1),
        status_row("after", at=LATER.start),
    ]
    await timeline.insert(*rows, *more, *others)
    expected = rolled_up((series_of_row(row), 1) for row in (*rows, *more) if "event" not in row["type"])
    found = await timeline.rollups.count(RollupStep.MINUTE, NOON)
    assert found == expected
    assert found.counts[Series("sent", "w", "email", "smtp", "a", "de")] == 3
    assert found.counts[Series("held", "w", "sms")] == 1
    assert found.counts[Series("routed", "w")] == 1
    assert found.counts[Series("read_again", "w", "in_app")] == 1
    assert found.counts[Series("expired", "other")] == 1
    hour = await timeline.rollups.count(RollupStep.HOUR, HOUR)
    assert hour.total == found.total + sum(
        HOUR.start <= at < HOUR.start + HOUR_MS for at in (NOON.start - 1, LATER.start)
    )


async def test_nobody_writes_over_what_they_have_not_seen(timeline: Timeline) -> None:
    rollups, minute = timeline.rollups, RollupStep.MINUTE
    nothing = await rollups.revisions(minute, [NOON, LATER])
    assert nothing == {}
    assert await rollups.write(minute, [NewRollup(NOON, ONE)], nothing) == {NOON}
    first = await rollups.revisions(minute, [NOON])
    assert await rollups.write(minute, [NewRollup(NOON, TWO), NewRollup(LATER, ONE)], nothing) == {LATER}
    assert await rollups.write(minute, [NewRollup(NOON, TWO)], first) == {NOON}
    assert await rollups.write(minute, [NewRollup(NOON, ONE)], first) == set()
    assert await rollups.write(minute, [], first) == set()
    assert (await rollups.revisions(minute, [NOON]))[NOON] != first[NOON]
    assert await rollups.sum_up(RollupStep.HOUR, HOUR) == merged([TWO, ONE])


async def test_an_hour_has_its_own_minutes_only(timeline: Timeline) -> None:
    others = [
        NOON._replace(tenant="other"),
        NOON._replace(start=HOUR.start - MINUTE_MS),
        HOUR._replace(start=HOUR.start + HOUR_MS),
    ]
    await timeline.rollups.write(RollupStep.MINUTE, [NewRollup(place, TWO) for place in others], {})
    await timeline.rollups.write(RollupStep.MINUTE, [NewRollup(NOON, ONE)], {})
    assert await timeline.rollups.sum_up(RollupStep.HOUR, HOUR) == ONE
    await timeline.rollups.write(RollupStep.HOUR, [NewRollup(HOUR, TWO)], {})
    assert await timeline.rollups.sum_up(RollupStep.DAY, NOON.within(RollupStep.DAY)) == TWO
