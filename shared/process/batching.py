"""Group commit: callers hand in one item each, the work is done for all that are waiting at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

A = TypeVar("A")
R = TypeVar("R")


class Batcher(Generic[A, R]):
    """Coalesces concurrent calls. What arrives while a batch is under way goes into the next one.

    `work` gets up to `most` items and returns one result for each, in order; what it raises reaches every
    caller of that batch. There is no timer: a lone call is done at once.
    """

    def __init__(self, work: Callable[[list[A]], Awaitable[list[R]]], *, most: int) -> None:
        self._work = work
        self._most = most
        self._waiting: list[tuple[A, asyncio.Future[R]]] = []
        self._flushing: asyncio.Task[None] | None = None

    async def __call__(self, item: A) -> R:
        """The item's result, once its batch is done."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())
        return await future

    async def _flush(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            try:
                results = await self._work([item for item, _ in batch])
                answers = list(zip(batch, results, strict=True))
            except asyncio.CancelledError:
                for _, future in batch:
                    future.cancel()  # nobody will answer these
                raise
            except Exception as error:  # noqa: BLE001  # passed on to every caller
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
            else:
                for (_, future), result in answers:
                    if not future.done():
                        future.set_result(result)
