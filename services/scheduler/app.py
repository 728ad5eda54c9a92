"""The scheduler: the one clock. Wiring and the loop."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

from services.scheduler.release import release_due
from services.scheduler.settings import SchedulerSettings
from shared.kafka.dead_letters import bury
from shared.kafka.producer import Publisher
from shared.mongo.database import open_database, ping
from shared.mongo.holds import Holds
from shared.mongo.schema import await_schema
from shared.process.retries import retry_until_available
from shared.process.runtime import Runtime, run
from shared.process.settings import load


async def serve(runtime: Runtime, settings: SchedulerSettings) -> None:
    """Releases holds until told to stop; the batch under way is finished first."""
    publisher = Publisher(settings.kafka, client_id="carillon-scheduler", instead=bury(settings.topics))
    lease = timedelta(seconds=settings.scheduler_lease_seconds)
    async with open_database(settings.mongo, settings.mongo_database) as database:
        runtime.checks["mongodb"] = lambda: ping(database)
        await await_schema(database, runtime.checks)
        holds = Holds(database)
        await retry_until_available(publisher.start)
        runtime.serves()
        try:
            while not runtime.stop.is_set():
                released = await retry_until_available(
                    release_due, holds, publisher, settings.topics, batch=settings.scheduler_batch, lease=lease
                )
                if not released:
                    await _sleep_until_due(runtime, await retry_until_available(
                        holds.seconds_to_next, settings.scheduler_idle_seconds
                    ))  # fmt: skip
        finally:
            await publisher.stop()


async def _sleep_until_due(runtime: Runtime, seconds: float) -> None:
    """Sleeps, but no longer than until the process is told to stop."""
    with suppress(TimeoutError):
        async with asyncio.timeout(max(seconds, 0.005)):
            await runtime.stop.wait()


def main() -> None:
    """The process `carillon run scheduler`."""
    settings = load(SchedulerSettings)
    run("scheduler", settings, lambda runtime: serve(runtime, settings))
