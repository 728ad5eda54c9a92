"""The in-app worker of the naive chain: one delivery at a time, `insert_one`, `send_and_wait`; aiokafka's defaults."""

from __future__ import annotations

import asyncio
import json

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.peers.faust_app import OURS, database
from shared.model.channels import Channel
from shared.process.clock import now_ms


async def main() -> None:
    topics = OURS.topics
    producer = AIOKafkaProducer(bootstrap_servers=OURS.kafka, acks="all", enable_idempotence=True)
    consumer = AIOKafkaConsumer(
        topics.deliveries(Channel.IN_APP),
        bootstrap_servers=OURS.kafka,
        group_id=topics.group("naive-inbox"),
        auto_offset_reset="earliest",
    )
    await producer.start()
    await consumer.start()
    async for message in consumer:
        delivery = json.loads(message.value)
        row = {"_id": delivery["id"], "user": delivery["user"], "data": delivery["data"], "at": now_ms()}
        await database().inbox.insert_one(row)
        await producer.send_and_wait(topics.inbox, json.dumps(row).encode(), message.key)


if __name__ == "__main__":
    asyncio.run(main())
