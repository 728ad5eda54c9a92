"""The agents' loop: prepare a chunk while the one before it is finished, acknowledge in order.

Preparing stores what was found, finishing makes what follows durable. Only one chunk is prepared and one
finished at a time, so outputs and acknowledgements keep the order of the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar, cast

import faust
from faust.types import StreamT
from mode import CrashingSupervisor

from services.router.faust.streams import Chunk, ChunkStream
from services.router.faust.transport import StreamFetching
from services.router.progress import AgentProgress
from services.router.settings import RouterSettings
from services.router.waiting import WaitingPartitions
from shared.model.formats import NewerFormat
from shared.model.outputs import KafkaRecord
from shared.process.metrics import CHUNK_SECONDS, CHUNK_SIZE
from shared.process.newer import NewerRecords
from shared.process.retries import retry_until_available

P = TypeVar("P")


class Work(Protocol[P]):
    """What an agent does with a chunk, in two steps; each waits for infrastructure by raising Unavailable."""

    async def prepare(self, chunk: Sequence[KafkaRecord]) -> P:
        """Decides and stores; may be repeated with the same chunk, or with a part of it.

        Raises NewerFormat, which names the record, for what is left to a newer version.
        """
        ...

    async def finish(self, prepared: P) -> None:
        """Makes all that follows durable; may be repeated."""
        ...


def add_agent(
    app: faust.App,
    progress: AgentProgress,
    settings: RouterSettings,
    work: Work[P],
    *,
    chunk_bytes: int,
    newer: NewerRecords,
    chunk_size: int | None = None,
    weigh: Callable[[bytes], int] = len,
) -> None:
    """An agent that carries chunks of its topics and acknowledges them in order, once all is durable.

    `progress` says which it is, of which topics, and is told how far it is. `weigh`: what a value counts of `chunk_bytes`.
    """
    most = chunk_size or settings.chunk_size
    source = app.topic(*progress.topics, key_type=bytes, value_type=bytes)
    crashing: set[asyncio.Task[None]] = set()

    def crash(error: BaseException) -> None:
        crashing.add(asyncio.ensure_future(app.crash(error)))

    async def agent(stream: StreamT[bytes]) -> None:
        chunks = cast("ChunkStream", stream)  # the app makes no other
        waiting = WaitingPartitions(StreamFetching(chunks), newer)
        progress.follow(lambda: chunks.queued + waiting.count)

        @app.on_partitions_assigned.connect
        async def assigned(*_: object, **__: object) -> None:
            waiting.clear()

        await carry(chunks, work, waiting, progress, most=most, most_bytes=chunk_bytes, weigh=weigh, crash=crash)

    app.agent(source, name=progress.agent, supervisor_strategy=CrashingSupervisor)(agent)


async def carry(
    stream: ChunkStream,
    work: Work[P],
    waiting: WaitingPartitions,
    progress: AgentProgress,
    *,
    most: int,
    most_bytes: int,
    weigh: Callable[[bytes], int] = len,
    crash: Callable[[BaseException], None],
) -> None:
    """Carries chunks until the stream ends. An error of the last `finish`, which nobody awaits, goes to `crash`."""
    sizes, seconds = CHUNK_SIZE.labels(progress.agent), CHUNK_SECONDS.labels(progress.agent)

    async def finish(chunk: Chunk, prepared: P) -> None:
        await retry_until_available(work.finish, prepared)
        for event in chunk.events:
            await stream.ack(event)
        progress.finished(len(chunk.events))
        sizes.observe(len(chunk.events))

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            crash(error)

    before: asyncio.Task[None] | None = None
    async for chunk in stream.chunks(most, most_bytes, weigh):
        with seconds.time():
            progress.began(len(chunk.events))
            ready = await _prepare(work, waiting, chunk)
            progress.set_aside(len(chunk.events) - (len(ready[0].events) if ready else 0))
            if before is not None:
                await before
        if ready is not None:
            before = asyncio.create_task(finish(*ready))
            before.add_done_callback(ended)


async def _prepare(work: Work[P], waiting: WaitingPartitions, chunk: Chunk) -> tuple[Chunk, P] | None:
    """What of the chunk this version can read, prepared; None: nothing."""
    chunk = waiting.ready(chunk)
    while chunk.events:
        try:
            prepared = await retry_until_available(work.prepare, chunk.records)
        except NewerFormat as newer:
            chunk = waiting.stand(chunk, newer)
        else:
            waiting.carried()
            return chunk, prepared
    return None
