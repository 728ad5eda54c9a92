"""How far behind groups are: what fan-outs ask before each page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from shared.kafka.consumer import commit_assigned, fetch, offsets_after, open_consumer, start_consumer
from shared.kafka.lag import Lag
from shared.kafka.producer import Publisher
from shared.model.errors import KafkaUnavailable
from shared.model.outputs import Output
from tests.support.env import Names
from tests.support.wait import until


async def test_each_topic_is_as_far_behind_as_its_group(names: Names) -> None:
    kafka, topics = names.brokers.kafka, names.topics
    publisher = Publisher(kafka, client_id="tests")
    lag = Lag(kafka, {topics.notifications: topics.group("a"), topics.inbox: topics.group("b")}, client_id="tests")
    try:
        first = await until(asked(lag), what="a broker that knows of groups")
        assert set(first.values()) == {0}, "a group that never read is nobody to leave room for"
        outputs = [Output(topics.notifications, str(number).encode(), b"{}", []) for number in range(30)]
        await publisher.publish(outputs)
        await read_some(kafka, topics.notifications, topics.group("a"))
        await publisher.publish(outputs + outputs)

        async def behind() -> bool:
            return await lag.count() == {topics.notifications: 60, topics.inbox: 0}

        await until(behind, what="sixty records")
    finally:
        await lag.close()
        await publisher.stop()


async def test_what_nobody_has_committed_yet_counts_from_the_beginning(names: Names) -> None:
    kafka, topics = names.brokers.kafka, names.topics
    publisher = Publisher(kafka, client_id="tests")
    of_all = Lag(kafka, {topics.notifications: topics.group("a")}, client_id="tests", absent_groups=True)
    of_those_there = Lag(kafka, {topics.notifications: topics.group("a")}, client_id="tests")
    try:
        await until(asked(of_all), what="a broker that knows of groups")
        await publisher.publish([Output(topics.notifications, b"one", b"{}", [])] * 7)
        assert await of_all.count() == {topics.notifications: 7}, "a reader that died before it committed"
        assert await of_those_there.count() == {topics.notifications: 0}
        await read_some(kafka, topics.notifications, topics.group("a"), 7)
        others = [Output(topics.notifications, str(number).encode(), b"{}", []) for number in range(30)]
        await publisher.publish(others)
        assert await of_all.count() == await of_those_there.count() == {topics.notifications: 30}
    finally:
        await of_all.close()
        await of_those_there.close()
        await publisher.stop()


def asked(lag: Lag) -> Callable[[], Awaitable[dict[str, int]]]:
    """Nothing while the broker does not answer: its first group makes it create a topic."""

    async def ask() -> dict[str, int]:
        try:
            return await lag.count()
        except KafkaUnavailable:
            return {}

    return ask


async def read_some(kafka: str, topic: str, group: str, most: int = 30) -> None:
    """A member of the group reads all that is there, and goes."""
    consumer = open_consumer(kafka, topic, group=group, client_id="tests")
    await start_consumer(consumer)
    seen = 0
    while seen < most:
        records = await fetch(consumer, max_records=100)
        await commit_assigned(consumer, offsets_after(records))
        seen += len(records)
    await consumer.stop()


async def test_where_no_broker_answers_it_says_so() -> None:
    lag = Lag("127.0.0.1:1", {"t": "g"}, client_id="tests")
    with pytest.raises(KafkaUnavailable):
        await lag.count()
    await lag.close()
