"""Group commit: many callers, one write at a time; what arrives while one is under way goes into the next.

No caller costs a task, a lock or a timer: one flusher serves all of them, as fast as the sink answers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

import structlog
from aiokafka.errors import MessageSizeTooLargeError

from shared.kafka.producer import Publisher
from shared.model.errors import KafkaUnavailable, Unavailable
from shared.model.outputs import Output

MOST_BYTES: Final = 64 * 1_048_576
"""Held for callers that wait; beyond it `publish` refuses."""
PROBE_FIRST_SECONDS: Final = 0.1
PROBE_LAST_SECONDS: Final = 2.0
CONNECT_SECONDS: Final = 10.0
_RECORD_BYTES: Final = 200
"""What a record costs in memory beside its value."""

log = structlog.get_logger()


class Overloaded(Unavailable):
    """More waits to be written than memory allows."""


class Sink(Protocol):
    """Where a group goes. `publish` returns when all of it is durable and raises Unavailable when it may not be."""

    async def start(self) -> None:
        """Connects, or shows that it could; raises Unavailable."""

    async def publish(self, outputs: list[Output]) -> None:
        """Writes everything."""

    async def discard(self) -> None:
        """Drops what an ended `publish` left behind; must not wait for the far side."""

    async def stop(self) -> None:
        """Disconnects."""


class _Waiting(NamedTuple):
    outputs: Sequence[Output]
    size: int
    since: float
    done: asyncio.Future[None]


class GroupCommit:
    """Writes what its callers bring in groups, in the order it came.

    With `deadline_seconds` a caller never waits longer (and the moment it takes to discard): then the sink is
    discarded with what it holds, every waiting caller gets Unavailable, and `publish` raises at once until a
    probe has connected again. Without one, callers wait for as long as it takes.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        name: str,
        deadline_seconds: float | None,
        error: type[Unavailable] = KafkaUnavailable,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._sink = sink
        self._name = name
        self._error = error
        self._deadline = deadline_seconds
        self._most = most_bytes
        self._pending: list[_Waiting] = []
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._closing = False
        self._away: str | None = None
        self._flusher: asyncio.Task[None] | None = None
        self._prober: asyncio.Task[None] | None = None

    @property
    def away(self) -> bool:
        """Whether the sink did not answer and has not come back yet."""
        return self._away is not None

    @property
    def alive(self) -> bool:
        """False when it can never write again: before `start`, after `stop`, or after a bug (then restart)."""
        return self._flusher is not None and not self._flusher.done()

    async def start(self) -> None:
        """Connects; with a deadline it returns after it even if the sink is away, without one it waits."""
        try:
            async with asyncio.timeout(self._deadline):
                if self._deadline is None:
                    await self._connect_patiently()
                else:
                    await self._sink.start()
        except (Unavailable, TimeoutError) as error:
            self._mark_away(error)
        self._flusher = asyncio.create_task(self._flush_for_ever(), name=f"{self._name}-flusher")

    async def stop(self) -> None:
        """Writes what is pending (within the deadline), then disconnects. Later calls of `publish` raise."""
        self._closing = True
        self._arrived.set()
        if self._flusher is not None:
            await self._flusher
        if self._prober is not None:
            self._prober.cancel()
            await asyncio.wait({self._prober})
        await self._sink.stop()

    async def publish(self, outputs: Sequence[Output], since: float | None = None) -> None:
        """Returns when all outputs are durable. Raises Unavailable: they may or may not be.

        The deadline counts from `since` (monotonic seconds; None: now). A record that is too large for its topic raises MessageSizeTooLargeError for its own caller only.
        """
        if self._away is not None:
            raise self._error(self._away)
        if self._closing or not self.alive:
            raise self._error(f"{self._name} is closed")
        if since is not None and self._deadline is not None and since + self._deadline <= time.monotonic():
            raise self._error("too late to begin")  # the caller's own time is over; the sink is not to blame
        size = sum(_RECORD_BYTES + len(output.value or b"") for output in outputs)
        if self._pending and self._bytes + size > self._most:
            raise Overloaded(f"{self._bytes} bytes wait for {self._name}")
        self._bytes += size
        done = asyncio.get_running_loop().create_future()
        self._pending.append(_Waiting(outputs, size, since or time.monotonic(), done))
        self._arrived.set()
        await done

    async def _flush_for_ever(self) -> None:
        while self._pending or not self._closing:
            await self._arrived.wait()
            self._arrived.clear()
            group, self._pending = self._pending, []
            if group:
                await self._flush(group)
                self._bytes -= sum(waiting.size for waiting in group)

    async def _flush(self, group: list[_Waiting]) -> None:
        try:
            await self._write(group)
        except MessageSizeTooLargeError as error:
            if len(group) == 1:
                _refuse(group, error)
                return
            for waiting in group:  # its neighbours are written again, under the same ids
                await self._flush([waiting])
        except (Unavailable, TimeoutError) as error:
            await self._sink.discard()
            self._mark_away(error)
            _refuse(group + self._pending, self._error(self._away))
            self._bytes -= sum(waiting.size for waiting in self._pending)
            self._pending = []
        except BaseException:  # a bug, or the end of the loop: nobody may wait for a flusher that has ended
            _refuse(group + self._pending, self._error(f"{self._name} failed"))
            raise
        else:
            for waiting in group:
                if not waiting.done.done():
                    waiting.done.set_result(None)

    async def _write(self, group: list[_Waiting]) -> None:
        outputs = [output for waiting in group for output in waiting.outputs]
        if self._away is not None:
            raise self._error(self._away)
        if self._deadline is not None:
            oldest = min(waiting.since for waiting in group)
            async with asyncio.timeout(oldest + self._deadline - time.monotonic()):
                return await self._sink.publish(outputs)
        pause = PROBE_FIRST_SECONDS
        while True:
            try:
                return await self._sink.publish(outputs)
            except Unavailable as error:
                log.warning("waiting", sink=self._name, error=str(error), seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, PROBE_LAST_SECONDS)

    def _mark_away(self, error: Exception) -> None:
        if self._away is None:
            detail = str(error) or f"no acknowledgement within {self._deadline} s"
            self._away = f"{self._name}: {detail}"
            log.warning(
                "away", sink=self._name, error=detail, next="a probe goes on; calls are refused until it connects"
            )
            self._prober = asyncio.create_task(self._probe(), name=f"{self._name}-probe")

    async def _probe(self) -> None:
        await asyncio.sleep(PROBE_FIRST_SECONDS)
        await self._connect_patiently()
        self._away = None
        log.info("back", sink=self._name)

    async def _connect_patiently(self) -> None:
        pause = PROBE_FIRST_SECONDS
        while True:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await self._sink.start()
            except (Unavailable, TimeoutError):
                await asyncio.sleep(pause)
                pause = min(pause * 2, PROBE_LAST_SECONDS)


class GroupPublisher(GroupCommit):
    """Group commit to Kafka: `publish` returns when the records are acknowledged by all replicas."""

    def __init__(self, bootstrap: str, *, client_id: str, deadline_seconds: float | None) -> None:
        super().__init__(Publisher(bootstrap, client_id=client_id), name="kafka", deadline_seconds=deadline_seconds)


def _refuse(group: list[_Waiting], error: Exception) -> None:
    for waiting in group:
        if not waiting.done.done():
            waiting.done.set_exception(error)
