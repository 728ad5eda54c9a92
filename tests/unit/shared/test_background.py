"""A part that ends takes the others with it, whichever it is."""

from __future__ import annotations

import asyncio

import pytest

from shared.process.background import run_beside


class Part:
    """Runs until it is told to end, and remembers how it ended."""

    def __init__(self) -> None:
        self.end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.cancelled = False

    async def run(self) -> None:
        try:
            await self.end
        except asyncio.CancelledError:
            self.cancelled = True
            raise


async def test_the_end_of_main_ends_the_background() -> None:
    main, beside = Part(), Part()
    whole = asyncio.create_task(run_beside(main.run(), beside.run()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    main.end.set_result(None)
    await whole
    assert beside.cancelled


@pytest.mark.parametrize("error", [ZeroDivisionError("a bug"), None])
async def test_a_background_that_ends_ends_main(error: Exception | None) -> None:
    main, beside, other = Part(), Part(), Part()
    whole = asyncio.create_task(run_beside(main.run(), beside.run(), other.run()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    if error:
        beside.end.set_exception(error)
    else:
        beside.end.set_result(None)
    with pytest.raises(ExceptionGroup) as caught:
        await whole
    assert caught.group_contains(
        ZeroDivisionError if error else RuntimeError, match="a bug" if error else "run at .* ended"
    )
    assert main.cancelled
    assert other.cancelled
