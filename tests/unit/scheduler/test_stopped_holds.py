"""What emergency stops hold is shown."""

from __future__ import annotations

from services.scheduler.stopped_holds import look_at_stops
from shared.model.holds import Cause, Hold
from shared.model.records import notify
from shared.process.metrics import HOLDS, STOPPED_HOLDS, STOPS
from tests.support import samples as a
from tests.support.twins.holds import MemoryHolds


async def two() -> int:
    """Stops in place."""
    return 2


async def test_they_are_counted() -> None:
    holds = MemoryHolds()
    await holds.insert([Hold(cause=Cause.STOPPED, due=a.NOON, record=notify(a.notification()))])
    await look_at_stops(holds, two)
    assert (HOLDS._value.get(), STOPS._value.get(), STOPPED_HOLDS._value.get()) == (1, 2, 1)
    holds.rows.clear()
    await look_at_stops(holds, two)
    assert STOPPED_HOLDS._value.get() == 0
