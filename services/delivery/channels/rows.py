"""How a lane is read whose deliveries are rows: in bulks, around what only a newer version can read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from shared.kafka.consumer import committed_batches
from shared.kafka.linger import Linger
from shared.kafka.paused_partitions import PausedPartitions
from shared.model.formats import NewerFormat
from shared.model.outputs import KafkaRecord
from shared.process.newer import NewerRecords
from shared.process.retries import retry_until_available

BULK: Final = 500
Write = Callable[[list[KafkaRecord]], Awaitable[None]]
"""Raises MongoUnavailable or KafkaUnavailable: call again. Raises NewerFormat: call again without what waits for it."""


class BulkReader:
    """Reads a lane into rows, which are their own ledger, so a rebalance needs no care."""

    def __init__(self, write: Write, newer: NewerRecords, *, linger_seconds: float) -> None:
        self._write = write
        self._newer = newer
        self._linger = linger_seconds

    async def run(self, consumer: AIOKafkaConsumer, stop: asyncio.Event) -> None:
        """Writes until `stop` is set; the bulk in flight is finished and committed first."""
        waiting = PausedPartitions(consumer, self._newer)
        async for records in committed_batches(consumer, stop, max_records=BULK, linger=Linger(self._linger)):
            records[:] = await self._write_readable(records, waiting)

    def listener(self, consumer: AIOKafkaConsumer) -> ConsumerRebalanceListener:
        """Needed only for what waits for a newer version: a row that is met again is a replay."""
        del consumer
        return ForgetsNewer(self._newer)

    async def _write_readable(self, records: list[KafkaRecord], waiting: PausedPartitions) -> list[KafkaRecord]:
        """Writes all that stands before what only a newer version can read, partition by partition; returns it."""
        while records:
            try:
                await retry_until_available(self._write, records)
            except NewerFormat as newer:
                records = waiting.stand(records, newer)
            else:
                break
        waiting.done(records)
        return records


class ForgetsNewer(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Forgets what waits for a newer version in partitions that go; they are read from their last commit."""

    def __init__(self, newer: NewerRecords) -> None:
        self._newer = newer

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """They are somebody else's to wait with."""
        self._newer.forget((part.topic, part.partition) for part in revoked)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Nothing: reading starts at the last commit."""
