"""Jobs of one lane that only a newer version can deliver: they wait, unclaimed, and no more of their partitions is fetched."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.model.formats import NewerFormat
from shared.model.outputs import Coordinates, Partition
from shared.process.newer import NewerRecords


class NewerJobs:
    """Those that wait now; `consumer` is the lane's, once it reads."""

    def __init__(self, newer: NewerRecords) -> None:
        self.consumer: AIOKafkaConsumer | None = None
        self.partitions: Counter[Partition] = Counter()
        """How many wait in each."""
        self._newer = newer

    async def wait(
        self, at: Coordinates, newer: NewerFormat | None, deliver: Callable[[], Awaitable[NewerFormat | None]]
    ) -> None:
        """Tries again now and then, until `deliver` leaves nothing to a newer version."""
        partition = (at.topic, at.partition)
        self.partitions[partition] += 1
        self._fetch(partition)
        try:
            while newer is not None:
                await asyncio.sleep(self._newer.note(at, newer))
                newer = await deliver()
            self._newer.settle(at)
        finally:
            self.partitions[partition] -= 1
            if not self.partitions[partition]:
                del self.partitions[partition]
            self._fetch(partition)

    def forget(self, partitions: Iterable[Partition]) -> None:
        """These belong to somebody else now."""
        self._newer.forget(partitions)

    def _fetch(self, partition: Partition) -> None:
        """Fetches the partition, if it is still ours, unless something in it waits."""
        place = TopicPartition(*partition)
        if self.consumer is not None and place in self.consumer.assignment():
            (self.consumer.pause if partition in self.partitions else self.consumer.resume)(place)
