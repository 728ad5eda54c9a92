"""The least that an e-mail worker can do: read, send over connections that stay open, commit. No ledger, no status."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Final

import uvloop
from aiokafka import AIOKafkaConsumer
from aiosmtplib import SMTP

from bench.peers.faust_app import OURS
from shared.model.channels import Channel
from shared.model.records import decode_delivery

CONNECTIONS: Final = 4
"""The product's default."""
COMMIT_SECONDS: Final = 0.5
SENDER: Final = "carillon@localhost"


async def main() -> None:
    topics, port = OURS.topics, int(os.environ["CARILLON_SMTP_PORT"])
    connections = [SMTP(hostname="127.0.0.1", port=port) for _ in range(CONNECTIONS)]
    for connection in connections:
        await connection.connect()
    consumer = AIOKafkaConsumer(
        topics.deliveries(Channel.EMAIL),
        bootstrap_servers=OURS.kafka,
        group_id=topics.group("floor-mails"),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=250,
    )
    await consumer.start()

    async def send_all(connection: SMTP, values: list[bytes]) -> None:
        while values:
            one = decode_delivery(values.pop())
            head = f"From: <{SENDER}>\r\nTo: <{one.address}>\r\nSubject: Shipped\r\nMessage-ID: <{one.id}@localhost>\r\n\r\n"
            await connection.sendmail(SENDER, [one.address], head.encode() + bytes(one.notification.data))

    committed = time.monotonic()
    while True:
        fetched = await consumer.getmany(timeout_ms=1000, max_records=CONNECTIONS * 100)
        values = [record.value for one in fetched.values() for record in one]
        await asyncio.gather(*(send_all(connection, values) for connection in connections))
        if time.monotonic() - committed > COMMIT_SECONDS:
            await consumer.commit()
            committed = time.monotonic()


if __name__ == "__main__":
    uvloop.run(main())
