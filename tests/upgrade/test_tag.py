"""The tree of a tag and this one, side by side on one stack, in both orders: `make test-upgrade TAG=v0.2.0`."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from sandbox.process import ROOT
from tests.support.env import Harness
from tests.support.wait import until
from tests.upgrade import trees
from tests.upgrade.roll import rolling

EVENTS = 600
PER_SECOND = 40


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trees.of_tag(os.environ.get("UPGRADE_FROM", "HEAD"), tmp_path_factory.mktemp("tag"))


@pytest.mark.timeout(400)
@pytest.mark.parametrize("order", ["upgrade", "rollback"])
async def test_one_follows_the_other_under_load(harness: Harness, tagged: Path, order: str) -> None:
    before, after = (tagged, ROOT) if order == "upgrade" else (ROOT, tagged)
    async with rolling(harness) as roll:
        await roll.start("before", before)
        await roll.load.people.settle_in()
        faults = {"webhook": {"mode": "status", "status": 503, "times": 20}}
        await harness.call("PUT", "/faults", service="sink", json=faults)
        sending = asyncio.create_task(roll.load.send(EVENTS, per_second=PER_SECOND))

        async def accepted(share: int) -> bool:
            return len(roll.load.accepted) >= EVENTS * share // 3 or sending.done()

        await until(lambda: accepted(1), what="a third accepted")
        await roll.start("after", after)
        await until(lambda: accepted(2), what="two thirds accepted, with both at work")
        await roll.stop("before")
        await sending
        await roll.settle()
        ends = await roll.judge()
        assert ends["sent"] > EVENTS
