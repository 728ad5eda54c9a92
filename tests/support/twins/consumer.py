"""The consumer's part of the log in memory: gives out what was laid in, and remembers commits."""

from __future__ import annotations

import asyncio
from itertools import groupby
from types import SimpleNamespace

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaConnectionError
from aiokafka.structs import OffsetAndMetadata

from shared.kafka.consumer import APPEND_TIME
from shared.model.outputs import KafkaRecord

PARTITIONS = 3


class ConsumerStarts:
    """Stands in for the class AIOKafkaConsumer: the first that is made fails late in `start`; none starts twice."""

    def __init__(self) -> None:
        self.made: list[StartingConsumer] = []

    def __call__(self, *topics: str, **options: object) -> StartingConsumer:
        self.made.append(StartingConsumer(topics[0] if topics else "", fails=not self.made))
        return self.made[-1]


class MemoryConsumer:
    """What `shared.kafka.consumer` asks of an aiokafka consumer of one topic."""

    def __init__(self, topic: str, *records: KafkaRecord) -> None:
        self.waiting = list(records)
        self.most: list[int] = []
        """How many records each call asked for."""
        self.committed: dict[tuple[str, int], int] = {}
        self.partitions = {TopicPartition(topic, number) for number in range(PARTITIONS)}
        self.ends: dict[TopicPartition, int] = {}
        """What the broker told of the ends of its partitions."""
        self.idle = asyncio.Event()
        """Set when there was nothing to give out."""
        self.stopped = False
        self._fetcher = None
        self._subscription = SimpleNamespace(subscription=SimpleNamespace(assignment=self.partitions))
        self._coordinator = self
        self.paused: set[TopicPartition] = set()
        self.taken: list[KafkaRecord] = []

    def pause(self, *places: TopicPartition) -> None:
        self.paused |= set(places)

    def resume(self, *places: TopicPartition) -> None:
        self.paused -= set(places)

    def seek(self, place: TopicPartition, offset: int) -> None:
        """What was given out from there on is given out again."""
        again = [
            one for one in self.taken if TopicPartition(one.topic, one.partition) == place and one.offset >= offset
        ]
        self.taken = [one for one in self.taken if one not in again]
        self.waiting = again + self.waiting

    async def getmany(self, *, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[ConsumerRecord]]:
        assert max_records > 0
        await asyncio.sleep(0)
        open_ = [one for one in self.waiting if TopicPartition(one.topic, one.partition) not in self.paused]
        taken = open_[:max_records]
        if taken:
            places = {one.coordinates for one in taken}
            self.waiting = [one for one in self.waiting if one.coordinates not in places]
            self.taken += taken
        self.most.append(max_records)
        if not taken:
            self.idle.set()
        taken.sort(key=lambda record: record.partition)
        return {
            TopicPartition(*place): [_fetched(record) for record in records]
            for place, records in groupby(taken, lambda record: (record.topic, record.partition))
        }

    def assignment(self) -> set[TopicPartition]:
        return self.partitions

    def highwater(self, place: TopicPartition) -> int | None:
        return self.ends.get(place)

    async def fetch_committed_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, OffsetAndMetadata]:
        known = {place: self.committed.get((place.topic, place.partition)) for place in places}
        return {place: OffsetAndMetadata(offset, "") for place, offset in known.items() if offset is not None}

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        self.committed.update({(part.topic, part.partition): offset for part, offset in offsets.items()})

    async def stop(self) -> None:
        self.stopped = True


class StartingConsumer(MemoryConsumer):
    """One of ConsumerStarts."""

    def __init__(self, topic: str, *, fails: bool) -> None:
        super().__init__(topic)
        self.started = False
        self._fails = fails

    def subscribe(self, topics: list[str], *, listener: object) -> None:
        assert topics

    async def start(self) -> None:
        assert not self.started, "Did you call `start` twice?"
        self.started = True
        if self._fails:
            raise KafkaConnectionError("the coordinator went away while the group was joined")


def _fetched(record: KafkaRecord) -> ConsumerRecord:
    """As aiokafka gives it out; its checksum carries what is wrong with it (`shared.kafka.batches`)."""
    return ConsumerRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        timestamp_type=APPEND_TIME,
        key=record.key,
        value=record.value,
        checksum=record.fault,
        serialized_key_size=-1,
        serialized_value_size=-1,
        headers=record.headers,
    )
