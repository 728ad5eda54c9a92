"""Topics of a test's own, and what is in them."""

from __future__ import annotations

from uuid import uuid4

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

PARTITIONS = 3


async def make_topic(kafka: str, **settings: str) -> str:
    """The name of a new topic; `settings` as Kafka spells them."""
    name = f"t-{uuid4().hex[:10]}.events.v1"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, PARTITIONS, 1, topic_configs=settings)])
    finally:
        await admin.close()
    return name


async def records(kafka: str, topic: str) -> list[ConsumerRecord]:
    """All that is in a topic now, partition by partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        ends = await consumer.end_offsets([TopicPartition(topic, number) for number in range(PARTITIONS)])
        found = []
        for place, end in ends.items():
            consumer.assign([place])
            while await consumer.position(place) < end:
                found.append(await consumer.getone(place))
        return found
    finally:
        await consumer.stop()


async def event_ids(kafka: str, topic: str) -> list[str]:
    """The ids of the events in a topic now, in binary mode."""
    return [dict(record.headers)["ce_id"].decode() for record in await records(kafka, topic)]
