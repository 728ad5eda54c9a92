"""Waiting for conditions; never for time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(condition: Callable[[], Awaitable[T]], *, what: str, timeout: float = 60, every: float = 0.05) -> T:
    """The first truthy answer of `condition`, asked `every` so many seconds; fails after `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        answer = await condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what}; last answer: {answer!r}")
        await asyncio.sleep(every)


async def turns(count: int = 20) -> None:
    """Lets the loop go round: whoever waits for nothing but it goes on until something else holds it back."""
    for _ in range(count):
        await asyncio.sleep(0)


async def turns_until(condition: Callable[[], bool], *, what: str, timeout: float = 5) -> None:
    """Lets the loop go round until `condition` holds; for tests without a network."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"not within {timeout} s: {what}"
        await asyncio.sleep(0)
