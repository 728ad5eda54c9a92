"""How the peers of the fan-out's benchmark begin: connected and idle, then together with the clock."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

READY, GO = "ready", "go"


def members() -> int:
    """How many there are."""
    return int(os.environ["BENCH_MEMBERS"])


async def begin() -> None:
    """Says that this process is ready, and waits until it may go."""
    Path(READY).touch()  # noqa: ASYNC240
    while not Path(GO).exists():  # noqa: ASYNC110, ASYNC240  # another process makes the file
        await asyncio.sleep(0.01)
