"""Everything of Faust that is private to Faust and that we touch, in one file.

`tests/unit/router/test_faust_internals.py` fails when Faust changes under it. What is changed, and why, is in
docs/decisions/0002-faust.md and 0008-unreadable-batches.md:
- a message that is taken at once costs no asyncio tasks (Faust makes four for each),
- an offset is never committed past a message that is still being worked on, and gaps hold no commit up,
- a partition whose offsets begin anew (its topic was made again) is read from there,
- it reads what was committed only, and nothing on the log stops it,
- it stays in its group however long its work waits for MongoDB,
- the broker answers a fetch within 250 ms instead of 1.5 s,
- while records come fast, a drain waits a little (`shared/kafka/linger.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from functools import partial
from inspect import iscoroutine
from typing import Any, Final, cast

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from faust.transport.consumer import RecordMap
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, AppT, ChannelT, ConsumerMessage, EventT
from mode.services import WaitArgT, WaitResults
from yarl import URL

from services.router.faust.streams import Chunk, ChunkStream
from shared.kafka.batches import read_leniently
from shared.kafka.consumer import FETCH_BYTES, check_tasks
from shared.kafka.linger import Linger
from shared.model.errors import KafkaUnavailable
from shared.model.outputs import Partition

FETCH_MAX_WAIT_MS = 250
ASK_SECONDS: Final = 2.0
"""How long the brokers may take to say where partitions end: commits go the same way."""
RECORD_BYTES: Final = 1_000
"""What a record's objects cost beside its bytes: Faust's message and event, ours."""
HEADER_BYTES: Final = 150

log = structlog.get_logger()


class _Resumed:
    """Awaits a coroutine that was already run up to its first pause."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], paused_on: Any) -> None:
        self._coroutine = coroutine
        self._paused_on = paused_on

    def __await__(self) -> Generator[Any, Any, Any]:
        paused_on = self._paused_on
        while True:
            try:
                value = yield paused_on
            except BaseException as error:  # noqa: BLE001  # thrown into the coroutine, as `await` does
                step = partial(self._coroutine.throw, error)
            else:
                step = partial(self._coroutine.send, value)
            try:
                paused_on = step()
            except StopIteration as end:
                return end.value


async def _finish(coroutine: Coroutine[Any, Any, Any], paused_on: Any) -> Any:
    return await _Resumed(coroutine, paused_on)


class Consumer(driver.Consumer):
    """Faust's consumer: cheap when nothing waits, and never ahead of its work."""

    async def wait_first(self, *coros: WaitArgT, timeout: Any = None) -> WaitResults:
        """As Faust's; a first coroutine that ends without waiting takes no tasks."""
        first, *others = coros
        if not iscoroutine(first):
            return await super().wait_first(*coros, timeout=timeout)
        ended = True
        try:
            paused_on = first.send(None)
            ended = False
        except StopIteration as end:
            return WaitResults([first], [end.value], False)
        finally:
            for other in others if ended else ():
                if iscoroutine(other):
                    other.close()
        return await super().wait_first(_finish(first, paused_on), *others, timeout=timeout)

    def _new_offset(self, tp: TP) -> int | None:
        """What may be committed: behind the last ack before which no message is being worked on.

        Messages of a partition are taken in their order, so what is before it and not in work is done, or never
        was a message (aborted, a transaction's mark, compacted). Faust may step over one in work (#606), and waits
        for ever at a gap behind offset 0.
        """
        working_on = min(
            (message.offset for message in self._unacked_messages if message.tp == tp and not message.acked),
            default=None,
        )
        acked = self._acked[tp]
        done = [offset for offset in acked if working_on is None or offset < working_on]
        if not done:
            return None
        self._acked[tp] = [] if working_on is None else [offset for offset in acked if offset > working_on]
        self._acked_index[tp].difference_update(done)
        return max(done) + 1

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing: `_new_offset` needs no gaps, and Faust would keep one for each transaction."""

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> RecordMap:
        """As Faust's, behind a linger. Where offsets went back, it forgets how far it was: Faust would drop all up to there."""
        linger = cast("Transport", self.transport).linger
        await linger.wait()
        records = await super()._getmany(active_partitions, timeout)
        linger.drained(sum(map(len, records.values())))
        for tp, found in records.items():
            read_up_to = self._read_offset[tp]
            if read_up_to is not None and found and found[0].offset < read_up_to:
                self._begin_anew(tp, read_up_to, found[0].offset)
        return records

    def _begin_anew(self, tp: TP, before: int, offset: int) -> None:
        """Messages of the former log are carried on, but acknowledge no offset of the new one."""
        log.warning(
            "offsets_went_back",
            topic=tp.topic,
            partition=tp.partition,
            before=before,
            offset=offset,
            next="the topic was made again, or its end was lost; it is read from there",
        )
        conductor: Any = self.app.topics
        queued = (event.message for channel in conductor._tp_index[tp] for event in channel.queue._queue)
        former = [message for message in (*queued, *self._unacked_messages) if message.tp == tp]
        for message in former:
            message.tracked = message.acked = True
            self._unacked_messages.discard(message)
        for known in (self._acked, self._acked_index, self._read_offset, self._committed_offset):
            known.pop(tp, None)

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        """As Faust's; the size of its value is what all of it costs in memory."""
        message = super()._to_message(tp, record)
        message.serialized_value_size = held_bytes(record)
        return message

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def unread(self) -> dict[Partition, int]:
        """By partition assigned here, how many offsets Faust has not taken yet. Raises KafkaUnavailable.

        Asked on the client's own thread; what no committed transaction has written counts for nothing.
        """
        thread = cast("_ConsumerThread", self._thread)
        found: dict[Partition, int] = await thread.call_thread(thread.count_unread)
        return found


class _ConsumerThread(driver.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        read_leniently()
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        consumer._fetch_max_bytes = FETCH_BYTES
        consumer._isolation_level = "read_committed"
        return consumer

    async def _fetch_records(
        self,
        consumer: AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> RecordMap:
        """As Faust's; a client whose fetching has ended ends the process instead of giving nothing for ever."""
        check_tasks(consumer)
        return await super()._fetch_records(consumer, active_partitions, timeout, max_records)

    async def count_unread(self) -> dict[Partition, int]:
        """As Consumer.unread says; on this thread."""
        consumer = self._ensure_consumer()
        places = sorted(consumer.assignment())
        try:
            async with asyncio.timeout(ASK_SECONDS):
                ends = await consumer.end_offsets(places) if places else {}
                return {
                    (place.topic, place.partition): max(end - await consumer.position(place), 0)
                    for place, end in ends.items()
                }
        except (KafkaError, TimeoutError) as error:
            raise KafkaUnavailable(type(error).__name__) from error


def held_bytes(record: Any) -> int:
    """What a record costs in memory; its headers count, for they may be most of it."""
    size = RECORD_BYTES + len(record.key or b"") + len(record.value or b"")
    for name, raw in record.headers:
        size += HEADER_BYTES + len(name) + len(raw or b"")
    return size


class StreamFetching:
    """What `WaitingPartitions` decides, done to Faust's consumer and to the queue of one stream."""

    def __init__(self, stream: ChunkStream) -> None:
        self._stream = stream

    @property
    def _consumer(self) -> Consumer:
        return cast("Consumer", self._stream.app.consumer)  # the transport makes no other

    def hold_back(self, partition: Partition, chunk: Chunk) -> None:
        """Fetches no more of the partition; a rebalance does not wait for the chunk's events."""
        self._consumer.pause_partitions({TP(*partition)})
        for event in chunk.events:
            self._consumer._unacked_messages.discard(event.message)

    def take_up(self, chunk: Chunk) -> None:
        """The chunk's events are worked on again: a rebalance waits for them."""
        for event in chunk.events:
            self._consumer._unacked_messages.add(event.message)

    def go_on(self, partition: Partition) -> None:
        """Fetches it again; after a rebalance Faust does that by itself."""
        place = TP(*partition)
        if place in self._consumer.assignment() and not self._stream.app.rebalancing:
            self._consumer.resume_partitions({place})

    def offer(self, event: EventT[bytes]) -> None:
        """Queues an event once more, behind what waits there."""
        cast("ChannelT[bytes]", self._stream.channel).queue.force_put_nowait(event)


class Transport(driver.Transport):
    """Faust's aiokafka transport with our consumer, which lingers `linger_seconds` at most."""

    Consumer = Consumer

    def __init__(self, url: list[URL], app: AppT, *, linger_seconds: float = 0.0) -> None:
        super().__init__(url, app)
        self.linger = Linger(linger_seconds)
