"""Counting anew on demand: what of a time is still stored is marked, and counted in its turn."""

from __future__ import annotations

from services.console.analytics.core.buckets import Reach, RollupStep
from services.console.analytics.counting import starts_of_statuses
from services.console.analytics.marks import Marks
from shared.model.timestamps import from_datetime
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.indexes import ROLLUP_MINUTE_DAYS, TIMELINE_DAYS
from shared.mongo.leases import server_time


async def current_reach(database: Database) -> Reach:
    """How far back may be counted now, by MongoDB's clock. Raises MongoUnavailable."""
    with mongo_border():
        now = from_datetime(await server_time(database))
    return Reach.at(now, minute_days=ROLLUP_MINUTE_DAYS, status_days=TIMELINE_DAYS)


async def recount(database: Database, tenant: str, start: int, end: int) -> tuple[int, int]:
    """Marks whatever a tenant has from `start` to `end`, as far back as it may be counted.

    Returns from when, and how many marks. Raises MongoUnavailable; then it may be repeated.
    """
    reach = await current_reach(database)
    day = RollupStep.DAY.length
    start = max(RollupStep.HOUR.start_of(start), RollupStep.DAY.start_of(reach.days + day - 1))
    border = min(max(RollupStep.HOUR.start_of(reach.minutes + RollupStep.HOUR.length - 1), start), end)
    marks, marked = Marks(database), 0
    for begin in range(start, end, day):
        until = min(begin + day, end)
        for step, first, last in (
            (RollupStep.HOUR, begin, min(until, border)),
            (RollupStep.MINUTE, max(begin, border), until),
        ):
            if first < last:
                places = await starts_of_statuses(database, tenant, first, last, step)
                await marks.mark(places)
                marked += len(places)
    return start, marked
