"""The scheduler: the one clock. Wiring and the loop."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Final

from services.scheduler.newer_holds import NewerHolds
from services.scheduler.release import release_due
from services.scheduler.settings import SchedulerSettings
from services.scheduler.stopped_holds import StopWatch
from shared.kafka.dead_letters import bury
from shared.kafka.producer import Publisher
from shared.kafka.readiness import KafkaReadiness
from shared.mongo.database import open_database, ping
from shared.mongo.holds import Holds
from shared.mongo.schema import await_schema
from shared.mongo.tenants import count_stops
from shared.process.retries import retry_until_available
from shared.process.runtime import Runtime, run
from shared.process.settings import load

STALL_SECONDS: Final = 60.0
"""The loop goes round several times a second, but where it waits."""


async def serve(runtime: Runtime, settings: SchedulerSettings) -> None:
    """Releases holds until told to stop; the batch under way is finished first."""
    publisher = Publisher(settings.kafka_connection, client_id="carillon-scheduler", instead=bury(settings.topics))
    lease = timedelta(seconds=settings.scheduler_lease_seconds)
    readiness = KafkaReadiness(
        settings.kafka_connection, settings.topics.used_by("scheduler"), strict=settings.topics_strict
    )
    passes = Passes()
    async with open_database(settings.mongo, settings.mongo_database) as database:
        runtime.checks["mongodb"] = lambda: ping(database)
        runtime.checks |= {"kafka": readiness.answer, "topics": readiness.topics_answer, "releasing": passes.answer}
        await readiness.wait()
        await await_schema(database, runtime.checks)
        holds = Holds(database)
        newer = NewerHolds(holds)
        runtime.checks["formats"] = newer.check
        stops = StopWatch(holds, partial(count_stops, database))
        await retry_until_available(publisher.start)
        runtime.serves()
        try:
            while not runtime.stop.is_set():
                released = await retry_until_available(
                    release_due, holds, publisher, settings.topics, batch=settings.scheduler_batch, lease=lease
                )
                passes.note()
                await retry_until_available(stops.look)
                if not released:
                    await retry_until_available(newer.look)
                    await _sleep_until_due(runtime, await retry_until_available(
                        holds.seconds_to_next, settings.scheduler_idle_seconds
                    ))  # fmt: skip
        finally:
            await publisher.stop()


class Passes:
    """When the loop last went round: it stands while it waits for Kafka or MongoDB, or hangs."""

    def __init__(self) -> None:
        self._at = time.monotonic()

    def note(self) -> None:
        """It went round."""
        self._at = time.monotonic()

    async def answer(self) -> bool | str:
        """For `/readyz`: True, or how long it has been standing."""
        standing = time.monotonic() - self._at
        return True if standing < STALL_SECONDS else f"nothing was looked at or released for {standing:.0f} s"


async def _sleep_until_due(runtime: Runtime, seconds: float) -> None:
    """Sleeps, but no longer than until the process is told to stop."""
    with suppress(TimeoutError):
        async with asyncio.timeout(max(seconds, 0.005)):
            await runtime.stop.wait()


def main() -> None:
    """The process `carillon run scheduler`."""
    settings = load(SchedulerSettings)
    run("scheduler", settings, lambda runtime: serve(runtime, settings))
