"""`committed_batches`: what is durable is committed, soon but not one by one; what is not, is not."""

from __future__ import annotations

import asyncio

import pytest

from shared.kafka import consumer as module
from shared.kafka.consumer import committed_batches
from shared.kafka.linger import Linger
from tests.support import samples as a
from tests.support.twins.consumer import MemoryConsumer

TOPIC = a.record().topic
SOON = 5


class Counted(MemoryConsumer):
    """Counts its commits; `stop` is set when it has nothing more to give out, if `ends`."""

    def __init__(self, count: int, stop: asyncio.Event, *, ends: bool) -> None:
        super().__init__(TOPIC, *[a.record(partition=0, offset=offset) for offset in range(count)])
        self.commits = 0
        self.has_committed = asyncio.Event()
        self._stop = stop
        self._ends = ends

    async def getmany(self, *, timeout_ms: int, max_records: int) -> dict[object, object]:  # type: ignore[override]
        if self._ends and len(self.waiting) <= max_records:
            self._stop.set()
        return await super().getmany(timeout_ms=timeout_ms, max_records=max_records)  # type: ignore[return-value]

    async def commit(self, offsets: dict[object, int]) -> None:  # type: ignore[override]
        self.commits += 1
        self.has_committed.set()
        await super().commit(offsets)  # type: ignore[arg-type]


async def test_many_batches_are_one_commit_and_the_end_has_its_own() -> None:
    stop = asyncio.Event()
    consumer = Counted(10, stop, ends=True)
    async with asyncio.timeout(SOON):
        async for _ in committed_batches(consumer, stop, max_records=1, linger=Linger(0)):
            pass
    assert (consumer.commits, consumer.committed) == (1, {(TOPIC, 0): 10})


async def test_what_is_done_is_committed_when_nothing_more_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMMIT_SECONDS", 1_000)
    stop = asyncio.Event()
    consumer = Counted(3, stop, ends=False)

    async def read() -> None:
        async for _ in committed_batches(consumer, stop, max_records=1, linger=Linger(0)):
            pass

    reading = asyncio.create_task(read())
    async with asyncio.timeout(SOON):
        await consumer.has_committed.wait()
    assert consumer.committed == {(TOPIC, 0): 3}
    stop.set()
    await reading


async def test_under_load_it_is_committed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMMIT_SECONDS", 0)
    stop = asyncio.Event()
    consumer = Counted(4, stop, ends=True)
    batches = committed_batches(consumer, stop, max_records=1, linger=Linger(0))
    seen = [dict(consumer.committed) async for _ in batches]
    assert seen == [{}, {(TOPIC, 0): 1}, {(TOPIC, 0): 2}, {(TOPIC, 0): 3}]


async def test_a_batch_that_failed_is_not_committed() -> None:
    stop = asyncio.Event()
    consumer = Counted(2, stop, ends=False)

    async def carry() -> None:
        async for records in committed_batches(consumer, stop, max_records=1, linger=Linger(0)):
            if records[0].offset:
                raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await carry()
    assert consumer.committed.get((TOPIC, 0), 0) <= 1


async def test_what_is_to_be_durable_by_then_is_asked_for_before_each_commit() -> None:
    stop = asyncio.Event()
    consumer = Counted(3, stop, ends=True)
    seen: list[tuple[int, dict[tuple[str, int], int]]] = []
    read = 0

    async def keep() -> None:
        seen.append((read, dict(consumer.committed)))

    async with asyncio.timeout(SOON):
        async for records in committed_batches(
            consumer, stop, max_records=1, linger=Linger(0), commit_seconds=0, before_commit=keep
        ):
            read += len(records)
    assert seen[:3] == [(1, {}), (2, {(TOPIC, 0): 1}), (3, {(TOPIC, 0): 2})]
    assert consumer.committed == {(TOPIC, 0): 3}
