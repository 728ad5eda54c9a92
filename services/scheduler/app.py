"""The scheduler: the one clock. Wiring and the loop."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Final

from services.scheduler.fire import Firings
from services.scheduler.newer_holds import NewerHolds
from services.scheduler.passes import Passes
from services.scheduler.release import Releases
from services.scheduler.settings import SchedulerSettings
from services.scheduler.stopped_holds import watch_stops
from shared.catalog.newest import read_newest
from shared.kafka.dead_letters import bury
from shared.kafka.producer import Publisher
from shared.kafka.readiness import KafkaReadiness
from shared.mongo.database import Database, open_database, ping
from shared.mongo.fanouts import Fanouts
from shared.mongo.holds import Holds
from shared.mongo.schedules import Schedules
from shared.mongo.schema import await_schema
from shared.mongo.tenants import count_stops
from shared.process.background import run_until_stopped
from shared.process.retries import retry_until_available
from shared.process.runtime import Runtime, run
from shared.process.settings import load

LOOK_SECONDS: Final = 1.0
"""The longest wait between two looks for schedules that are due; one that is new or resumed may be a minute ahead."""


async def serve(runtime: Runtime, settings: SchedulerSettings) -> None:
    """Releases holds and fires schedules until told to stop."""
    publisher = Publisher(settings.kafka_connection, client_id="carillon-scheduler", instead=bury(settings.topics))
    readiness = KafkaReadiness(
        settings.kafka_connection, settings.topics.used_by("scheduler"), strict=settings.topics_strict
    )
    async with open_database(settings.mongo, settings.mongo_database) as database:
        runtime.checks["mongodb"] = lambda: ping(database)
        runtime.checks |= {"kafka": readiness.answer, "topics": readiness.topics_answer}
        await readiness.wait()
        await await_schema(database, runtime.checks)
        await retry_until_available(publisher.start)
        runtime.serves()
        try:
            await run_until_stopped(
                runtime.stop,
                _release(runtime, settings, Holds(database), publisher),
                [
                    _fire(runtime, settings, database, publisher),
                    watch_stops(Holds(database), partial(count_stops, database)),
                ],
            )
        finally:
            await publisher.stop()


async def _release(runtime: Runtime, settings: SchedulerSettings, holds: Holds, publisher: Publisher) -> None:
    """Releases what is due until told to stop; what is under way is finished first."""
    lease = timedelta(seconds=settings.scheduler_lease_seconds)
    passes, newer = Passes("looked at or released"), NewerHolds(holds)
    runtime.checks |= {"releasing": passes.answer, "formats": newer.check}
    releases = Releases(holds, publisher, settings.topics, batch=settings.scheduler_batch, lease=lease)
    while not runtime.stop.is_set():
        released = await retry_until_available(releases.begin)
        passes.note()
        if not released:
            await retry_until_available(newer.look)
            seconds = await retry_until_available(holds.seconds_to_next, settings.scheduler_idle_seconds)
            await _sleep_until_due(runtime, seconds)
    await releases.finish()


async def _fire(runtime: Runtime, settings: SchedulerSettings, database: Database, publisher: Publisher) -> None:
    """Fires schedules until told to stop."""
    lease = timedelta(seconds=settings.scheduler_lease_seconds)
    passes, schedules = Passes("looked at or fired"), Schedules(database)
    runtime.checks["firing"] = passes.answer
    firings = Firings(
        schedules=schedules,
        fanouts=Fanouts(database),
        newest=partial(read_newest, database),
        publisher=publisher,
        topics=settings.topics,
        lease=lease,
    )
    while not runtime.stop.is_set():
        fired = await retry_until_available(firings.fire)
        passes.note()
        if not fired:
            await _sleep_until_due(runtime, await retry_until_available(schedules.seconds_to_next, LOOK_SECONDS))


async def _sleep_until_due(runtime: Runtime, seconds: float) -> None:
    """Sleeps, but no longer than until the process is told to stop."""
    with suppress(TimeoutError):
        async with asyncio.timeout(max(seconds, 0.005)):
            await runtime.stop.wait()


def main() -> None:
    """The process `carillon run scheduler`."""
    settings = load(SchedulerSettings)
    run("scheduler", settings, lambda runtime: serve(runtime, settings))
