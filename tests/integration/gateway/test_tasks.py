"""No task of the gateway ends unseen: whichever it is, clients are told to come back and the process ends."""

from __future__ import annotations

import asyncio

import pytest

from tests.integration.gateway.stage import running


@pytest.mark.parametrize("part", ["GroupCommit.watch", "Catalog.follow", "Fanout.run"])
async def test_a_task_that_ends_drains_and_ends_the_process(names, part):
    async def lose_the_part() -> None:
        async with running(names) as stage, stage.client("ann") as client:
            await client.next("hello")
            [task] = [found for found in asyncio.all_tasks() if found.get_coro().__qualname__ == part]
            task.cancel()
            assert (await client.next("reconnect"))["after_ms"] > 0
            assert await client.closed() == 1012

    with pytest.raises(RuntimeError, match=f"{part} ended"):
        await lose_the_part()
