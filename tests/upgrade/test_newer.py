"""This version beside one to come, under load, back and forth: what is too new for it waits, and nothing goes wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sandbox.process import ROOT
from tests.support.env import Harness
from tests.support.wait import until
from tests.upgrade import trees
from tests.upgrade.roll import Roll, rolling

EVENTS = 300
PER_SECOND = 40


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trees.newer(tmp_path_factory.mktemp("newer"))


async def half_of(roll: Roll, sending: asyncio.Task[None]) -> None:
    async def enough() -> bool:
        return len(roll.load.accepted) >= EVENTS // 2 or sending.done()

    await until(enough, what="half of the load accepted")


@pytest.mark.timeout(400)
@pytest.mark.parametrize("first", ["old", "new"])
async def test_both_orders_and_back_lose_and_double_nothing(harness: Harness, newer: Path, first: str) -> None:
    async with rolling(harness) as roll:
        await roll.start(first, ROOT if first == "old" else newer)
        await roll.load.people.settle_in()
        sending = asyncio.create_task(roll.load.send(EVENTS, per_second=PER_SECOND))
        await half_of(roll, sending)

        await roll.start("new" if first == "old" else "old", newer if first == "old" else ROOT, takes_ports=False)
        await roll.give_ports("new")
        await roll.publish(newer)
        await sending  # what the new one takes and writes meets both
        more = asyncio.create_task(roll.load.send(EVENTS, per_second=PER_SECOND))
        await half_of(roll, more)

        await roll.stop("new")
        await waits(roll)
        await roll.start("again", newer)
        await roll.stop("old")
        await more
        await roll.settle()
        ends = await roll.judge()
        assert ends["sent"] > 2 * EVENTS


async def waits(roll: Roll) -> None:
    """Left alone, the old ones say what they leave to a newer version, and where."""

    async def said() -> bool:
        return "has format 3" in await roll.readiness("router-old")

    await until(said, what="the router says what waits")
