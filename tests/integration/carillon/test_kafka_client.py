"""The Kafka client against a real broker: what is acknowledged is there, once, where every client would put it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import orjson
import pytest
from confluent_kafka import Producer

from carillon import KafkaClient
from shared.model import event_codecs
from tests.support.topics import records

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_an_event_is_there_when_send_returns_and_the_platform_reads_it(kafka, topic, events):
    at = datetime(2026, 1, 5, 7, tzinfo=UTC)
    event_id = await events.send(
        "order.shipped", {"order": "A-1"}, source="/shop", subject="ana", time=at, extensions={"traceparent": TRACE}
    )
    (record,) = await records(kafka, topic)
    event = event_codecs.from_kafka(record.headers, record.value)
    assert event.attributes == {
        "specversion": "1.0",
        "id": event_id,
        "source": "/shop",
        "type": "order.shipped",
        "subject": "ana",
        "time": "2026-01-05T07:00:00.000Z",
        "traceparent": TRACE,
        "datacontenttype": "application/json",
    }
    assert (record.key, orjson.loads(event.data)) == (b"ana", {"order": "A-1"})


async def test_many_at_once_are_all_there_once_and_in_order_by_key(kafka, topic, events):
    sends = [
        events.send("a", {"n": n}, source="/s", subject=f"user-{n % 7}", id=f"e-{n}", partitionkey=f"k-{n % 5}")
        for n in range(300)
    ]
    assert await asyncio.gather(*sends) == [f"e-{n}" for n in range(300)]
    found = await records(kafka, topic)
    numbers = [orjson.loads(record.value)["n"] for record in found]
    assert sorted(numbers) == list(range(300))
    for key in range(5):
        of_key = [number for number in numbers if number % 5 == key]
        assert of_key == sorted(of_key)
    assert len({record.partition for record in found}) > 1


async def test_a_key_is_put_where_every_murmur2_client_puts_it(kafka, topic, events):
    producer = Producer({"bootstrap.servers": kafka, "partitioner": "murmur2_random"})
    for user in range(20):
        await events.send("a", source="/s", subject=f"user-{user}")
        producer.produce(topic, b"{}", f"user-{user}")
    assert producer.flush(15) == 0
    places: dict[bytes, set[int]] = {}
    for record in await records(kafka, topic):
        places.setdefault(record.key, set()).add(record.partition)
    assert len(places) == 20
    assert all(len(partitions) == 1 for partitions in places.values())


async def test_outside_of_the_context_it_says_how_it_is_used(kafka, topic):
    client = KafkaClient(kafka, topic=topic)
    with pytest.raises(RuntimeError, match="as a context manager"):
        await client.send("a", source="/s")
    async with client:
        await client.send("a", source="/s", id="1")
    with pytest.raises(RuntimeError, match="as a context manager"):
        await client.send("a", source="/s")


async def test_durability_is_not_to_be_chosen(kafka):
    with pytest.raises(TypeError, match="acks"):
        async with KafkaClient(kafka, acks=0):
            pass
