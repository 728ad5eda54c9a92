"""Faust's and aiokafka's privates that we touch: a change under us fails here, before it loses a record."""

from __future__ import annotations

import asyncio
import inspect
from collections import defaultdict
from collections.abc import Callable
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import Fetcher, PartitionRecords
from aiokafka.producer.sender import Sender
from faust import Stream
from faust.transport.consumer import Consumer as FaustConsumer
from faust.transport.consumer import ThreadDelegateConsumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from intervaltree import IntervalTree  # type: ignore[import-untyped]  # published without types
from mode import Service

from services.router.faust.transport import FETCH_MAX_WAIT_MS, Consumer, Transport, _ConsumerThread
from tests.support.wait import turns_until

BATCHES = "shared/kafka/batches.py"
TRANSPORT, STREAMS, KAFKA = (
    "services/router/faust/transport.py",
    "services/router/faust/streams.py",
    "shared/kafka/producer.py",
)
TOUCHED: dict[str, tuple[Callable[..., Any], str, str, str]] = {
    "drain": (FaustConsumer._drain_messages, "44a2500309e83c63", TRANSPORT, "wait_first is called with (put, suspended) for each message"),
    "new_offset": (FaustConsumer._new_offset, "1d2c7ea89a7ad4f1", TRANSPORT, "what is acked is taken from _acked up to the first gap"),
    "add_gap": (FaustConsumer._add_gap, "4df2573ded7c1c2c", TRANSPORT, "gaps are for _new_offset only"),
    "getmany": (ThreadDelegateConsumer._getmany, "f9d47aa9010b5ff2", TRANSPORT, "records by partition, before _read_offset moves"),
    "to_message": (driver.Consumer._to_message, "7c24f6511b2fcef7", TRANSPORT, "checksum and timestamp type pass, sizes are unused"),
    "unpack": (PartitionRecords._unpack_records, "b803e6d46480732c", BATCHES, "what it asks of a batch, Batch answers"),
    "fetched": (Fetcher._proc_fetch_request, "59bf948fff47eed5", BATCHES, "MemoryRecords is looked up in its module; 0 bytes are fetched again"),
    "ack": (FaustConsumer.ack, "5fcf41cf45153475", TRANSPORT, "_acked, _acked_index and _unacked_messages are kept as _new_offset needs"),
    "wait_first": (Service.wait_first, "feade6a31f8a6789", TRANSPORT, "winners, errors and cancellation are as our eager path has them"),
    "create": (driver.AIOKafkaConsumerThread._create_worker_consumer, "c2701bfc3e6f6cad", TRANSPORT, "fetch_max_wait_ms is set after it"),
    "fetch_records": (driver.AIOKafkaConsumerThread._fetch_records, "39a2c6c79fc1455a", TRANSPORT, "gives records of a running fetcher, or nothing"),
    "metadata": (AIOKafkaClient._metadata_update, "06dc51ed3e0d38b8", KAFKA, "MetadataRequest is looked up in its module: it never creates a topic"),
    "thread": (driver.Consumer._new_consumer_thread, "0870ec53dea75083", TRANSPORT, "our thread takes the place of this one"),
    "py_aiter": (Stream._py_aiter, "3a48ee257a65435b", STREAMS, "chunks() has the same duties: track, drop, sensors"),
    "stream_ack": (Stream.ack, "32d7171a89b0931d", STREAMS, "acknowledging by hand, in order"),
    "stop_iteration": (Stream._channel_stop_iteration, "ff1df01f515725a7", STREAMS, "what the end of chunks() calls"),
    "sender_close": (Sender.close, "f60b3d023d2526f4", KAFKA, "discard() cancels sender_task without flushing"),
    "producer_stop": (AIOKafkaProducer.stop, "43ef97147111893b", KAFKA, "discard() sets _closed and closes the client itself"),
}  # fmt: skip


def digest(function: Callable[..., Any]) -> str:
    return sha256(inspect.getsource(function).encode()).hexdigest()[:16]


@pytest.mark.parametrize("name", TOUCHED)
def test_source_is_the_one_we_read(name: str) -> None:
    function, known, ours, why = TOUCHED[name]
    assert digest(function) == known, (
        f"{function.__module__}.{function.__qualname__} has changed. Read it beside {ours} and check: {why}. "
        f"Then run the chaos tests and write {digest(function)} here."
    )


def made() -> Any:
    """A consumer without an app: only what the methods under test touch."""
    consumer: Any = Consumer.__new__(Consumer)
    consumer._stopped, consumer._crashed = asyncio.Event(), asyncio.Event()
    consumer._loop = asyncio.get_running_loop()
    return consumer


async def test_what_ends_at_once_costs_no_tasks() -> None:
    async def put() -> str:
        return "put"

    first, other = put(), asyncio.Event().wait()
    before = asyncio.all_tasks()
    found = await made().wait_first(first, other)
    assert (found.done, found.results, found.stopped) == ([first], ["put"], False)
    assert asyncio.all_tasks() == before
    assert inspect.getcoroutinestate(other) == inspect.CORO_CLOSED


async def test_what_really_waits_is_waited_for() -> None:
    gate, steps = asyncio.Event(), []

    async def put() -> str:
        steps.append("begun")
        await gate.wait()
        await asyncio.sleep(0)
        steps.append("ended")
        return "put"

    task = asyncio.create_task(made().wait_first(put(), asyncio.Event().wait()))
    await turns_until(lambda: bool(steps), what="the step")
    assert not task.done()
    gate.set()
    found = await task
    assert found.results == ["put"]
    assert steps == ["begun", "ended"], "and it ran once"


async def test_another_may_be_first() -> None:
    suspended, cancelled = asyncio.Event(), []

    async def put() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    task = asyncio.create_task(made().wait_first(put(), suspended.wait()))
    await asyncio.sleep(0)
    suspended.set()
    found = await task
    assert found.results == [True]
    await turns_until(lambda: bool(cancelled), what="the cancel")


@pytest.mark.parametrize("waits", [False, True])
async def test_errors_pass(waits: bool) -> None:
    async def put() -> None:
        if waits:
            await asyncio.sleep(0)
        raise LookupError("no such channel")

    other = asyncio.Event().wait()
    with pytest.raises(LookupError, match="no such channel"):
        await made().wait_first(put(), other)
    await turns_until(lambda: inspect.getcoroutinestate(other) == inspect.CORO_CLOSED, what="the other's end")


async def test_cancelled_while_it_waits() -> None:
    ended = asyncio.Event()

    async def put() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = asyncio.create_task(made().wait_first(put(), asyncio.Event().wait()))
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5):
        await ended.wait()


async def test_an_event_in_first_place_is_left_to_faust() -> None:
    event = asyncio.Event()
    event.set()
    assert (await made().wait_first(event, asyncio.Event())).done == [event]


PLACE = TP("t", 0)


def offsets(*, acked: list[int], working_on: list[int], committed: int | None = None) -> Any:
    consumer: Any = Consumer.__new__(Consumer)
    consumer._acked = defaultdict(list, {PLACE: list(acked)})
    consumer._acked_index = defaultdict(set, {PLACE: set(acked)})
    consumer._gap = defaultdict(IntervalTree)
    consumer._committed_offset = defaultdict(lambda: committed)
    consumer._unacked_messages = [SimpleNamespace(tp=PLACE, offset=offset, acked=False) for offset in working_on]
    consumer._unacked_messages.append(SimpleNamespace(tp=TP("t", 1), offset=0, acked=False))
    consumer._unacked_messages.append(SimpleNamespace(tp=PLACE, offset=0, acked=True))
    return consumer


@pytest.mark.parametrize(
    ("acked", "working_on", "committed", "commits", "waiting"),
    [
        ([101, 102], [100], None, None, [101, 102]),
        ([101, 102], [100], 100, None, [101, 102]),
        ([101, 102], [], 100, 103, []),
        ([100, 101, 103], [102], 100, 102, [103]),
        ([103, 100, 101], [102, 104], None, 102, [103]),
        ([100, 101], [102], 100, 102, []),
        ([], [100], 100, None, []),
        ([3], [], 1, 4, []),  # Faust waits for ever: 1 and 2 were an aborted record and its mark, 0 the first
        ([105, 109], [], 100, 110, []),
        ([], [], None, None, []),
    ],
)
async def test_no_offset_past_what_is_worked_on(
    acked: list[int], working_on: list[int], committed: int | None, commits: int | None, waiting: list[int]
) -> None:
    consumer = offsets(acked=acked, working_on=working_on, committed=committed)
    assert consumer._new_offset(PLACE) == commits
    assert sorted(consumer._acked[PLACE]) == waiting


async def test_faust_alone_would_step_over_it() -> None:
    consumer = offsets(acked=[101, 102], working_on=[100])
    assert FaustConsumer._new_offset(consumer, PLACE) == 103, "fixed in Faust? Then _new_offset may go"


def test_our_parts_are_the_ones_in_use() -> None:
    assert Transport.Consumer is Consumer
    assert "_ConsumerThread(" in inspect.getsource(Consumer._new_consumer_thread)
    assert issubclass(_ConsumerThread, driver.AIOKafkaConsumerThread)
    assert FETCH_MAX_WAIT_MS < 1500
