"""Back-pressure: while the routers are too far behind, nothing more is accepted, and callers are told to come back.

What was accepted is on the log until its retention ends; the bound keeps that far away, whoever floods whom.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

import structlog

from services.ingest.settings import IngestSettings
from shared.http.problems import Problem
from shared.kafka.lag import Lag
from shared.model.errors import KafkaUnavailable
from shared.model.topics import Topics
from shared.process.metrics import WAITING_RECORDS

LOOK_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 5
FREE_SHARE: Final = 0.9
"""So much of the bound may wait when it accepts again: else each look would change its mind."""

CountWaiting = Callable[[], Awaitable[Mapping[str, int]]]
"""Records that are not finished, by topic. Raises KafkaUnavailable."""
log = structlog.get_logger()


def read_by_routers(topics: Topics) -> dict[str, str]:
    """The topics of what is accepted, and the group that reads them."""
    read = (topics.events, topics.accepted_events, topics.notifications)
    return dict.fromkeys(read, topics.group("router"))


class RouterBacklog:
    """How many accepted records the routers have not finished, as it was a moment ago."""

    def __init__(self, count: CountWaiting, *, most: int) -> None:
        """`most`: from so many on nothing is accepted; 0: however many there are."""
        self._count = count
        self._most = most
        self._full = False

    def check(self) -> None:
        """Raises Problem 503 while too many wait."""
        if self._full:
            raise Problem(
                503,
                "too_many_waiting",
                "what was accepted before waits to be decided, and it is too much",
                fix="Repeat the same call with the same Idempotency-Key after Retry-After seconds.",
                headers={"Retry-After": str(RETRY_SECONDS)},
            )

    async def run(self) -> None:
        """Looks again and again, until it is cancelled."""
        while self._most:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)
        await asyncio.Event().wait()

    async def look(self) -> None:
        """Once. While Kafka does not tell, what was known last counts."""
        try:
            waiting = sum((await self._count()).values())
        except KafkaUnavailable:
            return
        WAITING_RECORDS.set(waiting)
        full = waiting >= self._most * (FREE_SHARE if self._full else 1)
        if full is not self._full:
            self._full = full
            if full:
                log.warning("too_many_waiting", waiting=waiting, most=self._most, next="look at the routers' /readyz")
            else:
                log.info("accepting_again", waiting=waiting)


@asynccontextmanager
async def open_backlog(settings: IngestSettings) -> AsyncIterator[RouterBacklog]:
    """Of the routers; it connects when it looks."""
    lag = Lag(
        settings.kafka_connection, read_by_routers(settings.topics), client_id="carillon-ingest-lag", absent_groups=True
    )
    try:
        yield RouterBacklog(lag.count, most=settings.max_waiting)
    finally:
        await lag.close()
