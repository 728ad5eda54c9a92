"""What a run leaves behind: the statuses on the log, the sink's messages, the inbox rows."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer

from tests.chaos.checker import Status, Verdict, check
from tests.support.env import Harness


async def read_topic(bootstrap: str, topic: str) -> list[Any]:
    """Every record that stands on a topic now."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        await consumer.seek_to_beginning()
        records: list[Any] = []
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                records += batch
        return records
    finally:
        await consumer.stop()


async def statuses(harness: Harness) -> list[Status]:
    """The public statuses of a run, each id once."""
    found: dict[str, Status] = {}
    for record in await read_topic(harness.names.brokers.kafka, harness.names.topics.statuses):
        headers = {name: value.decode() for name, value in record.headers}
        status = Status(
            id=headers["ce_id"], type=headers["ce_type"], subject=headers["ce_subject"], data=orjson.loads(record.value)
        )
        found.setdefault(status.id, status)
    return list(found.values())


async def effects(harness: Harness) -> tuple[Counter[str], dict[str, int]]:
    """How often each delivery arrived, and when first (ms): by Message-ID, webhook-id, inbox row."""
    times: Counter[str] = Counter()
    first: dict[str, int] = {}
    for message in (await harness.call("GET", "/messages", service="sink"))["messages"]:
        headers = {name.lower(): value for name, value in message["headers"]}
        delivery = headers.get("webhook-id") or headers["message-id"].strip("<>").partition("@")[0]
        times[delivery] += 1
        first.setdefault(delivery, message["at_ms"])
    async with harness.database() as database:
        async for row in database.inbox.find({}, {"created_at": 1}):
            times[row["_id"]] += 1
            first[row["_id"]] = int(row["created_at"].timestamp() * 1000)
    return times, first


async def verdict(harness: Harness, accepted: dict[str, int]) -> Verdict:
    """The checker's verdict over what stands there now."""
    times, first = await effects(harness)
    return check(accepted, await statuses(harness), times, first)
