"""The core of group commit: callers hand in one item each, the work is done for all that wait at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

A = TypeVar("A")
R = TypeVar("R")


class Batcher(Generic[A, R]):
    """Coalesces concurrent calls, in their order. What arrives while a batch is under way goes into the next one.

    `work` gets up to `most` items (None: all that wait) and returns one result for each, in order; a result
    that is an exception is raised to its own caller. What `work` itself raises reaches every caller of the
    batch. There is no timer, and no task per caller: a lone call is done at once.
    """

    def __init__(self, work: Callable[[list[A]], Awaitable[Sequence[R | Exception]]], *, most: int | None) -> None:
        self._work = work
        self._most = most
        self._items: list[A] = []
        self._futures: list[asyncio.Future[R]] = []
        self._flushing: asyncio.Task[None] | None = None

    async def __call__(self, item: A) -> R:
        """The item's result, once its batch is done. A caller that gives up leaves its item in the batch."""
        return await self.submit(item)

    def submit(self, item: A) -> asyncio.Future[R]:
        """The same without a coroutine of its own."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._items.append(item)
        self._futures.append(future)
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        return future

    async def drain(self) -> None:
        """Returns when every item handed in so far has its result."""
        if self._flushing is not None:
            await asyncio.wait({self._flushing})

    async def _flush(self) -> None:
        try:
            while self._items:
                items, futures = self._take()
                try:
                    results = await self._work(items)
                    _settle(futures, results)
                except Exception as error:  # noqa: BLE001  # passed on to every caller
                    _settle(futures, [error] * len(futures))
                except asyncio.CancelledError:
                    for future in futures + self._futures:
                        future.cancel()  # nobody will answer these
                    self._items, self._futures = [], []
                    raise
        finally:
            self._flushing = None

    def _take(self) -> tuple[list[A], list[asyncio.Future[R]]]:
        items, futures, most = self._items, self._futures, self._most
        if most is None or len(items) <= most:
            self._items, self._futures = [], []
            return items, futures
        self._items, self._futures = items[most:], futures[most:]
        return items[:most], futures[:most]


def _settle(futures: Sequence[asyncio.Future[R]], results: Sequence[R | Exception]) -> None:
    """Raises ValueError, before anybody is answered, unless there is one result for each."""
    if len(futures) != len(results):
        raise ValueError(f"{len(results)} results for {len(futures)} items")
    for future, result in zip(futures, results, strict=True):
        settle(future, result)


def settle(future: asyncio.Future[R], result: R | Exception) -> None:
    """Answers one caller, unless it has its answer already or has given up."""
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
