"""What only a newer version can decide: its partition waits, what stands before it and the others go on."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from services.router.agents import carry
from services.router.faust.streams import Chunk
from services.router.progress import AgentProgress
from services.router.waiting import WaitingPartitions
from shared.model import formats
from shared.model.formats import NewerFormat
from shared.model.outputs import Coordinates, KafkaRecord, Partition
from shared.process.newer import NewerRecords
from tests.support import samples as a
from tests.support.wait import turns, turns_until

TOPIC = "t"


class Queue:
    """Faust's part: a stream of chunks of up to 4 records, and what decides about partitions."""

    def __init__(self, *places: tuple[int, int]) -> None:
        self.generation = 1
        self.waiting = deque(self.event(*place) for place in places)
        self.acked: list[tuple[int, int]] = []
        self.held_back: set[Partition] = set()
        self.unacked: set[tuple[int, int]] = set()
        self.more = asyncio.Event()

    def event(self, partition: int, offset: int) -> Any:
        record = a.record(topic=TOPIC, partition=partition, offset=offset)
        return SimpleNamespace(record=record, message=SimpleNamespace(generation_id=self.generation))

    def reassign(self, *places: tuple[int, int]) -> None:
        """All that is queued goes, and these are read under the next assignment."""
        self.generation += 1
        self.waiting.clear()
        self.put(*(self.event(*place) for place in places))

    async def chunks(self, most: int, most_bytes: int, weigh: object) -> AsyncIterator[Chunk]:
        while True:
            while not self.waiting:
                self.more.clear()
                await self.more.wait()
            events = [self.waiting.popleft() for _ in range(min(4, len(self.waiting)))]
            events = [event for event in events if event.message.generation_id == self.generation]
            yield Chunk([event.record for event in events], events)

    async def ack(self, event: Any) -> None:
        self.acked.append((event.record.partition, event.record.offset))

    def hold_back(self, partition: Partition, chunk: Chunk) -> None:
        self.held_back.add(partition)
        self.unacked |= {(record.partition, record.offset) for record in chunk.records}

    def take_up(self, chunk: Chunk) -> None:
        self.unacked -= {(record.partition, record.offset) for record in chunk.records}

    def go_on(self, partition: Partition) -> None:
        self.held_back.discard(partition)

    def offer(self, event: Any) -> None:
        self.put(event)

    def put(self, *events: Any) -> None:
        self.waiting.extend(events)
        self.more.set()


class Work:
    """Decides all but what is `newer`."""

    def __init__(self, *newer: tuple[int, int]) -> None:
        self.newer = set(newer)
        self.done: list[tuple[int, int]] = []

    async def prepare(self, chunk: Sequence[KafkaRecord]) -> list[tuple[int, int]]:
        for record in chunk:
            if (record.partition, record.offset) in self.newer:
                raise NewerFormat("record", a.NEWER, record.coordinates)
        return [(record.partition, record.offset) for record in chunk]

    async def finish(self, prepared: list[tuple[int, int]]) -> None:
        self.done += prepared


class Scene:
    def __init__(self, work: Work, *places: tuple[int, int]) -> None:
        self.queue, self.work, self.newer = Queue(*places), work, NewerRecords()
        self.waiting = WaitingPartitions(self.queue, self.newer)
        self.progress = AgentProgress("test", [TOPIC])
        self.progress.follow(lambda: len(self.queue.waiting) + self.waiting.count)
        stream: Any = self.queue
        self.task = asyncio.create_task(
            carry(stream, work, self.waiting, self.progress, most=4, most_bytes=1, crash=pytest.fail)
        )

    async def until_acked(self, count: int) -> None:
        await turns_until(lambda: len(self.queue.acked) >= count, what=f"{count} acknowledged")
        await turns()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look again comes with the next turn of the loop."""
    monkeypatch.setattr("shared.process.newer.FIRST_SECONDS", 0)


async def test_a_partition_waits_from_there_on_and_the_others_go_on() -> None:
    scene = Scene(Work((0, 1)), (0, 0), (0, 1), (1, 0), (0, 2), (1, 1), (0, 3), (2, 0))
    await scene.until_acked(4)
    assert sorted(scene.queue.acked) == [(0, 0), (1, 0), (1, 1), (2, 0)]
    assert scene.work.done == scene.queue.acked
    assert scene.queue.held_back == {(TOPIC, 0)}, "nothing more of it is fetched"
    assert {(0, 1), (0, 2)} <= scene.queue.unacked, "a rebalance does not wait for them"
    await turns_until(lambda: scene.progress.lag == 3, what="what waits is what it is behind")
    found = await scene.newer.check()
    assert found == f"waits for a newer version ({formats.FORMAT} is read here): record at t/0/1 has format {a.NEWER}"
    scene.task.cancel()


async def test_what_has_become_readable_goes_on_in_its_order() -> None:
    scene = Scene(Work((0, 1)), (0, 0), (0, 1), (0, 2), (1, 0), (0, 3), (0, 4), (1, 1))
    await scene.until_acked(3)
    scene.work.newer.clear()
    await scene.until_acked(7)
    assert [offset for partition, offset in scene.queue.acked if partition == 0] == [0, 1, 2, 3, 4]
    assert (scene.queue.held_back, scene.queue.unacked) == (set(), set())
    assert await scene.newer.check() is True
    scene.task.cancel()


async def test_one_behind_the_first_may_be_newer_too() -> None:
    scene = Scene(Work((0, 0), (0, 2)), (0, 0), (0, 1), (0, 2), (0, 3))
    await turns()
    scene.work.newer.discard((0, 0))
    await scene.until_acked(2)
    assert scene.queue.acked == [(0, 0), (0, 1)]
    assert "t/0/2 " in str(await scene.newer.check())
    assert "t/0/0 " not in str(await scene.newer.check())
    scene.work.newer.clear()
    await scene.until_acked(4)
    assert scene.queue.acked == [(0, 0), (0, 1), (0, 2), (0, 3)]
    scene.task.cancel()


async def test_after_a_rebalance_it_is_read_anew() -> None:
    scene = Scene(Work((0, 0)), (0, 0), (0, 1))
    await turns()
    scene.work.newer.clear()
    scene.waiting.clear()
    assert await scene.newer.check() is True
    scene.queue.reassign((0, 0), (0, 1))
    await scene.until_acked(2)
    assert scene.queue.acked == [(0, 0), (0, 1)], "each once"
    scene.task.cancel()


async def test_a_partition_that_came_back_unseen_is_read_anew() -> None:
    scene = Scene(Work((0, 0)), (0, 0), (0, 1))
    await turns()
    scene.work.newer.clear()
    scene.queue.reassign((0, 0), (0, 1))
    await scene.until_acked(2)
    assert scene.queue.acked == [(0, 0), (0, 1)]
    assert await scene.newer.check() is True
    scene.task.cancel()


async def test_what_does_not_say_where_it_stands_is_a_bug_and_ends_the_agent() -> None:
    waiting = WaitingPartitions(Queue(), NewerRecords())
    with pytest.raises(NewerFormat):
        waiting.stand(Chunk([], []), NewerFormat("record", a.NEWER))


def test_pauses_grow_up_to_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.process.newer.FIRST_SECONDS", 0.5)
    newer, at = NewerRecords(), Coordinates("t", 0, 0)
    pauses = [newer.note(at, NewerFormat("record", a.NEWER, at)) for _ in range(40)]
    assert pauses[:3] == [0.5, 1, 2]
    assert max(pauses) == pauses[-1] == 30
