"""Two services' clocks ten seconds apart: nothing is early by the clock of who receives it, lost or doubled.

Cancels, scheduled ones and the end of quiet hours are among the load, right up to the minute in which they end.
"""

from __future__ import annotations

import os

import pytest

from shared.process.clock import now_ms
from tests.chaos.run import begun
from tests.support.env import Harness
from tests.support.skewed_clocks import skewed
from tests.support.wait import until

SKEWS = [{"router": 5, "delivery": -5}, {"router": -5, "delivery": 5}, {"ingest": 5, "gateway": -5}]
SHORT = 1
"""How many of them a run has that is not to be long."""
MINUTE_MS = 60_000
LEAD_MS = 15_000
PER_SECOND = 10
"""So few that each is sent at once: who is early by less than it takes is not found out."""
SOON_MS = 4_500
"""Less than a clock is ahead, and as much as there can be."""
SERVICES = ("sink", "ingest", "router", "scheduler", "delivery", "gateway", "console")


@pytest.mark.timeout(400)
@pytest.mark.parametrize("skews", SKEWS if os.environ.get("CARILLON_CHAOS_LONG") else SKEWS[:SHORT], ids=str)
async def test_nothing_is_early_whatever_a_clock_says(harness: Harness, skews: dict[str, int]) -> None:
    for name in SERVICES:
        harness.spawn(name, **(skewed(skews[name]) if name in skews else {}))
    await harness.start_spawned()
    async with begun(harness) as run:
        load = run.load
        load.soon_ms = SOON_MS
        load.quiet_until = ((now_ms() + LEAD_MS) // MINUTE_MS + 1) * MINUTE_MS
        while now_ms() < load.quiet_until:
            await load.send(PER_SECOND, per_second=PER_SECOND)
        found = await run.settled()
        assert found.faults() == {}
        assert found.holds > 0
        assert found.ends["cancelled"] > 0
        assert load.counts["quiet"] > 5, "held until it was quiet no more"
        await run.erased()

        async def measured() -> bool:
            ahead = [await run.gauge(name, "carillon_clock_ahead_seconds") for name in skews]
            return all(abs(value - skew) < 1 for value, skew in zip(ahead, skews.values(), strict=True))

        await until(measured, what="the clocks are as wrong as they were made")
