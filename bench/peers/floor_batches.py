"""What the hops of the floor share: one batch for each partition, all awaited at once, nothing tried again."""

from __future__ import annotations

import asyncio
from functools import lru_cache

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder

from shared.model.topics import PARTITIONS


@lru_cache(maxsize=200_000)
def partition_of(key: bytes) -> int:
    """Where every Kafka client puts a key."""
    return (murmur2(key) & 0x7FFFFFFF) % PARTITIONS


async def open_producer(bootstrap: str) -> AIOKafkaProducer:
    """Connected, with the product's guarantees for what it writes."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=0, max_batch_size=262_144
    )
    await producer.start()
    return producer


class Batches:
    """Records on their way to one flush."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._open: dict[tuple[str, int], BatchBuilder] = {}
        self._full: list[tuple[tuple[str, int], BatchBuilder]] = []

    def put(self, topic: str, key: bytes, value: bytes) -> None:
        """Adds a record to the batch of its partition."""
        place = topic, partition_of(key)
        batch = self._open.get(place)
        if batch is None:
            batch = self._open[place] = self._producer.create_batch()
        if batch.append(key=key, value=value, timestamp=None) is None:
            self._full.append((place, batch))
            batch = self._open[place] = self._producer.create_batch()
            batch.append(key=key, value=value, timestamp=None)

    async def flush(self) -> None:
        """Returns when all replicas have acknowledged everything that was put."""
        batches = self._full + list(self._open.items())
        self._open, self._full = {}, []
        sent = [
            await self._producer.send_batch(batch, topic, partition=partition) for (topic, partition), batch in batches
        ]
        await asyncio.gather(*sent)
