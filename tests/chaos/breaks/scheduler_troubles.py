"""What the scheduler meets in some scenes, whether it is broken or not."""

from __future__ import annotations

import asyncio
from typing import Final

from shared.mongo.holds import Holds
from tests.chaos.breaks.breaking import Break, replace

SECONDS: Final = 1.0


def late_deletes() -> None:
    release = Holds.release

    async def late(self: Holds, token: str) -> None:
        await asyncio.sleep(SECONDS)
        await release(self, token)

    replace(Holds, "release", late)


BREAKS: Final = (
    Break(
        name="what is released is deleted a second later",
        apply=late_deletes,
        services=("scheduler",),
        shows=frozenset(),
    ),
)
