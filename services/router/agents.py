"""The loop of an agent: prepare a chunk while the one before it is finished, acknowledge in order.

Preparing stores what was found, finishing makes what follows durable. Only one chunk is prepared and one
finished at a time, so outputs and acknowledgements keep the order of the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from shared.process.metrics import CHUNK_SECONDS, CHUNK_SIZE
from shared.process.retries import retry_until_available

P = TypeVar("P")
Chunk = Sequence[Any]


class Work(Protocol[P]):
    """What an agent does with a chunk, in two steps; each waits for infrastructure by raising Unavailable."""

    async def prepare(self, chunk: Chunk) -> P:
        """Decides and stores; may be repeated with the same chunk."""
        ...

    async def finish(self, prepared: P) -> None:
        """Makes all that follows durable; may be repeated."""
        ...


async def carry(
    stream: Any, work: Work[P], *, name: str, most: int, linger_seconds: float, crash: Callable[[BaseException], None]
) -> None:
    """Carries chunks of a ChunkStream until it ends. `crash` is told what breaks a finish: nobody awaits the last."""
    sizes, seconds = CHUNK_SIZE.labels(name), CHUNK_SECONDS.labels(name)

    async def finish(chunk: Chunk, prepared: P) -> None:
        await retry_until_available()(work.finish, prepared)
        for event in chunk:
            await stream.ack(event)
        sizes.observe(len(chunk))

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            crash(error)

    before: asyncio.Task[None] | None = None
    async for chunk in stream.chunks(most, linger_seconds):
        with seconds.time():
            prepared = await retry_until_available()(work.prepare, chunk)
            if before is not None:
                await before
        before = asyncio.create_task(finish(chunk, prepared))
        before.add_done_callback(ended)
