"""Counts what is marked: minutes from statuses, hours from minutes, days from hours, and only then clears the marks.

Everything is counted anew and written whole, so a status that is read twice counts once, and whatever is cut short is
repeated. What it is counted from must still be there: older rollups stay as they are.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import structlog

from services.console.analytics.core.buckets import Reach, RollupPlace, RollupStep
from services.console.analytics.core.rollup import Rollup
from services.console.analytics.marks import MarkStore
from services.console.analytics.rollups import NewRollup, RollupStore
from shared.process.failpoints import Failpoint, failpoint
from shared.process.metrics import ROLLUPS_TOO_LATE
from shared.process.retries import retry_until_available

MAX_MARKS: Final = 200
"""That are counted in one turn."""
REST: Final = 4
"""A turn is followed by so many times its length of rest: counting takes a fifth of the time at most."""
MAX_REST: Final = 30.0
"""Seconds; a turn may have waited for MongoDB."""

log = structlog.get_logger()


class RollupKeeper:
    """Keeps rollups up to date. Waits for MongoDB as long as it takes. Several at once do no harm, only work twice."""

    def __init__(
        self,
        *,
        marks: MarkStore,
        rollups: RollupStore,
        reach: Callable[[], Awaitable[Reach]],
        leads: Callable[[], Awaitable[bool]],
        seconds: float,
    ) -> None:
        """`reach`: how far back may be counted now; `leads`: whether this process is the one that does it; a turn every `seconds`."""
        self._marks = marks
        self._rollups = rollups
        self._reach = reach
        self._leads = leads
        self._seconds = seconds

    async def run(self) -> None:
        """Runs until cancelled, which is safe at any point."""
        while True:
            begun = time.monotonic()
            full = await retry_until_available(self.turn)
            rest = min(REST * (time.monotonic() - begun), MAX_REST)
            await asyncio.sleep(rest if full else max(rest, self._seconds))

    async def turn(self) -> bool:
        """Counts the oldest marks; whether more may be waiting. Raises MongoUnavailable."""
        if not await self._leads():
            return False
        marks = await self._marks.oldest(MAX_MARKS)
        if not marks:
            return False
        reach = await self._reach()
        places = {mark.place for mark in marks}
        over = {place for place in places if reach.is_over(place.start)}
        if over:
            ROLLUPS_TOO_LATE.inc(len(over))
            log.warning("rollups_too_late", minutes=len(over), next="they stay as they were counted; docs/analytics.md")
        done = await self._count(places - over, reach) | over
        await self._marks.clear([mark for mark in marks if mark.place in done])
        return len(marks) == MAX_MARKS

    async def _count(self, places: set[RollupPlace], reach: Reach) -> set[RollupPlace]:
        """The places whose minute, hour and day are all written."""
        by_minutes = {place for place in places if reach.has_minutes(place.start)}
        done = places - by_minutes
        done |= await self._refresh(RollupStep.MINUTE, by_minutes, self._rollups.count)
        failpoint(Failpoint.AFTER_ROLLUP)
        for step in (RollupStep.HOUR, RollupStep.DAY):
            written: set[RollupPlace] = set()
            longer = {place.within(step) for place in done}
            if step is RollupStep.HOUR:
                whole = {hour for hour in longer if not reach.has_minutes(hour.start)}
                written |= await self._refresh(step, whole, self._rollups.count)
                longer -= whole
            written |= await self._refresh(step, longer, self._rollups.sum_up)
            done = {place for place in done if place.within(step) in written}
        return done

    async def _refresh(
        self,
        step: RollupStep,
        places: Iterable[RollupPlace],
        counted: Callable[[RollupStep, RollupPlace], Awaitable[Rollup]],
    ) -> set[RollupPlace]:
        """Counts and writes these; those that no other has written meanwhile."""
        wanted = sorted(places)
        before = await self._rollups.revisions(step, wanted)
        found = [NewRollup(place, await counted(step, place)) for place in wanted]
        written = await self._rollups.write(step, [new for new in found if new.rollup.counts], before)
        return written | {new.place for new in found if not new.rollup.counts}
