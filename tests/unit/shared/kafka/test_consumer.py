"""What a consumer's loop sees of its client: whether it goes forward, and that nothing in it ended unseen."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition

from shared.kafka.asking import AskOnly
from shared.kafka.consumer import fetch
from shared.kafka.progress import ConsumerProgress
from tests.support.twins.consumer import MemoryConsumer

PLACE = TopicPartition("t", 0)


async def test_a_client_that_ended_its_fetching_ends_the_loop() -> None:
    consumer = MemoryConsumer("t")

    async def ends() -> None:
        raise KeyError("a bug in it")

    task = asyncio.create_task(ends())
    consumer._fetcher = SimpleNamespace(_fetch_task=task)
    await asyncio.wait({task})
    with pytest.raises(RuntimeError, match="ended its fetching"):
        await fetch(consumer, max_records=1)


async def test_a_consumer_that_is_behind_and_finishes_nothing_stalls() -> None:
    consumer = MemoryConsumer("t")
    progress = ConsumerProgress(consumer, stall_seconds=3600)
    assert await progress.answer() is True
    consumer.ends[PLACE] = 10
    assert await progress.answer() is True, "behind, but not for long"
    progress._moved_at -= 3600
    assert "10 records behind" in str(await progress.answer())
    consumer.committed["t", 0] = 4
    assert await progress.answer() is True, "it went forward"
    progress._moved_at -= 3600
    assert "6 records behind" in str(await progress.answer())
    consumer.committed["t", 0] = 10
    assert await progress.answer() is True


async def test_a_consumer_without_partitions_is_ready_to_take_over_but_one_outside_of_its_group_is_not() -> None:
    consumer = MemoryConsumer("t")
    consumer.partitions = set()
    assert await ConsumerProgress(consumer).answer() is True
    consumer._subscription.subscription.assignment = None
    assert "not in its group" in str(await ConsumerProgress(consumer).answer())


def test_asking_makes_nothing() -> None:
    assert AskOnly(["t"])._allow_auto_topic_creation is False


async def test_how_far_it_is_behind_is_shown() -> None:
    consumer, shown = MemoryConsumer("t"), asyncio.Queue[int]()
    consumer.ends[PLACE] = 10
    consumer.committed["t", 0] = 4
    watching = asyncio.create_task(ConsumerProgress(consumer).watch(shown.put_nowait))
    try:
        assert await shown.get() == 6
    finally:
        watching.cancel()


async def test_a_partition_that_goes_while_a_broker_is_asked_is_not_counted_and_ends_nothing() -> None:
    consumer, shown = MemoryConsumer("t"), asyncio.Queue[int]()
    consumer.ends[PLACE] = 10
    progress = ConsumerProgress(consumer)
    read = progress._read_committed

    async def meanwhile(assigned: frozenset[TopicPartition]) -> dict[TopicPartition, int]:
        found = await read(assigned)
        consumer.partitions = set()
        consumer.highwater = {}.__getitem__  # as aiokafka, which fails for what is not assigned
        return found

    progress._read_committed = meanwhile
    watching = asyncio.create_task(progress.watch(shown.put_nowait))
    try:
        assert await asyncio.wait_for(shown.get(), 5) == 0
    finally:
        watching.cancel()
