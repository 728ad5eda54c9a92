"""A crash at every point between accepting and effect: each kills its process, nothing is lost or done twice."""

from __future__ import annotations

import signal

import pytest

from shared.process.failpoints import Failpoint
from tests.chaos.keeper import metrics
from tests.chaos.run import TELLS_DOUBLES, Run, begun
from tests.support.env import Harness
from tests.support.wait import until

PER_POINT = 40
"""Every way in and every outcome of the load."""
VICTIMS = {
    Failpoint.AFTER_EXPANSION: "router",
    Failpoint.AFTER_DECISION: "router",
    Failpoint.AFTER_HOLD: "router",
    Failpoint.AFTER_PRODUCE: "router",
    Failpoint.BETWEEN_OUTPUTS: "router",
    Failpoint.AFTER_CLAIM: "delivery",
    Failpoint.AFTER_SEND: "delivery",
    Failpoint.AFTER_RECORD: "delivery",
    Failpoint.AFTER_INBOX_ROW: "delivery",
    Failpoint.AFTER_REPLACE: "delivery",
    Failpoint.AFTER_HOLD_CLAIM: "scheduler",
    Failpoint.AFTER_RELEASE: "scheduler",
}
IN_DELIVERY_TOO = {Failpoint.BETWEEN_OUTPUTS, Failpoint.AFTER_PRODUCE, Failpoint.AFTER_HOLD}
WINDOWS = {Failpoint.AFTER_CLAIM, Failpoint.AFTER_SEND}
"""Killed between claim and record: e-mail and webhook are sent again, and it is counted."""
CASES = [*VICTIMS.items(), *((point, "delivery") for point in IN_DELIVERY_TOO)]


ELSEWHERE = {
    Failpoint.AFTER_PAGE,
    Failpoint.AFTER_RECEIPT,
    Failpoint.AFTER_INBOX_TIMES,
    Failpoint.AFTER_TIMELINE,
    Failpoint.AFTER_ROLLUP,
}
"""In tests/integration: router/test_fanouts.py, gateway/test_receipts.py, gateway/test_times.py, console/test_analytics.py."""


def test_every_failpoint_has_a_case() -> None:
    assert {point for point, _ in CASES} == set(Failpoint) - ELSEWHERE


@pytest.mark.timeout(600)
async def test_a_crash_at_any_point_loses_and_doubles_nothing(harness: Harness) -> None:
    harness.more = TELLS_DOUBLES
    await harness.start("sink", "ingest", "router", "scheduler", "delivery")
    async with begun(harness) as run:
        for point, victim in CASES:
            await crash_at(run, point, victim)
        await run.erased()


async def crash_at(run: Run, point: Failpoint, victim: str) -> None:
    harness = run.harness
    if point not in WINDOWS:
        faults = {"webhook": {"mode": "status", "status": 503, "times": 5}}
        await harness.call("PUT", "/faults", service="sink", json=faults)
    harness.services[victim].terminate()
    harness.spawn(victim, CARILLON_FAILPOINT=point)
    await harness.services[victim].ready()
    await run.load.send(PER_POINT, per_second=200)
    child = harness.services[victim].child

    async def died(child: object = child) -> bool:
        return not child.alive  # type: ignore[attr-defined]

    await until(died, what=f"{victim} dies at {point}")
    assert child.returncode == -signal.SIGKILL, point
    await harness.revive(victim)
    found = await run.settled()
    windows = (await metrics(harness))["carillon_crash_windows_total"]
    if point in WINDOWS:
        assert windows > 0, "the crash was met and counted"
    if point is Failpoint.AFTER_SEND:
        assert found.doubled, "control: what was sent and not recorded is sent again, and the checker sees it"
    assert len(found.doubled) <= 96 * len(WINDOWS), "slots times kills"
    assert {kind: who for kind, who in found.faults().items() if kind != "doubled"} == {}, point
