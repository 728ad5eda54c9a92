"""The public topic as anyone may write to it: nothing stops a partition, only what was committed counts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from confluent_kafka import Producer

from shared.kafka.codecs import Codec
from tests.integration.router.stage import Stage, event, stage
from tests.support.env import Names
from tests.support.raw_batches import Raw, batch
from tests.support.topics import PARTITIONS
from tests.support.wait import until


@pytest.fixture
async def at(names: Names) -> AsyncIterator[Stage]:
    async with stage(names) as made:
        yield made


async def test_a_header_name_that_is_not_utf8_stops_nobody(at: Stage) -> None:
    foreign = [(b"x-\xff", b"\x00\xff"), (b"b3", None)]
    await at.write(batch(event("before"), event("named", *foreign), event("after")))
    await at.write(batch(event("elsewhere")), partition=1)
    assert sorted(await at.until_notified("before", "named", "after", "elsewhere")) == sorted(
        ["before", "named", "after", "elsewhere"]
    )
    await at.until_all_committed()
    assert await at.dead_letters.more() == []


async def test_a_record_that_is_no_event_is_a_dead_letter_as_it_came(at: Stage) -> None:
    """Also one that only the lenient reader reads; its neighbours of the same batch go on."""
    named = Raw(b"not JSON", headers=[(b"x-\xff", b"1"), (b"null", None)])
    await at.write(batch(event("before"), named, event("after")))
    await at.until_notified("before", "after")
    await at.until_all_committed()
    assert await at.until_dead(1) == {(0, 1): ("missing_attribute", b"not JSON")}
    [letter] = at.dead_letters.records
    assert list(letter.headers[:2]) == [("x-\\xff", b"1"), ("null", None)]


@pytest.mark.parametrize("keeps", ["producer", "lz4"])
async def test_every_codec_is_read_whatever_the_topic_keeps(names: Names, keeps: str) -> None:
    await remake(names, {"compression.type": keeps})
    async with stage(names) as at:
        for codec in Codec:
            await at.write(batch(event(f"u-{codec}"), codec=codec))
        await at.until_notified(*[f"u-{codec}" for codec in Codec])


async def test_only_what_was_committed_counts(at: Stage) -> None:
    """And offsets that are no records (marks, aborted ones) hold no commit up, also behind offset 0."""
    producer = Producer({"bootstrap.servers": at.names.brokers.kafka, "transactional.id": f"foreign-{at.names.prefix}"})
    producer.init_transactions(30)
    await at.write(batch(event("first")))
    await at.until_notified("first")
    for number, ends in enumerate((producer.abort_transaction, producer.commit_transaction) * 3):
        producer.begin_transaction()
        for part in range(2):
            user = f"{'aborted' if number % 2 == 0 else 'committed'}-{number}-{part}"
            each = event(user)
            producer.produce(
                at.topics.events,
                value=each.value,
                headers=[(name.decode(), raw) for name, raw in each.headers],
                partition=0,
            )
        producer.flush(30)
        ends(30)
    await at.write(batch(event("last")))
    expected = ["first", *[f"committed-{number}-{part}" for number in (1, 3, 5) for part in (0, 1)], "last"]
    assert sorted(await at.until_notified("last")) == sorted(expected)
    await at.until_all_committed()


async def test_a_json_batch_on_kafka_is_its_events_and_a_bad_one_costs_itself(at: Stage) -> None:
    good = {"specversion": "1.0", "source": "/s", "type": "order.shipped"}
    items = [good | {"id": user, "data": {"to": [user]}} for user in ("one", "two")]
    value = orjson.dumps([items[0], {"id": "no type"}, items[1]])
    await at.write(batch(Raw(value, headers=[(b"Content-Type", b"application/cloudevents-batch+json; charset=utf-8")])))
    assert sorted(await at.until_notified("one", "two")) == ["one", "two"]
    await at.until_all_committed()
    assert await at.until_dead(1) == {(0, 0): ("missing_attribute", value)}


async def test_a_topic_that_is_made_again_is_read_from_its_beginning(at: Stage) -> None:
    await at.write(*[batch(event(f"old-{number}")) for number in range(5)])
    await at.until_notified("old-4")
    await at.until_all_committed()
    await remake(at.names, {})
    await at.write(batch(event("new-0"), event("new-1")))
    await at.until_notified("new-0", "new-1")
    await at.until_all_committed()


async def test_append_time_is_what_counts(at: Stage) -> None:
    """Raw batches here say a time of last week."""
    await at.write(batch(event("late")))
    await at.until_notified("late")
    [record] = await at.notifications.more()
    assert record.timestamp > 1_763_726_400_000


async def remake(names: Names, config: dict[str, str]) -> None:
    """Deletes the public topic and makes it anew."""
    topic = names.topics.events
    admin = AIOKafkaAdminClient(bootstrap_servers=names.brokers.kafka)
    await admin.start()
    try:
        await admin.delete_topics([topic])

        async def made() -> bool:
            answer = await admin.create_topics([NewTopic(topic, PARTITIONS, 1, topic_configs=config)])
            return not answer.topic_errors[0][1]

        await until(made, what="the new topic")
    finally:
        await admin.close()
