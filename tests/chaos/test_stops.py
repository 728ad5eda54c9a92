"""Processes frozen for longer than their leases, then thawed: another one has taken over, and both believe it is theirs.

Of each kind there are two. One is frozen at its most delicate point while events flow; the other carries everything to
its end; then the frozen one goes on where it was.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from shared.process.failpoints import Failpoint
from tests.chaos.checker import Verdict
from tests.chaos.keeper import metrics
from tests.chaos.run import SLOTS, TELLS_DOUBLES, Run, begun
from tests.support.env import Harness
from tests.support.wait import until

COUNT = 60
STOPS = [
    ("delivery", Failpoint.AFTER_SEND),
    ("scheduler", Failpoint.AFTER_HOLD_CLAIM),
    ("router", Failpoint.AFTER_DECISION),
    ("gateway", None),
    ("delivery", Failpoint.AFTER_CLAIM),
    ("delivery", Failpoint.AFTER_INBOX_ROW),
    ("delivery", Failpoint.AFTER_RECORD),
    ("scheduler", Failpoint.AFTER_RELEASE),
    ("router", Failpoint.AFTER_EXPANSION),
    ("router", Failpoint.AFTER_HOLD),
    ("router", Failpoint.AFTER_PRODUCE),
]
SHORT = 4
"""How many of them a run has that is not to be long."""


@pytest.mark.timeout(900)
async def test_whoever_was_frozen_and_goes_on_loses_and_doubles_nothing(harness: Harness) -> None:
    harness.more = TELLS_DOUBLES
    await harness.start("sink", "ingest", "router", "scheduler", "delivery", "gateway", "console")
    for name in ("router", "scheduler", "delivery"):
        harness.spawn(name, label=f"{name}-2")
    await harness.start_spawned()
    async with begun(harness) as run:
        for name, point in STOPS if os.environ.get("CARILLON_CHAOS_LONG") else STOPS[:SHORT]:
            doubled_before = set((await run.settled()).doubled)
            windows, found = await freeze(run, name, point)
            doubled = set(found.doubled) - doubled_before
            assert {kind: who for kind, who in found.faults().items() if kind != "doubled"} == {}, (name, point)
            assert len(doubled) <= min(windows, SLOTS), "doubles come only from the named window"
            assert doubled <= await run.taken_over(), "and the ledger knows of each"
            if point is Failpoint.AFTER_SEND:
                assert doubled, "control: what was sent and not recorded is sent again, and the checker sees it"
        await run.erased()


async def freeze(run: Run, name: str, point: Failpoint | None) -> tuple[int, Verdict]:
    """How many crash windows were counted around one stop, and the verdict after it."""
    harness = run.harness
    if point is not None:
        harness.services[name].terminate()
        harness.spawn(name, CARILLON_FAILPOINT=f"{point}:1:STOP")
        await harness.services[name].ready()
    before = (await metrics(harness))["carillon_crash_windows_total"]
    pid = harness.services[name].pid
    assert pid is not None
    await run.load.send(COUNT, per_second=100)
    if point is None:
        os.kill(pid, signal.SIGSTOP)
        await run.load.send(COUNT, per_second=100)

    async def frozen() -> bool:
        return _state(pid) == "T"

    try:
        await until(frozen, what=f"{name} frozen at {point}")
        await run.settled(without_sockets=point is None)
        if point is None:
            await past_every_lease(harness)
    finally:
        os.kill(pid, signal.SIGCONT)
    await harness.services[name].ready(90)

    async def idle() -> bool:
        return not (await metrics(harness))["carillon_sends_in_flight"]

    await until(idle, what="nothing is sent any more")
    await run.load.send(COUNT, per_second=100)
    found = await run.settled()
    return (await metrics(harness))["carillon_crash_windows_total"] - before, found


async def past_every_lease(harness: Harness) -> None:
    """Until the longest lease of this harness is over, by the server's clock."""
    lease_ms = 1000 * max(int(value) for name, value in harness.env().items() if name.endswith("LEASE_SECONDS"))
    async with harness.database() as database:
        frozen_at = (await database.command("hello"))["localTime"]

        async def is_over() -> bool:
            now = (await database.command("hello"))["localTime"]
            return (now - frozen_at).total_seconds() * 1000 > lease_ms

        await until(is_over, what="the longest lease over")


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
