"""The only file that opens aiokafka consumers, and what every consumer loop shares."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.model.errors import KafkaUnavailable
from shared.model.outputs import KafkaRecord, Partition
from shared.model.topics import INTERNAL_MAX_BYTES

log = structlog.get_logger()


def open_consumer(
    bootstrap: str, *topics: str, group: str | None, client_id: str, **options: object
) -> AIOKafkaConsumer:
    """A consumer that commits by hand and starts at the beginning of what its group never read; not connected yet.

    `options` are aiokafka's and win over the defaults here.
    """
    defaults: dict[str, object] = {
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "fetch_max_wait_ms": 250,
        "max_partition_fetch_bytes": INTERNAL_MAX_BYTES,
        "session_timeout_ms": 10_000,
        "heartbeat_interval_ms": 2_000,
        "max_poll_interval_ms": 300_000,
    }
    return AIOKafkaConsumer(
        *topics, bootstrap_servers=bootstrap, group_id=group, client_id=client_id, **defaults | options
    )


async def start_consumer(consumer: AIOKafkaConsumer) -> None:
    """Connects and joins the group. Raises KafkaUnavailable when no broker answers.

    A consumer that failed to start is stopped: aiokafka cannot start it again. Retry with a new one.
    """
    try:
        await consumer.start()
    except BaseException as error:
        await consumer.stop()
        if isinstance(error, KafkaError):
            raise KafkaUnavailable(repr(error)) from error
        raise


async def fetch(consumer: AIOKafkaConsumer, *, max_records: int, wait_ms: int = 250) -> list[KafkaRecord]:
    """Up to `max_records`, in order per partition; empty when none came within `wait_ms`."""
    by_partition = await consumer.getmany(timeout_ms=wait_ms, max_records=max_records)
    return [
        KafkaRecord(
            record.topic,
            record.partition,
            record.offset,
            record.key,
            record.value,
            list(record.headers),
            -1 if record.timestamp is None else record.timestamp,
        )
        for records in by_partition.values()
        for record in records
    ]


async def batches(
    consumer: AIOKafkaConsumer, stop: asyncio.Event, *, max_records: int, wait_ms: int = 250
) -> AsyncIterator[list[KafkaRecord]]:
    """Batches until `stop` is set, none of them empty; the next one is fetched when the caller asks for it."""
    while not stop.is_set():
        records = await fetch(consumer, max_records=max_records, wait_ms=wait_ms)
        if records:
            yield records


def offsets_after(records: Iterable[KafkaRecord]) -> dict[Partition, int]:
    """By partition the offset behind the last of `records`: what to commit when all of them are done."""
    return {(record.topic, record.partition): record.offset + 1 for record in records}


async def commit_assigned(consumer: AIOKafkaConsumer, offsets: Mapping[Partition, int]) -> None:
    """Commits the offsets of partitions that are still assigned here; raises nothing.

    What is not committed is read again, by whoever has the partition then, and met as a replay.
    """
    assigned = consumer.assignment()
    places = {TopicPartition(*place): offset for place, offset in offsets.items()}
    ours = {place: offset for place, offset in places.items() if place in assigned}
    if not ours:
        return
    try:
        await consumer.commit(ours)
    except KafkaError as error:
        log.warning("not_committed", error=type(error).__name__, next="the next commit repeats it")
