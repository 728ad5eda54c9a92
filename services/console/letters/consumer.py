"""From the dead-letter topics of deliveries into their collection, then the commit. A replay changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer

from services.console.letters.core.letter_row import DeadLetterRow, letter_row
from services.console.letters.store import LetterStore
from shared.kafka.connection import KafkaAddress
from shared.kafka.consumer import committed_batches, open_consumer, start_consumer
from shared.kafka.linger import Linger
from shared.kafka.progress import ConsumerProgress
from shared.model.channels import Channel
from shared.model.outputs import KafkaRecord
from shared.model.topics import Topics
from shared.process.clock import now_ms
from shared.process.metrics import DEAD_LETTERS_KEPT
from shared.process.retries import retry_until_available

BATCH: Final = 500
WAIT_MS: Final = 500
LINGER_SECONDS: Final = 0.1
MAX_BULK_BYTES: Final = 16 * 1_048_576
"""Of one insert, so that a batch of the largest records is not encoded at once."""


class DeadLetterConsumer:
    """Keeps dead letters. Waits for Kafka and MongoDB as long as it takes."""

    def __init__(
        self, rows: LetterStore, join: Callable[[], Awaitable[AIOKafkaConsumer]], channels: Mapping[str, Channel]
    ) -> None:
        """`join` as of the StatusConsumer; `channels` by the name of their dead-letter topic."""
        self._rows = rows
        self._join = join
        self._channels = channels
        self._progress: ConsumerProgress | None = None

    async def run(self) -> None:
        """Keeps what comes; runs until cancelled, which is safe at any point."""
        consumer = await retry_until_available(self._join)
        try:
            self._progress = ConsumerProgress(consumer)
            never = asyncio.Event()
            linger = Linger(LINGER_SECONDS, fast=1)
            async for records in committed_batches(consumer, never, max_records=BATCH, linger=linger, wait_ms=WAIT_MS):
                await self.keep(records)
        finally:
            self._progress = None
            await consumer.stop()

    async def goes_forward(self) -> bool | str:
        """Whether the consumer is in its group and gets on; else why not."""
        return await self._progress.answer() if self._progress is not None else "it is joining its group"

    async def keep(self, records: Sequence[KafkaRecord]) -> None:
        """Stores a batch, piece by piece."""
        piece: list[DeadLetterRow] = []
        size = 0
        for record in records:
            if piece and size + record.size > MAX_BULK_BYTES:
                await self._insert(piece)
                piece, size = [], 0
            piece.append(letter_row(self._channels[record.topic], record, now_ms()))
            size += record.size
        await self._insert(piece)

    async def _insert(self, rows: Sequence[DeadLetterRow]) -> None:
        if rows:
            DEAD_LETTERS_KEPT.inc(await retry_until_available(self._rows.insert, rows))


def dead_letter_topics(topics: Topics) -> dict[str, Channel]:
    """The dead-letter topic of each channel."""
    return {topics.deliveries_dlq(channel): channel for channel in Channel}


async def join_dead_letters(kafka: KafkaAddress, topics: Topics) -> AIOKafkaConsumer:
    """A consumer of the dead letters of deliveries that has joined its group. Raises KafkaUnavailable."""
    consumer = open_consumer(
        kafka, *dead_letter_topics(topics), group=topics.dead_letters_group, client_id="carillon-console"
    )
    await start_consumer(consumer)
    return consumer
