"""From `statuses.v1` into the timeline: one bulk per batch, then the commit. A replay changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer

from services.console.analytics.core.buckets import RollupPlace, RollupStep
from services.console.analytics.core.outcomes import is_counted
from services.console.analytics.marks import MarkStore
from services.console.deliveries.core.state_row import StateRow, state_rows
from services.console.deliveries.store import StateStore
from services.console.timeline.core.rows import TimelineRow
from services.console.timeline.core.status_row import status_row
from services.console.timeline.status_push import StatusPush
from services.console.timeline.status_rows import StatusStore
from shared.kafka.connection import KafkaAddress
from shared.kafka.consumer import committed_batches, open_consumer, start_consumer
from shared.kafka.linger import Linger
from shared.kafka.progress import ConsumerProgress
from shared.model.errors import InvalidRecord
from shared.model.outputs import KafkaRecord
from shared.model.timestamps import from_datetime
from shared.model.topics import Topics
from shared.process.clock import now_ms
from shared.process.failpoints import Failpoint, failpoint
from shared.process.metrics import STATUSES_SKIPPED, STATUSES_STORED
from shared.process.retries import retry_until_available

BATCH: Final = 500
WAIT_MS: Final = 500
LINGER_SECONDS: Final = 0.1
"""A timeline may be this late: nobody reads it faster, and a bulk of one row costs as much as one of fifty."""
STATES_SECONDS: Final = 1.0
"""The listing may be this late: most deliveries have their end in the second they begin in, and are one insert then.

An update would cost MongoDB five times as much."""

log = structlog.get_logger()


def status_rows(records: Iterable[KafkaRecord]) -> list[TimelineRow]:
    """The rows of a batch; what is no status is counted, logged by its coordinates and left out."""
    rows = []
    now = now_ms()
    for record in records:
        try:
            rows.append(status_row(record, now))
        except InvalidRecord as error:
            STATUSES_SKIPPED.labels(error.code).inc()
            log.warning(
                "status_skipped",
                code=error.code,
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                next="look at what wrote it",
            )
    return rows


class StatusConsumer:
    """Stores statuses. Waits for Kafka and MongoDB as long as it takes."""

    def __init__(
        self,
        rows: StatusStore,
        join: Callable[[], Awaitable[AIOKafkaConsumer]],
        push: StatusPush | None = None,
        marks: MarkStore | None = None,
        states: StateStore | None = None,
    ) -> None:
        """`join` returns a consumer that has joined its group, a new one each time, or raises KafkaUnavailable.

        `push` gets what is stored, `marks` its minutes and `states` where each delivery stands, before it is acknowledged.
        """
        self._rows = rows
        self._push = push
        self._marks = marks
        self._states = states
        self._learnt: list[StateRow] = []
        self._join = join
        self._progress: ConsumerProgress | None = None

    async def run(self) -> None:
        """Stores what is published; runs until cancelled, which is safe at any point."""
        consumer = await retry_until_available(self._join)
        try:
            self._progress = ConsumerProgress(consumer)
            await self._store_all(consumer)
        finally:
            self._progress = None
            await consumer.stop()

    async def goes_forward(self) -> bool | str:
        """Whether the consumer is in its group and gets on; else why not."""
        return await self._progress.answer() if self._progress is not None else "it is joining its group"

    async def _store_all(self, consumer: AIOKafkaConsumer) -> None:
        never = asyncio.Event()
        linger = Linger(LINGER_SECONDS, fast=1)
        self._learnt = []  # what was not kept is read again
        async for records in committed_batches(
            consumer,
            never,
            max_records=BATCH,
            linger=linger,
            wait_ms=WAIT_MS,
            commit_seconds=STATES_SECONDS,
            before_commit=self._keep,
        ):
            await self._store(status_rows(records))

    async def _store(self, rows: Sequence[TimelineRow]) -> None:
        if rows:
            STATUSES_STORED.inc(await retry_until_available(self._rows.insert, rows))
            failpoint(Failpoint.AFTER_TIMELINE)
            if self._marks is not None:
                # Those of replays as well: whoever read them before may have stored them, and nothing more.
                await retry_until_available(self._marks.mark, _minutes_of(rows))
            if self._states is not None:
                self._learnt = state_rows(rows, self._learnt)
            if self._push is not None:
                await self._push.push(rows)

    async def _keep(self) -> None:
        """Where each delivery stands by what was read since the last commit."""
        if self._states is not None and self._learnt:
            await retry_until_available(self._states.put, self._learnt)
            self._learnt = []


def _minutes_of(rows: Iterable[TimelineRow]) -> set[RollupPlace]:
    return {
        RollupPlace(row["tenant"], RollupStep.MINUTE.start_of(from_datetime(row["at"])))
        for row in rows
        if is_counted(row["type"])
    }


async def join_statuses(kafka: KafkaAddress, topics: Topics) -> AIOKafkaConsumer:
    """A consumer of `statuses.v1` that has joined the console's group. Raises KafkaUnavailable."""
    consumer = open_consumer(kafka, topics.statuses, group=topics.group("console"), client_id="carillon-console")
    await start_consumer(consumer)
    return consumer
