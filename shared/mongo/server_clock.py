"""MongoDB's clock as everybody's: services on machines whose clocks are wrong decide by the same time.

Leases and holds are on this clock anyway. What is due, quiet, expired or accepted when is compared across services,
so a clock that is seconds ahead would send seconds early.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from shared.model.clock_skew import ahead_of
from shared.model.errors import MongoUnavailable
from shared.model.timestamps import from_datetime
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.leases import server_time
from shared.process import clock
from shared.process.metrics import CLOCK_AHEAD

EVERY_SECONDS: Final = 10.0


async def set_clock(database: Database) -> None:
    """Compares this process's clock with MongoDB's, once, and corrects it. Raises MongoUnavailable."""
    before = clock.uncorrected_ms()
    with mongo_border():
        shared = from_datetime(await server_time(database))
    ahead = ahead_of(before=before, shared=shared, after=clock.uncorrected_ms(), known=clock.ahead_ms())
    clock.correct(ahead)
    CLOCK_AHEAD.set(ahead / 1000)


async def keep_clock(database: Database) -> None:
    """Compares again and again until cancelled; while MongoDB is unavailable what is known goes on."""
    while True:
        with suppress(MongoUnavailable):
            await set_clock(database)
        await asyncio.sleep(EVERY_SECONDS)
