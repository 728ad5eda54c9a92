"""Writing to the log: acknowledged before return, in order per key, as it came; what is too large is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Protocol
from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import MessageSizeTooLargeError

from shared.kafka.admin import ensure_topics
from shared.kafka.consumer import fetch, open_consumer, start_consumer
from shared.kafka.group_commit import GroupPublisher
from shared.kafka.producer import BATCH_BYTES, Publisher
from shared.model.outputs import KafkaRecord, Output
from shared.model.ports import RecordWriter
from shared.model.topics import Topic
from tests.support.brokers import Brokers
from tests.support.twins.publisher import MemoryPublisher

MAX_BYTES = 400_000


class Log(Protocol):
    """A topic of the test's own that takes MAX_BYTES, and its writer."""

    topic: str
    publisher: RecordWriter

    async def records(self) -> list[Output]:
        """All that is on the topic at this moment, in the order of each partition."""
        ...

    async def placed(self) -> list[Output]:
        """The same, each with its partition; in memory with the one that was named."""
        ...


class MemoryLog:
    def __init__(self) -> None:
        self.topic = "t"
        self.publisher = MemoryPublisher(most_bytes=MAX_BYTES)

    async def records(self) -> list[Output]:
        return self.publisher.on(self.topic)

    async def placed(self) -> list[Output]:
        return self.publisher.on(self.topic)


class KafkaLog:
    def __init__(self, bootstrap: str, publisher: Publisher | GroupPublisher, *, most_bytes: int = MAX_BYTES) -> None:
        self._most_bytes = most_bytes
        self.topic = f"t-{uuid4().hex[:10]}"
        self.publisher = publisher
        self._bootstrap = bootstrap

    async def start(self) -> None:
        row = Topic(name=self.topic, key="any", producers="tests", consumers="tests", partitions=3)
        await ensure_topics(self._bootstrap, [replace(row, max_message_bytes=self._most_bytes)])
        await self.publisher.start()

    async def records(self) -> list[Output]:
        return [output._replace(partition=None) for output in await self.placed()]

    async def placed(self) -> list[Output]:
        consumer = open_consumer(self._bootstrap, self.topic, group=None, client_id="tests")
        await start_consumer(consumer)
        try:
            ends = await consumer.end_offsets([TopicPartition(self.topic, number) for number in range(3)])
            found: list[KafkaRecord] = []
            while len(found) < sum(ends.values()):
                found += await fetch(consumer, max_records=1000)
        finally:
            await consumer.stop()
        found.sort(key=lambda each: each.partition)  # stable: the order of each partition stays
        return [Output(each.topic, each.key, each.value, each.headers, each.partition) for each in found]


WRITERS = [
    "twin",
    pytest.param("publisher", marks=pytest.mark.real),
    pytest.param("group commit", marks=pytest.mark.real),
]


@pytest.fixture(params=WRITERS)
def log(request: pytest.FixtureRequest) -> Log:
    if request.param == "twin":
        return MemoryLog()
    return request.getfixturevalue("publisher_log" if request.param == "publisher" else "group_log")


@pytest.fixture
async def publisher_log(shared_brokers: Brokers) -> AsyncIterator[KafkaLog]:
    made = KafkaLog(shared_brokers.kafka, Publisher(shared_brokers.kafka, client_id="tests"))
    await made.start()
    yield made
    await made.publisher.stop()


@pytest.fixture
async def group_log(shared_brokers: Brokers) -> AsyncIterator[KafkaLog]:
    publisher = GroupPublisher(shared_brokers.kafka, client_id="tests", deadline_seconds=None)
    made = KafkaLog(shared_brokers.kafka, publisher)
    await made.start()
    yield made
    await made.publisher.stop()


async def test_what_was_published_is_on_the_log_when_it_returns(log: Log) -> None:
    await log.publisher.publish([])
    assert await log.records() == []
    await log.publisher.publish([Output(log.topic, b"k", b"v", [])])
    assert await log.records() == [Output(log.topic, b"k", b"v", [])]


async def test_a_record_arrives_as_it_was_given(log: Log) -> None:
    given = [
        Output(log.topic, None, b"no key", []),
        Output(log.topic, b"k", None, []),
        Output(log.topic, b"h", b"", [("a", b"1"), ("b", "ü".encode()), ("a", b"2"), ("empty", b"")]),
    ]
    await log.publisher.publish(given)
    assert sorted(await log.records(), key=str) == sorted(given, key=str)


async def test_a_record_may_name_its_partition(log: Log) -> None:
    """The same key in each of them."""
    given = [Output(log.topic, b"k", b"%d" % number, [], number) for number in range(3)]
    await log.publisher.publish(given)
    assert await log.placed() == given


async def test_a_key_keeps_its_order(log: Log) -> None:
    """Over several calls, and over records that do not fit into one batch of the producer."""
    size = BATCH_BYTES // 10
    given = [
        Output(log.topic, f"key-{number % 4}".encode(), f"{number}".encode().ljust(size, b"."), [])
        for number in range(120)
    ]
    for start in range(0, 120, 60):
        await log.publisher.publish(given[start : start + 60])
    found = await log.records()
    assert len(found) == len(given)
    for key in {output.key for output in given}:
        assert [each for each in found if each.key == key] == [each for each in given if each.key == key]


async def test_calls_one_after_another_do_not_mix(log: Log) -> None:
    for number in range(20):
        await log.publisher.publish([Output(log.topic, b"k", b"%d" % number, [])])
    assert [each.value for each in await log.records()] == [b"%d" % number for number in range(20)]


async def test_a_record_larger_than_its_topic_takes_is_refused_and_the_next_ones_go_on(log: Log) -> None:
    with pytest.raises(MessageSizeTooLargeError):
        await log.publisher.publish([Output(log.topic, b"k", b"." * (MAX_BYTES + 1), [])])
    async with asyncio.timeout(60):
        await log.publisher.publish([Output(log.topic, b"k", b"next", [])])
    assert [each.value for each in await log.records()] == [b"next"]


@pytest.mark.real
async def test_where_something_can_stand_instead_only_the_record_that_is_too_large_is_replaced(
    shared_brokers: Brokers,
) -> None:
    """Its neighbours of the same batch are written, and the ones of later calls."""

    def instead(output: Output) -> list[Output]:
        return [output._replace(value=b"instead")]

    made = KafkaLog(shared_brokers.kafka, Publisher(shared_brokers.kafka, client_id="tests", instead=instead))
    await made.start()
    try:
        given = [Output(made.topic, b"k", b"%d" % number, []) for number in range(3)]
        large = Output(made.topic, b"k", b"." * (MAX_BYTES + 1), [])
        async with asyncio.timeout(60):
            await made.publisher.publish([*given, large, Output(made.topic, b"k", b"behind", [])])
            await made.publisher.publish([Output(made.topic, b"k", b"next", [])])
        found = [each.value for each in await made.records()]
    finally:
        await made.publisher.stop()
    assert sorted(found, key=str) == sorted([b"0", b"1", b"2", b"instead", b"behind", b"next"], key=str)


@pytest.mark.real
@pytest.mark.parametrize("count", [6, 9])
async def test_a_batch_that_is_too_large_is_written_record_by_record(shared_brokers: Brokers, count: int) -> None:
    """The topic takes less than a batch of the producer; more than one batch keeps its order, too."""
    made = KafkaLog(shared_brokers.kafka, Publisher(shared_brokers.kafka, client_id="tests"), most_bytes=50_000)
    await made.start()
    try:
        given = [Output(made.topic, b"k", b"%d" % number + b"." * 30_000, []) for number in range(count)]
        async with asyncio.timeout(60):
            await made.publisher.publish(given)
        found = await made.records()
    finally:
        await made.publisher.stop()
    assert found == given
