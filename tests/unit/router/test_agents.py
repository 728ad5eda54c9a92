"""The agents' loop: what may overlap, what must wait, in which order chunks are acknowledged, where errors go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from services.router.agents import carry
from services.router.faust.streams import Chunk
from services.router.progress import AgentProgress
from services.router.waiting import WaitingPartitions
from shared.model.errors import KafkaUnavailable, MongoUnavailable
from shared.model.outputs import KafkaRecord
from shared.process.newer import NewerRecords
from tests.support import samples as a
from tests.support.wait import turns

SOON = 5
NO_FETCHING: Any = None
"""Nothing waits for a newer version here: tests/unit/router/test_waiting.py has that."""
Journal = list[tuple[str, int]]


class Stream:
    """Chunks of one record each, the event of a record being its offset; what is acknowledged goes to the journal."""

    def __init__(self, journal: Journal, chunks: int) -> None:
        self._journal = journal
        self._chunks = chunks

    async def chunks(self, most: int, most_bytes: int, weigh: object) -> AsyncIterator[Chunk]:
        for offset in range(self._chunks):
            yield Chunk([a.record(offset=offset)], [offset])

    async def ack(self, event: int) -> None:
        self._journal.append(("ack", event))


class JournalWork:
    """Writes down what begins and ends; `gates` say how long a step takes, `failures` what its next calls raise."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.gates: dict[tuple[str, int], asyncio.Event] = {}
        self.failures: dict[tuple[str, int], list[Exception]] = {}
        self._changed = asyncio.Event()

    async def prepare(self, chunk: Sequence[KafkaRecord]) -> int:
        await self._step("prepare", chunk[0].offset)
        return chunk[0].offset

    async def finish(self, prepared: int) -> None:
        await self._step("finish", prepared)

    async def _step(self, name: str, offset: int) -> None:
        self._journal.append((f"{name} begins", offset))
        self._changed.set()
        if (gate := self.gates.get((name, offset))) is not None:
            await gate.wait()
        if failures := self.failures.get((name, offset)):
            raise failures.pop(0)
        self._journal.append((name, offset))

    async def reached(self, *entry: Any) -> None:
        """Until the journal has this entry."""
        async with asyncio.timeout(SOON):
            while entry not in self._journal:
                self._changed.clear()
                await self._changed.wait()


@pytest.fixture
def journal() -> Journal:
    return []


@pytest.fixture
def work(journal: Journal) -> JournalWork:
    return JournalWork(journal)


async def carried(
    journal: Journal, work: JournalWork, chunks: int, crash: Callable[[BaseException], None] = pytest.fail
) -> None:
    """Carries `chunks`, and waits for the finish of the last one, which the loop leaves behind."""
    others = asyncio.all_tasks()
    stream: Any = Stream(journal, chunks)
    try:
        async with asyncio.timeout(SOON):
            waiting = WaitingPartitions(NO_FETCHING, NewerRecords())
            progress = AgentProgress("test", ["t"])
            await carry(stream, work, waiting, progress, most=1, most_bytes=1, crash=crash)
    finally:
        left = asyncio.all_tasks() - others
        if left:
            await asyncio.wait(left, timeout=SOON)


def ends(journal: Journal) -> Journal:
    return [entry for entry in journal if not entry[0].endswith("begins")]


async def test_chunks_are_finished_and_acknowledged_in_order(journal: Journal, work: JournalWork) -> None:
    await carried(journal, work, 4)
    for step in ("prepare", "finish", "ack"):
        assert [offset for name, offset in journal if name == step] == [0, 1, 2, 3]
    for offset in range(4):
        assert journal.index(("finish", offset)) < journal.index(("ack", offset))


async def test_one_is_prepared_while_the_one_before_it_is_finished(journal: Journal, work: JournalWork) -> None:
    gate = work.gates["finish", 0] = asyncio.Event()
    running = asyncio.create_task(carried(journal, work, 3))
    await work.reached("finish begins", 0)
    await work.reached("prepare begins", 1)
    await turns()
    assert ends(journal) == [("prepare", 0), ("prepare", 1)], "no more than one ahead, and nothing acknowledged"
    gate.set()
    await running
    assert journal.index(("ack", 0)) < journal.index(("finish begins", 1))


async def test_nothing_is_acknowledged_before_it_is_finished(journal: Journal, work: JournalWork) -> None:
    gate = work.gates["finish", 0] = asyncio.Event()
    running = asyncio.create_task(carried(journal, work, 1))
    await work.reached("finish begins", 0)
    assert ("ack", 0) not in journal
    gate.set()
    await running
    assert journal[-1] == ("ack", 0)


async def test_what_is_unavailable_is_waited_for(journal: Journal, work: JournalWork) -> None:
    work.failures["prepare", 0] = [MongoUnavailable("gone"), MongoUnavailable("gone")]
    work.failures["finish", 0] = [MongoUnavailable("gone"), KafkaUnavailable("gone")]
    await carried(journal, work, 2)
    assert journal.count(("prepare begins", 0)) == 3
    assert journal.count(("finish begins", 0)) == 3
    assert [entry for entry in journal if entry[0] == "ack"] == [("ack", 0), ("ack", 1)]


async def test_an_error_of_a_finish_ends_the_loop_before_its_successor_is_written(
    journal: Journal, work: JournalWork
) -> None:
    crashes: list[BaseException] = []
    broken = RuntimeError("broken")
    work.failures["finish", 0] = [broken]
    with pytest.raises(RuntimeError, match="broken"):
        await carried(journal, work, 3, crashes.append)
    assert crashes == [broken]
    assert ends(journal) == [("prepare", 0), ("prepare", 1)]
    assert ("finish begins", 1) not in journal


async def test_an_error_of_the_last_finish_goes_to_crash(journal: Journal, work: JournalWork) -> None:
    crashes: list[BaseException] = []
    broken = RuntimeError("broken")
    work.failures["finish", 1] = [broken]
    await carried(journal, work, 2, crashes.append)
    assert crashes == [broken]
    assert [entry for entry in journal if entry[0] == "ack"] == [("ack", 0)]


async def test_an_error_of_a_prepare_ends_the_loop_and_what_was_prepared_before_is_finished(
    journal: Journal, work: JournalWork
) -> None:
    work.failures["prepare", 1] = [RuntimeError("broken")]
    with pytest.raises(RuntimeError, match="broken"):
        await carried(journal, work, 3)
    assert ends(journal) == [("prepare", 0), ("finish", 0), ("ack", 0)]
