"""A part that ends takes the others with it, and what was begun is drained."""

from __future__ import annotations

import asyncio

import pytest

from shared.process.background import run_until_stopped


class Parts:
    """What a process runs, and the order in which its parts ended."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.ended: list[str] = []

    async def serving(self) -> None:
        await self.stop.wait()
        for _ in range(10):  # requests under way
            await asyncio.sleep(0)
        self.ended.append("serving")

    async def background(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.append("background")

    async def drain(self) -> None:
        assert self.stop.is_set()
        self.ended.append("drained")


async def fails() -> None:
    raise LookupError("a bug")


async def returns() -> None:
    pass


async def test_told_to_stop_it_drains_then_cancels_the_background():
    parts = Parts()
    asyncio.get_running_loop().call_soon(parts.stop.set)
    await run_until_stopped(parts.stop, parts.serving(), [parts.background()], drain=parts.drain)
    assert sorted(parts.ended[:2]) == ["drained", "serving"]
    assert parts.ended[2:] == ["background"]


@pytest.mark.parametrize(("part", "error"), [(fails, LookupError), (returns, RuntimeError)])
async def test_a_background_that_ends_ends_the_process_after_draining(part, error):
    parts = Parts()
    with pytest.raises(error):
        await run_until_stopped(parts.stop, parts.serving(), [parts.background(), part()], drain=parts.drain)
    assert sorted(parts.ended[:2]) == ["drained", "serving"]
    assert parts.ended[2:] == ["background"]


@pytest.mark.parametrize(("part", "error"), [(fails, LookupError), (returns, RuntimeError)])
async def test_a_server_that_ends_ends_the_process_after_draining(part, error):
    parts = Parts()
    with pytest.raises(error):
        await run_until_stopped(parts.stop, part(), [parts.background()], drain=parts.drain)
    assert parts.ended == ["drained", "background"]


async def test_what_fails_while_draining_is_raised():
    parts = Parts()

    async def fails_at_the_end() -> None:
        await parts.stop.wait()
        raise LookupError("not drained")

    asyncio.get_running_loop().call_soon(parts.stop.set)
    with pytest.raises(LookupError):
        await run_until_stopped(parts.stop, fails_at_the_end(), [parts.background()], drain=parts.drain)
    assert parts.ended == ["drained", "background"]


async def test_being_cancelled_before_it_serves_cancels_all_of_it():
    parts = Parts()
    running = asyncio.create_task(
        run_until_stopped(parts.stop, parts.serving(), [parts.background()], drain=parts.drain)
    )
    asyncio.get_running_loop().call_soon(running.cancel)
    with pytest.raises(asyncio.CancelledError):
        await running
    assert parts.ended == ["drained", "background"], "what waits for infrastructure is not waited for"
