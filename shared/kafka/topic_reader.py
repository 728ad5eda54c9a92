"""Reading a topic by hand: what is in it now, or one record at its place. For commands, not for services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.kafka.connection import KafkaAddress
from shared.kafka.consumer import fetch, offsets_after, open_consumer, start_consumer
from shared.model.errors import KafkaUnavailable
from shared.model.outputs import Coordinates, KafkaRecord

BATCH: Final = 500
RECORD_SECONDS: Final = 10.0


class TopicReader:
    """A topic from where its reader left off (with a group), else from its beginning, up to what is there at the start."""

    def __init__(self, consumer: AIOKafkaConsumer, topic: str) -> None:
        self._consumer = consumer
        self._topic = topic

    async def batches(self) -> AsyncIterator[list[KafkaRecord]]:
        """Batches up to the present end. Raises KafkaUnavailable."""
        consumer = self._consumer
        ends: dict[TopicPartition, int] = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            records = await fetch(consumer, max_records=BATCH)
            found = [each for each in records if each.offset < ends[TopicPartition(each.topic, each.partition)]]
            if found:
                yield found

    async def commit(self, records: list[KafkaRecord]) -> None:
        """The group begins behind `records` from now on."""
        await self._consumer.commit({TopicPartition(*place): at for place, at in offsets_after(records).items()})

    async def record_at(self, place: Coordinates) -> KafkaRecord | None:
        """The record at its place; None when it is not kept any more."""
        partition = TopicPartition(place.topic, place.partition)
        (first,), (end,) = [
            list((await ask([partition])).values())
            for ask in (self._consumer.beginning_offsets, self._consumer.end_offsets)
        ]
        if not first <= place.offset < end:
            return None
        self._consumer.seek(partition, place.offset)
        async with asyncio.timeout(RECORD_SECONDS):
            while True:
                for record in await fetch(self._consumer, max_records=1):
                    if record.partition == place.partition:
                        return record if record.offset == place.offset else None


@asynccontextmanager
async def open_reader(kafka: KafkaAddress, topic: str, *, group: str | None = None) -> AsyncIterator[TopicReader]:
    """A reader, closed at the end. Raises KafkaUnavailable, also for what is read in the block."""
    consumer = open_consumer(kafka, topic, group=group, client_id="carillon-cli")
    try:
        await start_consumer(consumer)
        yield TopicReader(consumer, topic)
    except (KafkaError, TimeoutError) as error:
        raise KafkaUnavailable(f"{topic} cannot be read: {error!r}") from error
    finally:
        await consumer.stop()
