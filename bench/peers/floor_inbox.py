"""The least that an in-app worker can do: rows in bulk, then the inbox event and the status of each; no ledger."""

from __future__ import annotations

import asyncio
import time

import uvloop
from aiokafka import AIOKafkaConsumer

from bench.peers.faust_app import OURS, database
from bench.peers.floor_batches import Batches, open_producer
from shared.model.channels import Channel
from shared.process.clock import now_ms

MOST = 500
COMMIT_SECONDS = 0.5
LINGER_SECONDS = 0.003


async def main() -> None:
    topics, inbox = OURS.topics, database().inbox
    batches = Batches(await open_producer(OURS.kafka))
    consumer = AIOKafkaConsumer(
        topics.deliveries(Channel.IN_APP),
        bootstrap_servers=OURS.kafka,
        group_id=topics.group("floor-inbox"),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=250,
    )
    await consumer.start()
    committed = time.monotonic()
    while True:
        fetched = await consumer.getmany(timeout_ms=1000, max_records=MOST)
        records = [record for one in fetched.values() for record in one]
        if not records:
            continue
        now = now_ms()
        rows = [{"user": one.key, "offset": one.offset, "data": one.value, "at": now} for one in records]
        for one in records:
            batches.put(topics.inbox, one.key, one.value)
            batches.put(topics.statuses, one.key, b'{"id":"%d:%d","type":"sent"}' % (one.partition, one.offset))
        await inbox.insert_many(rows, ordered=False)
        await batches.flush()
        if time.monotonic() - committed > COMMIT_SECONDS:
            await consumer.commit()
            committed = time.monotonic()
        if len(records) > 1:
            await asyncio.sleep(LINGER_SECONDS)


if __name__ == "__main__":
    uvloop.run(main())
