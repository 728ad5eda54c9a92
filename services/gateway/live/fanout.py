"""From `inbox.v1` to the sockets of this process: all partitions, no group, from the end.

What has no socket here is dropped by its key and never decoded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from services.gateway.live.core.messages import Announcement
from services.gateway.live.registry import Member, Registry
from shared.kafka.consumer import open_consumer
from shared.model import inbox
from shared.model.errors import KafkaUnavailable

log = structlog.get_logger()
MOST_RECORDS: Final = 2_000
PORTION_BYTES: Final = 262_144
"""Written at once; a quarter of what a connection may owe."""


class Fanout:
    """Reads inbox events for as long as the process lives."""

    def __init__(
        self,
        bootstrap: str,
        topic: str,
        registry: Registry,
        *,
        flush: Callable[[], None],
        drop: Callable[[Member], None],
    ) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._registry = registry
        self._flush = flush
        self._drop = drop
        self._consumer: AIOKafkaConsumer | None = None

    async def start(self) -> None:
        """Stands at the end of every partition when it returns: no later event is missed. Raises KafkaUnavailable."""
        reader = open_consumer(
            self._bootstrap,
            self._topic,
            group=None,
            client_id="carillon-gateway",
            auto_offset_reset="none",
            fetch_max_wait_ms=500,
        )
        try:
            await reader.start()
            await _go_to_the_end(reader, self._topic)
        except BaseException as error:
            await reader.stop()
            if isinstance(error, KafkaError):
                raise KafkaUnavailable(repr(error)) from error
            raise
        self._consumer = reader

    async def run(self) -> None:
        """Until cancelled. While Kafka is away it waits, and goes on where it stood.

        Raises when its place on the log is gone (away for longer than the topic keeps): then the process has to
        start anew, and its clients resume from the inbox.
        """
        while True:
            batches = await self._reader.getmany(timeout_ms=1_000, max_records=MOST_RECORDS)
            for records in batches.values():
                for portion in portions(records):
                    self.spread(portion)
                    self._flush()
                    await asyncio.sleep(0)  # the sockets take what was written, so that a burst is not a slow client

    def spread(self, records: Iterable[Any]) -> None:
        """Queues each record's event for those who are connected here."""
        for record in records:
            key = record.key
            if key not in self._registry:
                continue
            try:
                event = inbox.decode(record.value or b"")
            except msgspec.DecodeError:
                log.error("unreadable_inbox_event", partition=record.partition, offset=record.offset)
                continue
            for member in self._registry.deliver(key, Announcement(event)).slow:
                self._drop(member)

    async def check(self) -> bool:
        """True when the brokers answer."""
        return bool(await self._reader.topics())

    async def stop(self) -> None:
        """Disconnects."""
        if self._consumer is not None:
            await self._consumer.stop()

    @property
    def _reader(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise KafkaUnavailable("the fanout was not started")
        return self._consumer


def portions(records: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The records in order, in runs of PORTION_BYTES or a little more."""
    start = size = 0
    for position, record in enumerate(records, 1):
        size += len(record.value or b"")
        if size >= PORTION_BYTES:
            yield records[start:position]
            start, size = position, 0
    if start < len(records):
        yield records[start:]


async def _go_to_the_end(reader: AIOKafkaConsumer, topic: str) -> None:
    if not reader.assignment():
        raise KafkaUnavailable(f"the topic {topic} does not exist; create it: carillon topics create")
    if not await reader.seek_to_end():
        raise KafkaUnavailable(f"nobody told where {topic} ends")
