"""The tasks of a process: none of them ends unseen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence

import structlog

log = structlog.get_logger()
Part = Coroutine[None, None, None]


async def run_until_stopped(
    stop: asyncio.Event,
    serving: Part,
    background: Sequence[Part],
    *,
    drain: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Runs all of it until `stop` is set; then drains, waits for `serving` to end, and cancels the background.

    `serving` has to end by itself once `stop` is set; how long that may take is the process's to bound. A part that
    ends before that, however it ends, is logged and sets `stop`, so that the process drains and ends; then what it
    raised is raised, or a RuntimeError if nothing was. Being cancelled cancels all of it, after draining: the process
    had not begun to serve.
    """
    serving_task = asyncio.create_task(serving)
    background_tasks = [asyncio.create_task(each) for each in background]
    parts = (serving_task, *background_tasks)
    stopping = asyncio.create_task(stop.wait())
    ended: list[asyncio.Task[None]] = []
    try:
        await asyncio.wait({*parts, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            ended = [task for task in parts if task.done()]
            for task in ended:
                log.error("part_ended", part=_name(task), error=_error(task), next="the process drains and ends")
    except asyncio.CancelledError:
        serving_task.cancel()
        raise
    finally:
        stop.set()
        await stopping
        try:
            if drain is not None:
                await drain()
        finally:
            await asyncio.wait({serving_task})
            for task in background_tasks:
                task.cancel()
            await asyncio.wait(parts)
    for task in parts:
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
    for task in ended:
        raise RuntimeError(f"{_name(task)} ended before the process was told to stop")


def _name(task: asyncio.Task[None]) -> str:
    return str(getattr(task.get_coro(), "__qualname__", task.get_name()))


def _error(task: asyncio.Task[None]) -> str | None:
    """Its type: the whole of it is logged when the process ends."""
    error = None if task.cancelled() else task.exception()
    return None if error is None else type(error).__name__
