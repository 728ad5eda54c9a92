"""Group commit: order, errors, callers that go away."""

from __future__ import annotations

import asyncio

import pytest

from shared.process.batching import Batcher

SOON = 5


class Work:
    """Doubles numbers, a batch at a time, when it is let."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()

    async def __call__(self, items: list[int]) -> list[int]:
        self.batches.append(items)
        await self.gate.wait()
        if 13 in items:
            raise ValueError("13")
        if 99 in items:
            raise asyncio.CancelledError
        return [item * 2 for item in items if item != 7]


async def gather(*calls: asyncio.Task[int]) -> list[int | BaseException]:
    async with asyncio.timeout(SOON):
        return await asyncio.gather(*calls, return_exceptions=True)


async def under_way(batch: Batcher[int, int], *items: int) -> list[asyncio.Task[int]]:
    tasks = []
    for item in items:
        tasks.append(asyncio.create_task(batch(item)))
        await asyncio.sleep(0)
    return tasks


async def test_everybody_gets_their_own_answer_and_order_is_kept() -> None:
    work = Work()
    tasks = await under_way(Batcher(work, most=3), *range(1, 7))
    await asyncio.sleep(0)
    work.gate.set()
    assert await gather(*tasks) == [2, 4, 6, 8, 10, 12]
    assert [item for batch in work.batches for item in batch] == [1, 2, 3, 4, 5, 6]
    assert all(len(batch) <= 3 for batch in work.batches)
    assert len(work.batches) < 6, "what arrives meanwhile goes together"


async def test_a_lone_call_is_done_at_once_and_so_is_the_next() -> None:
    work = Work()
    work.gate.set()
    batch: Batcher[int, int] = Batcher(work, most=3)
    assert await gather(*await under_way(batch, 1)) == [2]
    assert await gather(*await under_way(batch, 2)) == [4]


async def test_an_error_reaches_all_callers_of_its_batch_and_nobody_else() -> None:
    work = Work()
    tasks = await under_way(Batcher(work, most=2), 1, 13, 3, 4, 5)
    work.gate.set()
    found = await gather(*tasks)
    assert work.batches == [[1], [13, 3], [4, 5]]
    assert found[0] == 2
    assert [str(error) for error in found[1:3]] == ["13", "13"]
    assert found[3:] == [8, 10]


async def test_a_caller_that_gives_up_breaks_nobody() -> None:
    work = Work()
    tasks = await under_way(Batcher(work, most=9), 1, 2, 3)
    tasks[0].cancel()
    tasks[2].cancel()
    work.gate.set()
    found = await gather(*tasks)
    assert isinstance(found[0], asyncio.CancelledError)
    assert found[1] == 4
    assert isinstance(found[2], asyncio.CancelledError)


@pytest.mark.parametrize(("item", "error"), [(7, ValueError), (99, asyncio.CancelledError)])
async def test_nobody_waits_for_ever_when_the_work_answers_too_little(item: int, error: type[BaseException]) -> None:
    work = Work()
    batch: Batcher[int, int] = Batcher(work, most=9)
    tasks = await under_way(batch, 1, item, 3)
    work.gate.set()
    found = await gather(*tasks)
    assert found[0] == 2
    assert [type(answer) for answer in found[1:]] == [error, error]
    assert await gather(*await under_way(batch, 5)) == [10], "and the next batch is worked on"


async def test_a_result_that_is_an_error_reaches_its_own_caller_only() -> None:
    async def work(items: list[int]) -> list[int | Exception]:
        return [ValueError(str(item)) if item % 2 else item * 2 for item in items]

    found = await gather(*await under_way(Batcher(work, most=None), 1, 2, 3, 4))
    assert [str(result) for result in found] == ["1", "4", "3", "8"]


async def test_drain_waits_for_all_that_was_handed_in() -> None:
    work = Work()
    batch: Batcher[int, int] = Batcher(work, most=1)
    tasks = await under_way(batch, 1, 2, 3)
    draining = asyncio.create_task(batch.drain())
    await asyncio.sleep(0)
    assert not draining.done()
    work.gate.set()
    await draining
    assert work.batches == [[1], [2], [3]]
    assert await gather(*tasks) == [2, 4, 6]
    await batch.drain()
