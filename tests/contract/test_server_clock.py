"""A process goes by MongoDB's clock: what its own says is corrected."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine

from shared.model.timestamps import from_datetime
from shared.mongo.database import Database
from shared.mongo.leases import server_time
from shared.mongo.server_clock import set_clock
from shared.process import clock
from shared.process.metrics import CLOCK_AHEAD

pytestmark = pytest.mark.real


@pytest.fixture(autouse=True)
def uncorrected() -> Iterator[None]:
    yield
    clock.correct(0)


@pytest.mark.parametrize("skew", [5_000, -5_000])
async def test_a_wrong_clock_is_corrected_and_shown(database: Database, skew: int) -> None:
    await server_time(database)  # connected
    with time_machine.travel((clock.uncorrected_ms() + skew) / 1000):
        await set_clock(database)
        shown = CLOCK_AHEAD._value.get()
        assert abs(clock.now_ms() - from_datetime(await server_time(database))) < 1_000
        assert abs(shown * 1000 - skew) < 1_000
