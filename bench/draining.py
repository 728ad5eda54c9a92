"""Waiting until a side has brought all of its backlog out, and what that cost in processor time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from bench.machine import cpu_seconds, tree_pids
from bench.stage import Stage
from sandbox.child import Child

PATIENCE_SECONDS: Final = 30


class Drained(msgspec.Struct, frozen=True, kw_only=True):
    """Processor time in seconds since the first output."""

    workers: float
    brokers: float


async def drain(
    count: Callable[[], Awaitable[int]], expected: int, workers: Sequence[Child], brokers: Sequence[Child]
) -> Drained:
    """Until `count` says as many as expected, or nothing new for a while. Raises RuntimeError when a process ended."""
    begun, moved, seen = Drained(workers=0, brokers=0), time.monotonic(), 0
    while seen < expected and time.monotonic() - moved < PATIENCE_SECONDS:
        if ended := [worker for worker in workers if not worker.alive]:
            raise RuntimeError(f"{ended[0].name} ended by itself.\n{ended[0].tail()}")
        used, now = Drained(workers=cpu_of(workers), brokers=cpu_of(brokers)), await count()
        if now > seen:
            begun, seen, moved = (begun if seen else used), now, time.monotonic()
        await asyncio.sleep(0.1)
    return Drained(workers=cpu_of(workers) - begun.workers, brokers=cpu_of(brokers) - begun.brokers)


def cpu_of(children: Sequence[Child]) -> float:
    """Of all of them, with what runs below them."""
    return sum(cpu_seconds(pid) for child in children for pid in tree_pids(child.pid or 0))


def brokers_of(stage: Stage) -> list[Child]:
    """Kafka and mongod."""
    return [stage.kafka.child, stage.mongod.child]


async def at_most(seconds: float, reached: Callable[[], Awaitable[bool]]) -> bool:
    """Whether it was, within the time."""
    deadline = time.monotonic() + seconds
    while not (found := await reached()) and time.monotonic() < deadline:  # noqa: ASYNC110  # of another process
        await asyncio.sleep(0.1)
    return found
