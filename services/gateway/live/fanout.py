"""From `inbox.v1` to the connections of this process: all partitions, no group, from the end.

What has no connection here is dropped by its key and never decoded.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Iterable, Iterator, Sequence

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from services.gateway.core.limits import FANOUT_WRITE_BYTES
from services.gateway.live.backlog import Backlog
from services.gateway.live.core.announcement import Announcement
from services.gateway.live.registry import Registry
from services.gateway.live.writes import Writes
from shared.kafka.connection import KafkaAddress
from shared.kafka.consumer import open_consumer, start_consumer
from shared.model.errors import KafkaUnavailable
from shared.model.formats import NewerFormat
from shared.model.outputs import KafkaRecord

log = structlog.get_logger()


class Fanout:
    """Has inbox events written to the connections of their users."""

    def __init__(self, registry: Registry, backlog: Backlog) -> None:
        self._registry = registry
        self._writes = Writes(backlog)

    async def run(self, batches: AsyncIterable[Sequence[KafkaRecord]]) -> None:
        """Until the batches end. Raises what reading them raises."""
        async for records in batches:
            for user, portion in by_user(records):
                self._spread(user, portion)
                if self._writes.size >= FANOUT_WRITE_BYTES:
                    await self._write()
            await self._write()

    async def _write(self) -> None:
        self._writes.flush()
        await asyncio.sleep(0)  # the transports send what was written before more is added to it

    def _spread(self, user: bytes, records: Iterable[KafkaRecord]) -> None:
        """Puts together what those of the user who are connected here are told of the records' events.

        One that is unreadable is logged and skipped; for one of a newer version they are told to read their inbox again.
        """
        if user not in self._registry:
            return
        announcements: list[Announcement] = []
        for record in records:
            try:
                announcements.append(Announcement(record.value or b""))
            except NewerFormat as newer:
                log.error("newer_inbox_event", partition=record.partition, offset=record.offset, format=newer.number)
                self._registry.deliver(user, announcements, self._writes)
                announcements = []
                self._registry.reload(user)
            except msgspec.DecodeError:
                log.error("unreadable_inbox_event", partition=record.partition, offset=record.offset)
        self._registry.deliver(user, announcements, self._writes)


def by_user(records: Iterable[KafkaRecord]) -> Iterator[tuple[bytes, Sequence[KafkaRecord]]]:
    """The records of one user after the other, in order.

    In runs of FANOUT_WRITE_BYTES or, by the last record of each, a little more. What has no user is left out.
    """
    users: dict[bytes, list[KafkaRecord]] = {}
    for record in records:
        if record.fault is not None:
            log.error("unreadable_inbox_event", partition=record.partition, offset=record.offset, code=record.fault)
        user = record.key
        if user in users:
            users[user].append(record)
        elif user is not None:
            users[user] = [record]
    for user, own in users.items():
        if len(own) == 1:
            yield user, own
        else:
            yield from ((user, portion) for portion in portions(own))


def portions(records: Sequence[KafkaRecord]) -> Iterator[Sequence[KafkaRecord]]:
    """The records in order, in runs of FANOUT_WRITE_BYTES or, by the last record of each, a little more."""
    start = size = 0
    for position, record in enumerate(records, 1):
        size += len(record.value or b"")
        if size >= FANOUT_WRITE_BYTES:
            yield records[start:position]
            start, size = position, 0
    if start < len(records):
        yield records[start:]


async def open_at_end(kafka: KafkaAddress, topic: str) -> AIOKafkaConsumer:
    """A connected consumer at the end of every partition of `topic`: it misses no later record.

    While Kafka is unavailable it waits and goes on where it was; when its position is gone (unavailable for longer
    than the topic keeps) reading raises: then the process has to start anew, and its clients resume from the inbox.
    Raises KafkaUnavailable.
    """
    consumer = open_consumer(
        kafka,
        topic,
        group=None,
        client_id="carillon-gateway",
        auto_offset_reset="none",
        fetch_max_wait_ms=500,
    )
    try:
        await start_consumer(consumer)
        await _seek_to_end(consumer, topic)
    except BaseException:
        await consumer.stop()
        raise
    return consumer


async def _seek_to_end(consumer: AIOKafkaConsumer, topic: str) -> None:
    if not consumer.assignment():
        raise KafkaUnavailable(f"the topic {topic} does not exist; create it: carillon topics create")
    try:
        found = await consumer.seek_to_end()
    except KafkaError as error:
        raise KafkaUnavailable(repr(error)) from error
    if not found:
        raise KafkaUnavailable(f"no broker told where {topic} ends")
