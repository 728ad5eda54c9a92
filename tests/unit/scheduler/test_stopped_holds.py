"""What emergency stops hold is shown, and costs a look now and then."""

from __future__ import annotations

import pytest

from services.scheduler.stopped_holds import StopWatch
from shared.model.holds import Cause, Hold
from shared.model.records import notify
from shared.process.metrics import STOPPED_HOLDS, STOPS
from tests.support import samples as a
from tests.support.twins.holds import MemoryHolds


async def two() -> int:
    """Stops in place."""
    return 2


async def test_they_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.scheduler.stopped_holds.LOOK_SECONDS", 0)
    holds = MemoryHolds()
    await holds.insert([Hold(cause=Cause.STOPPED, due=a.NOON, record=notify(a.notification()))])
    watch = StopWatch(holds, two)
    await watch.look()
    assert (STOPS._value.get(), STOPPED_HOLDS._value.get()) == (2, 1)
    holds.rows.clear()
    await watch.look()
    assert STOPPED_HOLDS._value.get() == 0


async def test_between_two_looks_nobody_asks() -> None:
    holds = MemoryHolds()
    watch = StopWatch(holds, two)
    await watch.look()
    holds.outages.add()
    await watch.look()
    assert not holds.outages.met
