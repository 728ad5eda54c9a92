"""Group commit to a sink: a batcher behind a gate that bounds how long a caller waits and how much is held.

No caller costs a task, a lock or a timer: one write at a time serves all of them, as fast as the sink answers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiokafka.errors import MessageSizeTooLargeError

from shared.kafka.availability import Availability, Sink
from shared.kafka.connection import KafkaAddress
from shared.kafka.producer import Publisher
from shared.model.errors import KafkaUnavailable, Unavailable
from shared.model.outputs import Output
from shared.process.batching import Batcher, settle

MAX_BYTES: Final = 64 * 1_048_576
"""Held for callers that wait; beyond it `publish` refuses."""
REJECTED: Final = "calls are rejected"
_RECORD_BYTES: Final = 200
"""What a record costs in memory beside its value."""


class Overloaded(Unavailable):
    """More waits to be written than memory allows."""


@dataclass(slots=True)
class _Waiting:
    outputs: Sequence[Output]
    size: int
    since: float
    done: asyncio.Future[None] | None = None


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
        most_bytes: int = MAX_BYTES,
        meanwhile: str = REJECTED,
    ) -> None:
        """`meanwhile`: what becomes of calls while the sink is unavailable, for the log."""
        self._sink = sink
        self._name = name
        self._error = error
        self._deadline = deadline_seconds
        self._most = most_bytes
        self._bytes = 0
        self._open = False
        self._availability = Availability(sink, name=name, meanwhile=meanwhile)
        self._commit: Batcher[_Waiting, None] = Batcher(self._write, most=None)

    @property
    def unavailable(self) -> bool:
        """Whether the sink did not answer and has not come back yet."""
        return self._availability.reason is not None

    @property
    def alive(self) -> bool:
        """False when it can never write again: before `start`, after `stop`, or after a bug (see `watch`)."""
        return self._open and self._availability.bug is None

    async def start(self) -> None:
        """Connects; with a deadline it returns after it even if the sink is unavailable, without one it waits."""
        try:
            async with asyncio.timeout(self._deadline):
                if self._deadline is None:
                    await self._availability.connect()
                else:
                    await self._sink.start()
        except (Unavailable, TimeoutError) as error:
            self._availability.mark_unavailable(self._detail(error))
        self._open = True

    async def watch(self) -> None:
        """Never returns. Raises the bug that ended this group commit: its owner must end, too, and start anew."""
        await self._availability.watch()

    async def stop(self) -> None:
        """Writes what is pending (within the deadline), then disconnects. Later calls of `publish` raise.

        Raises the bug that ended it before, if one did.
        """
        self._open = False
        await self._commit.drain()
        await self._availability.stop()
        await self._sink.stop()
        self._availability.raise_bug()

    async def publish(self, outputs: Sequence[Output], since: float | None = None) -> None:
        """Returns when all outputs are durable. Raises Unavailable: they may or may not be.

        The deadline counts from `since` (monotonic seconds; None: now). A record that is too large for its topic
        raises MessageSizeTooLargeError for its own caller only.
        """
        if not self._open:
            raise self._error(f"{self._name} is closed")
        if (refusal := self._refusal()) is not None:
            raise refusal
        if since is not None and self._deadline is not None and since + self._deadline <= time.monotonic():
            raise self._error("too late to begin")  # the caller's own time is over; the sink is not to blame
        size = sum(_RECORD_BYTES + len(output.value or b"") for output in outputs)
        if self._bytes and self._bytes + size > self._most:
            raise Overloaded(f"{self._bytes} bytes wait for {self._name}")
        self._bytes += size
        waiting = _Waiting(outputs, size, since or time.monotonic())
        waiting.done = self._commit.submit(waiting)
        await waiting.done

    async def _write(self, group: list[_Waiting]) -> list[Exception | None]:
        try:
            return await self._attempt(group)
        except (Exception, asyncio.CancelledError) as error:
            # A bug (a cancellation that leaks from the sink is one, too): who waits learns it, and who watches.
            bug = error if isinstance(error, Exception) else RuntimeError(f"the write to {self._name} was cancelled")
            self._availability.fail(bug)
            raise self._error(f"{self._name} failed") from error
        finally:
            self._bytes -= sum(waiting.size for waiting in group)

    async def _attempt(self, group: list[_Waiting]) -> list[Exception | None]:
        """Writes a group; returns for each caller None, or the error that it gets."""
        if (refusal := self._refusal()) is not None:
            return [refusal] * len(group)
        outputs = [output for waiting in group for output in waiting.outputs]
        try:
            if self._deadline is None:
                await self._availability.publish_until_written(outputs)
            else:
                oldest = min(waiting.since for waiting in group)
                async with asyncio.timeout(oldest + self._deadline - time.monotonic()):
                    await self._sink.publish(outputs)
        except MessageSizeTooLargeError as error:
            if len(group) == 1:
                return [error]
            return [await self._attempt_alone(waiting) for waiting in group]
        except (Unavailable, TimeoutError) as error:
            await self._sink.discard()
            self._availability.mark_unavailable(self._detail(error))
            return [self._refusal()] * len(group)
        return [None] * len(group)

    async def _attempt_alone(self, waiting: _Waiting) -> Exception | None:
        """Writes a neighbour of a record that is too large again, under the same ids; its caller is told at once."""
        (result,) = await self._attempt([waiting])
        if waiting.done is not None:
            settle(waiting.done, result)
        return result

    def _refusal(self) -> Unavailable | None:
        if self._availability.bug is not None:
            return self._error(f"{self._name} failed")
        reason = self._availability.reason
        return None if reason is None else self._error(reason)

    def _detail(self, error: Exception) -> str:
        return str(error) or f"no acknowledgement within {self._deadline} s"


class GroupPublisher(GroupCommit):
    """Group commit to Kafka: `publish` returns when the records are acknowledged by all replicas."""

    def __init__(
        self, kafka: KafkaAddress, *, client_id: str, deadline_seconds: float | None, meanwhile: str = REJECTED
    ) -> None:
        super().__init__(
            Publisher(kafka, client_id=client_id),
            name="kafka",
            deadline_seconds=deadline_seconds,
            meanwhile=meanwhile,
        )
