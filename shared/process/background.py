"""The tasks of a process: none of them ends unseen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence

Part = Coroutine[None, None, None]


async def run_until_stopped(
    stop: asyncio.Event,
    serving: Part,
    background: Sequence[Part],
    *,
    drain: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Runs all of it until `stop` is set; then drains, waits for `serving` to end, and cancels the background.

    `serving` has to end by itself once `stop` is set. A part that ends before that, however it ends, sets `stop`, so
    that the process drains and ends; then what it raised is raised, or a RuntimeError if nothing was. Being cancelled
    cancels all of it, after draining: the process had not begun to serve.
    """
    front = asyncio.create_task(serving)
    behind = [asyncio.create_task(each) for each in background]
    stopping = asyncio.create_task(stop.wait())
    ended: set[asyncio.Task[None]] = set()
    try:
        await asyncio.wait({front, *behind, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            ended = {task for task in (front, *behind) if task.done()}
    except asyncio.CancelledError:
        front.cancel()
        raise
    finally:
        stop.set()
        await stopping
        if drain is not None:
            await drain()
        await asyncio.wait({front})
        for task in behind:
            task.cancel()
        await asyncio.wait({front, *behind})
    for task in (front, *behind):
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
    for task in ended:
        raise RuntimeError(f"{task.get_coro()!r} ended before the process was told to stop")
