"""The tasks beside a service's main work: none may end unseen."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def run_beside(main: Coroutine[Any, Any, None], *background: Coroutine[Any, Any, None]) -> None:
    """Runs `main` to its end, then cancels the background.

    What one of them raises ends all the others and is raised as an ExceptionGroup; so does a background that
    returns, with a RuntimeError.
    """
    async with asyncio.TaskGroup() as tasks:
        beside = [tasks.create_task(_endless(each)) for each in background]
        await main
        for task in beside:
            task.cancel()


async def _endless(part: Coroutine[Any, Any, None]) -> None:
    await part
    raise RuntimeError(f"{part!r} ended")
