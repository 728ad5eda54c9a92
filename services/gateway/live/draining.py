"""The end of a process: its clients are sent away slice by slice, so that they come back spread over time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from time import monotonic

import structlog

from services.gateway.core.limits import HAND_OVER_SECONDS, RECONNECT_MS
from services.gateway.live.connection import Connection
from services.gateway.live.core.hand_over import hand_over

log = structlog.get_logger()


async def drain(connections: Iterable[Connection], drain_seconds: float) -> None:
    """Tells every client when to come back, and waits for them to leave. Who was not told yet gets what comes."""
    began, staying = monotonic(), list(connections)
    leaving: list[asyncio.Task[None]] = []
    for position, size in enumerate(hand_over(len(staying), drain_seconds)):
        if position:
            await asyncio.sleep(HAND_OVER_SECONDS)
        leaving += [asyncio.create_task(connection.restart(_after_ms())) for connection in staying[:size]]
        del staying[:size]
    await asyncio.gather(*leaving, return_exceptions=True)
    log.info("sockets_drained", sockets=len(leaving), seconds=round(monotonic() - began, 1))


def _after_ms() -> int:
    return random.randint(*RECONNECT_MS)  # noqa: S311  # spreads load only
