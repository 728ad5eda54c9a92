"""Partitions of a consumer that stand at a record which only a newer version can read.

Nothing of such a partition is fetched; now and then it is read again from there, for what the record waited for may be
readable by then. Whoever gets the partition reads it from its last commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.model.formats import NewerFormat
from shared.model.outputs import Coordinates, KafkaRecord, Partition
from shared.process.newer import NewerRecords


class PausedPartitions:
    """Those of one consumer whose records are worked on batch by batch."""

    def __init__(self, consumer: AIOKafkaConsumer, newer: NewerRecords) -> None:
        self._consumer = consumer
        self._newer = newer
        self._stands: dict[Partition, set[Coordinates]] = {}
        """What was met of each; the partition stands at the first."""

    def stand(self, records: Iterable[KafkaRecord], newer: NewerFormat) -> list[KafkaRecord]:
        """Takes what is newer, and all behind it in its partition, out of a batch; returns the rest.

        Raises `newer` where it does not say which record waits for it.
        """
        if newer.at is None:
            raise newer
        at, partition = newer.at, (newer.at.topic, newer.at.partition)
        place, pause = TopicPartition(*partition), self._newer.note(at, newer)
        self._stands.setdefault(partition, set()).add(at)
        if place in self._consumer.assignment():
            self._consumer.seek(place, at.offset)
            self._consumer.pause(place)
            asyncio.get_running_loop().call_later(pause, self._look_again, place)
        return [
            record for record in records if (record.topic, record.partition) != partition or record.offset < at.offset
        ]

    def done(self, records: Iterable[KafkaRecord]) -> None:
        """These are done: what waited among them waits no more, though the partition may stand at a later one."""
        for record in records if self._stands else ():
            waiting = self._stands.get((record.topic, record.partition), set())
            for at in [at for at in waiting if at.offset <= record.offset]:
                self._newer.settle(at)
                waiting.discard(at)

    def _look_again(self, place: TopicPartition) -> None:
        if place in self._consumer.assignment():
            self._consumer.resume(place)
