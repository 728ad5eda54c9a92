"""The least that a webhook worker can do: read, post, commit. No ledger, no status, no retry; nothing is checked."""

from __future__ import annotations

import asyncio
import os
import time

import aiohttp
import uvloop
from aiokafka import AIOKafkaConsumer

from bench.peers.faust_app import OURS
from services.delivery.channels.webhook.compose import payload
from shared.model.channels import Channel
from shared.model.records import decode_delivery

AT_ONCE = int(os.environ.get("BENCH_AT_ONCE", "96"))
COMMIT_SECONDS = 0.5


async def main() -> None:
    topics = OURS.topics
    consumer = AIOKafkaConsumer(
        topics.deliveries(Channel.WEBHOOK),
        bootstrap_servers=OURS.kafka,
        group_id=topics.group("floor-webhooks"),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=250,
    )
    await consumer.start()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:

        async def post_all(values: list[bytes]) -> None:
            while values:
                one = decode_delivery(values.pop())
                headers = {"content-type": "application/json", "webhook-id": one.id}
                async with http.post(one.address, data=payload(one), headers=headers) as answer:
                    await answer.read()

        committed = time.monotonic()
        while True:
            fetched = await consumer.getmany(timeout_ms=1000, max_records=AT_ONCE * 20)
            values = [record.value for one in fetched.values() for record in one]
            await asyncio.gather(*(post_all(values) for _ in range(AT_ONCE)))
            if values and time.monotonic() - committed > COMMIT_SECONDS:
                await consumer.commit()
                committed = time.monotonic()


if __name__ == "__main__":
    uvloop.run(main())
