"""Waiting for conditions; never for time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(condition: Callable[[], Awaitable[T]], *, what: str, timeout: float = 60) -> T:
    """The first truthy answer of `condition`; fails with the last one after `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        answer = await condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what}; last answer: {answer!r}")
        await asyncio.sleep(0.05)
