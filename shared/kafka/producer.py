"""The only file that opens aiokafka producers.

Outputs are written as one batch per partition (`send_batch` costs a fifth of `send`), keyed by murmur2 as
every Java client does it, with acks=all and an idempotent producer.
"""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, OutOfOrderSequenceNumber, RecordListTooLargeError
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder

from shared.kafka.connection import KafkaAddress, connection_to
from shared.kafka.rejections import rejection
from shared.model.errors import KafkaUnavailable
from shared.model.outputs import Output
from shared.model.topics import INTERNAL_MAX_BYTES
from shared.process.failpoints import Failpoint, failpoint, is_armed

BATCH_BYTES: Final = 262_144
TOO_LARGE: Final = (MessageSizeTooLargeError, RecordListTooLargeError)
"""What a broker answers to a batch that its topic does not take."""


KNOWN_KEYS: Final = 200_000
"""Keys whose murmur2 is remembered (Python computes it in 2 µs)."""


log = structlog.get_logger()


class _Batch(NamedTuple):
    """Outputs of one partition, and how they are written."""

    topic: str
    partition: int
    builder: BatchBuilder
    outputs: list[Output]


class Publisher:
    """Writes outputs to the log. Calls must not overlap: whoever shares one takes turns."""

    def __init__(
        self,
        kafka: KafkaAddress,
        *,
        client_id: str,
        instead: Callable[[Output], list[Output]] | None = None,
        known_keys: int = KNOWN_KEYS,
    ) -> None:
        """`instead` says what is written in place of an output that is too large for its topic.

        `known_keys`: how many are remembered; few of a writer that meets each key once.
        """
        self._known_keys = known_keys
        self._kafka = connection_to(kafka)
        self._instead = instead
        self._client_id = client_id
        self._live: AIOKafkaProducer | None = None
        self._hashes: dict[bytes, int] = {}
        self._counts: dict[str, int] = {}
        self._proven: set[str] = set()
        """Topics that have taken a batch as large as ours become."""
        self._round_robin = 0

    async def start(self) -> None:
        """Connects; raises KafkaUnavailable when no broker answers."""
        producer = AIOKafkaProducer(
            **self._kafka.client_arguments(),
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=BATCH_BYTES,
            max_request_size=INTERNAL_MAX_BYTES,
            request_timeout_ms=30_000,
            retry_backoff_ms=100,
        )
        try:
            await producer.start()
        except KafkaError as error:
            await producer.stop()
            raise KafkaUnavailable(f"{error!r}: {await rejection(self._kafka)}") from error
        except asyncio.CancelledError:
            producer._closed = True  # given up while connecting: there is nothing to flush
            await producer.client.close()
            raise
        self._live = producer

    async def stop(self) -> None:
        """Flushes what is under way and disconnects."""
        if self._live is not None:
            await self._live.stop()

    async def discard(self) -> None:
        """Ends the producer with whatever it still holds; the next `publish` opens a new one.

        An idempotent aiokafka producer retries a batch for ever, so this is the only way to be sure that
        nothing it holds is written after its caller gave up.
        """
        producer, self._live = self._live, None
        if producer is not None:
            producer._closed = True  # no public way to stop without flushing
            sending = producer._sender.sender_task
            if sending is not None:
                sending.cancel()
            await producer.client.close()  # ends requests in flight, which the sender would wait 30 s for
            if sending is not None:
                await asyncio.wait({sending}, timeout=0.5)

    async def publish(self, outputs: Iterable[Output]) -> None:
        """Writes all outputs and waits until every one is acknowledged by all replicas.

        Order is kept per key. While Kafka is unavailable this waits. Raises KafkaUnavailable on a refusal, and without
        `instead` MessageSizeTooLargeError when a record is larger than its topic takes; what was written stays written.
        """
        refused, behind = await self._write(outputs)
        if not refused:
            return
        await self.discard()  # a batch that was refused leaves a hole in the numbers of an idempotent producer
        for group in refused:
            if len(group) == 1:
                await self._replace(group[0])
                continue
            for each in group:
                await self.publish([each])
        if behind:
            await self.publish(behind)

    async def _replace(self, output: Output) -> None:
        """Writes what stands instead of an output that is too large."""
        if self._instead is None:
            raise MessageSizeTooLargeError(output.topic)
        refused, _ = await self._write(self._instead(output))
        if refused:
            await self.discard()
            log.error("dead_letter_too_large", topic=output.topic, next="it is dropped; look at the topics' limits")

    async def _write(self, outputs: Iterable[Output]) -> tuple[list[list[Output]], list[Output]]:
        """As `publish`; returns by batch what was refused for its size, and what was not written for standing behind it."""
        if self._live is None:
            await self.start()
        producer = self._producer
        try:
            pending = []
            batches = await self._batches(outputs)
            for topic, partition, batch, _ in batches:
                pending.append(await producer.send_batch(batch, topic, partition=partition))
                if is_armed(Failpoint.BETWEEN_OUTPUTS):
                    await pending[-1]
                    failpoint(Failpoint.BETWEEN_OUTPUTS)
                if (
                    topic not in self._proven
                    and batch.size() >= BATCH_BYTES // 2
                    and await self._refuses(topic, pending[-1])
                ):
                    break  # nothing of its key may overtake it: without a hole in the numbers before, the broker lets it
            results = await asyncio.gather(*pending, return_exceptions=True)
        except KafkaError as error:
            await self.discard()
            raise KafkaUnavailable(repr(error)) from error
        refused: list[list[Output]] = []
        behind = [output for batch in batches[len(results) :] for output in batch.outputs]
        failure: BaseException | None = None
        for batch, result in zip(batches, results, strict=False):
            if isinstance(result, TOO_LARGE):
                refused.append(batch.outputs)
            elif isinstance(result, OutOfOrderSequenceNumber) and refused:
                behind += batch.outputs
            elif isinstance(result, BaseException):
                failure = failure or result
        if failure is not None:
            await self.discard()
            raise KafkaUnavailable(repr(failure)) from failure
        return refused, behind

    async def _refuses(self, topic: str, pending: Future[object]) -> bool:
        """Whether the topic does not take the first large batch that is written to it; no later one is waited for."""
        await asyncio.wait([pending])
        if pending.exception() is None:
            self._proven.add(topic)
        return isinstance(pending.exception(), TOO_LARGE)

    @property
    def _producer(self) -> AIOKafkaProducer:
        if self._live is None:
            raise KafkaUnavailable("the producer was discarded")
        return self._live

    async def _batches(self, outputs: Iterable[Output]) -> list[_Batch]:
        open_: dict[tuple[str, int], _Batch] = {}
        full: list[_Batch] = []
        for output in outputs:
            topic, key, value, headers, partition = output
            count = self._counts.get(topic) or await self._count(topic)
            place = (topic, self._partition(key, count) if partition is None else partition)
            batch = open_.get(place)
            if batch is None:
                batch = open_[place] = _Batch(*place, self._producer.create_batch(), [])
            if batch.builder.append(key=key, value=value, timestamp=None, headers=headers) is None:
                full.append(batch)
                batch = open_[place] = _Batch(*place, self._producer.create_batch(), [])
                batch.builder.append(key=key, value=value, timestamp=None, headers=headers)
            batch.outputs.append(output)
        return [*full, *open_.values()]

    async def _count(self, topic: str) -> int:
        try:
            count = len(await self._producer.partitions_for(topic))
        except KafkaError as error:
            raise KafkaUnavailable(f"no metadata of {topic}: {error!r}") from error
        if not count:
            raise KafkaUnavailable(f"the topic {topic} does not exist; create it: carillon topics create")
        self._counts[topic] = count
        return count

    def _partition(self, key: bytes | None, count: int) -> int:
        if key is None:
            self._round_robin += 1
            return self._round_robin % count
        known = self._hashes.get(key)
        if known is None:
            if len(self._hashes) >= self._known_keys:
                self._hashes.clear()
            known = self._hashes[key] = murmur2(key) & 0x7FFFFFFF
        return known % count
