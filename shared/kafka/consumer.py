"""The only file that opens aiokafka consumers, and what every consumer loop shares."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.kafka.batches import read_leniently
from shared.kafka.connection import KafkaAddress, connection_to
from shared.kafka.linger import Linger
from shared.model.errors import KafkaUnavailable
from shared.model.outputs import FormatFault, KafkaRecord, Partition
from shared.model.topics import INTERNAL_MAX_BYTES

log = structlog.get_logger()
APPEND_TIME: Final = 1
"""aiokafka's timestamp type of topics whose broker says when."""
NEVER_MS: Final = 2**31 - 1
"""As a time-out, for what must not end by itself (24 days)."""
METADATA_MS: Final = 5_000
"""How old what is known of topics may be: one that is not there yet, or made again, is found within this."""
COMMIT_SECONDS: Final = 0.5
FETCH_BYTES: Final = 2 * INTERNAL_MAX_BYTES
"""Of one answer of a broker; a larger record still comes, alone."""


def open_consumer(
    kafka: KafkaAddress, *topics: str, group: str | None, client_id: str, **options: object
) -> AIOKafkaConsumer:
    """A consumer that commits by hand and starts at the beginning of what its group never read; not connected yet.

    It reads only what was committed, and nothing on the log stops it. It stays in its group however long the work
    takes: whoever took over would wait for the same MongoDB. `options` are aiokafka's and win over the defaults here.
    """
    read_leniently()
    defaults: dict[str, object] = {
        "isolation_level": "read_committed",
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "fetch_max_wait_ms": 250,
        "max_partition_fetch_bytes": INTERNAL_MAX_BYTES,
        "fetch_max_bytes": FETCH_BYTES,
        "session_timeout_ms": 10_000,
        "heartbeat_interval_ms": 2_000,
        "max_poll_interval_ms": NEVER_MS,
        "metadata_max_age_ms": METADATA_MS,
    }
    return AIOKafkaConsumer(
        *topics,
        group_id=group,
        client_id=client_id,
        **connection_to(kafka).client_arguments() | defaults | options,
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


def check_tasks(consumer: AIOKafkaConsumer) -> None:
    """Raises what ended the client's fetching for good: it would go on giving nothing, and look healthy."""
    task = consumer._fetcher._fetch_task if consumer._fetcher is not None else None
    if task is not None and task.done() and not task.cancelled():
        raise RuntimeError("the Kafka client ended its fetching") from task.exception()


async def fetch(consumer: AIOKafkaConsumer, *, max_records: int, wait_ms: int = 250) -> list[KafkaRecord]:
    """Up to `max_records`, in order per partition; empty when none came within `wait_ms`."""
    check_tasks(consumer)
    by_partition = await consumer.getmany(timeout_ms=wait_ms, max_records=max_records)
    return [
        KafkaRecord(
            record.topic,
            record.partition,
            record.offset,
            record.key,
            record.value,
            list(record.headers),
            record.timestamp if record.timestamp_type == APPEND_TIME else -1,
            record.checksum if isinstance(record.checksum, FormatFault) else None,
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


async def committed_batches(
    consumer: AIOKafkaConsumer,
    stop: asyncio.Event,
    *,
    max_records: int,
    linger: Linger,
    wait_ms: int = 250,
    commit_seconds: float | None = None,
    before_commit: Callable[[], Awaitable[None]] | None = None,
) -> AsyncIterator[list[KafkaRecord]]:
    """As `batches`, behind a linger. Who asks for the next batch says that all of the one before is durable.

    Or will be when `before_commit` returns; or takes out of it what is not, with all behind it in its partition. Its
    offsets are committed within `commit_seconds` (None: COMMIT_SECONDS), as soon as nothing comes, and when `stop` is
    set: a commit for each batch costs as much as the batch. What was not committed is read again, and met as a replay.
    """
    every = COMMIT_SECONDS if commit_seconds is None else commit_seconds
    done: dict[Partition, int] = {}

    async def commit() -> None:
        if before_commit is not None:
            await before_commit()
        await commit_assigned(consumer, done)

    committed = time.monotonic()
    while not stop.is_set():
        await linger.wait()
        records = await fetch(consumer, max_records=max_records, wait_ms=wait_ms)
        linger.drained(len(records))
        if records:
            yield records
            done |= offsets_after(records)
        if done and (not records or time.monotonic() - committed >= every):
            await commit()
            done, committed = {}, time.monotonic()
    await commit()


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
