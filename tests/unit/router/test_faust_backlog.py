"""What Faust holds, and how far it is: bounded in bytes; a topic made again is read from its beginning."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest
from faust.transport.consumer import ThreadDelegateConsumer
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.transport.drivers.aiokafka import Consumer as AIOKafkaConsumer
from faust.types import TP
from mode.utils.queues import FlowControlEvent

from services.router.app import create_app
from services.router.faust import queues, transport
from services.router.faust.queues import ByteBoundedQueue
from services.router.faust.streams import ChunkStream, _record
from services.router.faust.transport import HEADER_BYTES, RECORD_BYTES, Consumer, _ConsumerThread, held_bytes
from services.router.settings import RouterSettings
from shared.kafka.consumer import APPEND_TIME, FETCH_BYTES, METADATA_MS, NEVER_MS, fetch, open_consumer
from shared.kafka.linger import Linger
from tests.support.wait import turns

PLACE = TP("t", 0)


class Message(SimpleNamespace):
    __hash__ = object.__hash__  # type: ignore[assignment]  # in a set by identity, as Faust's


def message(offset: int, size: int = 0) -> Message:
    return Message(tp=PLACE, offset=offset, serialized_value_size=size, tracked=True, acked=False)


def event(offset: int, size: int = 0) -> Any:
    return SimpleNamespace(message=message(offset, size))


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> ByteBoundedQueue:
    monkeypatch.setattr(queues, "QUEUED_BYTES", 100)
    return ByteBoundedQueue(maxsize=10, flow_control=FlowControlEvent(initially_suspended=False))


async def test_a_queue_is_full_by_bytes_and_makes_room(queue: ByteBoundedQueue) -> None:
    queue.put_nowait(event(0, 60))
    assert not queue.full()
    queue.put_nowait(event(1, 60))
    assert queue.full()
    waiting = asyncio.create_task(queue.put(event(2, 1)))
    await turns()
    assert not waiting.done()
    queue.get_nowait()
    await waiting
    assert queue.held == 61
    for number in range(8):
        queue.put_nowait(event(number))
    assert queue.full(), "by count"


async def test_a_queue_that_is_cleared_holds_nothing(queue: ByteBoundedQueue) -> None:
    queue.put_nowait(event(0, 1_000))
    queue.clear()
    assert (queue.held, queue.full()) == (0, False)


def test_headers_count() -> None:
    record = SimpleNamespace(key=b"key", value=None, headers=(("name", None), ("n", b"12")))
    assert held_bytes(record) == RECORD_BYTES + 3 + 2 * HEADER_BYTES + 4 + 1 + 2


def consumer(*, read: int | None, committed: int, working_on: list[Any], queued: list[Any]) -> Any:
    made: Any = Consumer.__new__(Consumer)
    made._read_offset = defaultdict(lambda: None, {PLACE: read})
    made._committed_offset = defaultdict(lambda: None, {PLACE: committed})
    made._acked = defaultdict(list, {PLACE: [990]})
    made._acked_index = defaultdict(set, {PLACE: {990}})
    made._unacked_messages = set(working_on)
    channel = SimpleNamespace(queue=SimpleNamespace(_queue=queued))
    made.transport = SimpleNamespace(linger=Linger(0))
    made.app = SimpleNamespace(topics=SimpleNamespace(_tp_index=defaultdict(set, {PLACE: [channel]})))
    return made


async def getmany(made: Any, monkeypatch: pytest.MonkeyPatch, *offsets: int) -> None:
    async def fetched(*_: Any) -> Any:
        return {PLACE: [SimpleNamespace(offset=offset) for offset in offsets]}

    monkeypatch.setattr(ThreadDelegateConsumer, "_getmany", fetched)
    await made._getmany({PLACE}, 1.0)


async def test_offsets_that_went_back_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is still in work or queued of the former log acknowledges nothing of the new one."""
    working_on, queued = message(991), event(992)
    made = consumer(read=992, committed=990, working_on=[working_on], queued=[queued])
    await getmany(made, monkeypatch, 0, 1)
    assert (made._read_offset[PLACE], made._committed_offset[PLACE], made._acked[PLACE]) == (None, None, [])
    assert not made._unacked_messages
    assert (working_on.acked, queued.message.acked, queued.message.tracked) == (True, True, True)
    made._acked[PLACE] = [0, 1]
    assert made._new_offset(PLACE) == 2


async def test_offsets_that_go_on_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for read, first in ((992, 993), (993, 993), (None, 0)):
        made = consumer(read=read, committed=990, working_on=[message(991)], queued=[])
        await getmany(made, monkeypatch, first)
        assert made._read_offset[PLACE] == read
        assert made._committed_offset[PLACE] == 990


async def test_nobody_leaves_the_group_while_the_work_waits() -> None:
    """After broker_max_poll_interval aiokafka leaves, and rejoins only at a fetch that a full queue never makes."""
    app = create_app(RouterSettings())
    assert app.conf.broker_max_poll_interval * 1000 == NEVER_MS
    made = open_consumer("127.0.0.1:1", "t", group="g", client_id="c")
    assert made._max_poll_interval_ms == NEVER_MS
    assert made._isolation_level == "read_committed"
    await made.stop()


async def test_a_drain_lingers_before_it_and_counts_what_it_brought(monkeypatch: pytest.MonkeyPatch) -> None:
    made = consumer(read=None, committed=990, working_on=[], queued=[])
    steps: list[Any] = []

    class Noted:
        async def wait(self) -> None:
            steps.append("wait")

        def drained(self, count: int) -> None:
            steps.append(count)

    made.transport = SimpleNamespace(linger=Noted())
    await getmany(made, monkeypatch, 0, 1, 2)
    assert steps == ["wait", 3]
    app = create_app(RouterSettings(linger_ms=7))
    assert app.transport.linger._seconds == 0.007


async def test_topics_that_are_made_again_are_found_by_everybody() -> None:
    assert create_app(RouterSettings()).conf.consumer_metadata_max_age_ms == METADATA_MS
    made = open_consumer("127.0.0.1:1", "t", group="g", client_id="c")
    assert made._client._metadata_max_age_ms == METADATA_MS
    await made.stop()


async def test_the_client_under_faust_reads_bounded_and_only_what_was_committed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = SimpleNamespace()
    monkeypatch.setattr(AIOKafkaConsumerThread, "_create_worker_consumer", lambda *_: made)
    monkeypatch.setattr(transport, "read_leniently", lambda: setattr(made, "lenient", True))
    thread: Any = _ConsumerThread.__new__(_ConsumerThread)
    assert thread._create_worker_consumer(None) is made
    assert (made._isolation_level, made._fetch_max_bytes, made.lenient) == ("read_committed", FETCH_BYTES, True)


async def test_every_channel_of_the_app_is_bounded_in_bytes() -> None:
    assert isinstance(create_app(RouterSettings()).FlowControlQueue(maxsize=5), ByteBoundedQueue)


def test_a_message_says_what_all_of_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AIOKafkaConsumer, "_to_message", lambda *_: SimpleNamespace(serialized_value_size=1))
    record = SimpleNamespace(key=None, value=b"123", headers=())
    made: Any = Consumer.__new__(Consumer)
    assert made._to_message(PLACE, record).serialized_value_size == held_bytes(record) == RECORD_BYTES + 3


async def test_a_chunk_ends_by_bytes_too() -> None:
    queue: asyncio.Queue[Any] = asyncio.Queue()
    for offset in range(5):
        queue.put_nowait(read_event(offset, b"x" * 60))
    stream = chunk_stream(queue)
    found = [[each.offset for each in chunk.records] async for chunk in stream.chunks(100, 100)]
    assert found == [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize(("kind", "time"), [(APPEND_TIME, 7_000), (0, -1)])
def test_what_a_producers_clock_says_is_no_time(kind: int, time: int) -> None:
    message = read_event(0, b"").message
    message.timestamp_type = kind
    assert _record(message).timestamp == time


@pytest.mark.parametrize(("kind", "time"), [(APPEND_TIME, 7_000), (0, -1)])
async def test_nor_is_it_for_other_consumers(kind: int, time: int) -> None:
    async def getmany(**_: Any) -> Any:
        record = SimpleNamespace(topic="t", partition=0, offset=0, key=None, value=b"", headers=(), checksum=None)
        return {PLACE: [SimpleNamespace(**vars(record), timestamp=7_000, timestamp_type=kind)]}

    [found] = await fetch(SimpleNamespace(getmany=getmany, _fetcher=None), max_records=1)
    assert found.timestamp == time


def read_event(offset: int, value: bytes) -> Any:
    message = SimpleNamespace(
        topic="t", partition=0, tp=PLACE, offset=offset, key=None, value=value, headers=[], checksum=None,
        timestamp=7.0, timestamp_type=APPEND_TIME, generation_id=1, tracked=True,
    )  # fmt: skip
    return SimpleNamespace(message=message)


def chunk_stream(queue: asyncio.Queue[Any]) -> Any:
    """A ChunkStream over a queue, which ends when that is empty."""

    async def take() -> Any:
        if queue.empty():
            raise StopAsyncIteration
        return queue.get_nowait()

    made: Any = Chunks.__new__(Chunks)
    made.events_total = 0
    made.channel = SimpleNamespace(queue=queue, __anext__=take)
    made.app = SimpleNamespace(
        topics=SimpleNamespace(_acking_topics=set()),
        consumer=SimpleNamespace(_unacked_messages=set()),
        flow_control=SimpleNamespace(is_active=lambda: True),
        consumer_generation_id=1,
    )
    return made


class Chunks(ChunkStream):
    """Without what Faust's own start and sensors would do."""

    should_stop = False

    async def maybe_start(self) -> bool:
        return True

    def _on_stream_event_in(self, *_: object) -> None:
        """Nothing."""

    def _channel_stop_iteration(self, channel: object) -> None:
        """Nothing."""
