"""Whether a sink answers: lost by a failed write, found again by a probe that connects."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

import structlog

from shared.model.errors import Unavailable
from shared.model.outputs import Output

PROBE_FIRST_SECONDS: Final = 0.1
PROBE_LAST_SECONDS: Final = 2.0
CONNECT_SECONDS: Final = 10.0

log = structlog.get_logger()


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


class Availability:
    """Knows whether its sink can be written to, and asks an unavailable one until it connects."""

    def __init__(self, sink: Sink, *, name: str, meanwhile: str) -> None:
        """`meanwhile`: what becomes of calls while it is unavailable, for the log."""
        self._sink = sink
        self._meanwhile = meanwhile
        self._name = name
        self._prober: asyncio.Task[None] | None = None
        self._failed = asyncio.Event()
        self.reason: str | None = None
        """Why the sink is unavailable; None: it is available, as far as is known."""
        self.bug: BaseException | None = None
        """What ended the writing or the probing for good."""

    def fail(self, error: BaseException) -> None:
        """Notes a bug: nothing must be written from now on."""
        if self.bug is None:
            self.bug = error
            self._failed.set()

    async def watch(self) -> None:
        """Never returns; raises the bug once there is one."""
        await self._failed.wait()
        self.raise_bug()

    def raise_bug(self) -> None:
        """Raises the bug, if there is one."""
        if self.bug is not None:
            raise self.bug

    async def stop(self) -> None:
        """Ends the probing."""
        if self._prober is not None:
            self._prober.cancel()
            await asyncio.wait({self._prober})

    def mark_unavailable(self, detail: str) -> None:
        """The sink did not answer: from now on a probe asks it."""
        if self.reason is None:
            self.reason = f"{self._name}: {detail}"
            log.warning(
                "sink_unavailable",
                sink=self._name,
                error=detail,
                next=f"{self._meanwhile}; probes go on until one connects",
            )
            self._prober = asyncio.create_task(self._probe(), name=f"{self._name}-probe")
            self._prober.add_done_callback(self._on_probe_end)

    async def connect(self) -> None:
        """Returns when the sink is connected, however long that takes."""
        pause = PROBE_FIRST_SECONDS
        while True:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await self._sink.start()
            except (Unavailable, TimeoutError):
                await asyncio.sleep(pause)
                pause = min(pause * 2, PROBE_LAST_SECONDS)

    async def publish_until_written(self, outputs: list[Output]) -> None:
        """Returns when the outputs are written, however long that takes."""
        pause = PROBE_FIRST_SECONDS
        while True:
            try:
                return await self._sink.publish(outputs)
            except Unavailable as error:
                log.warning("waiting", sink=self._name, error=str(error), seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, PROBE_LAST_SECONDS)

    async def _probe(self) -> None:
        await asyncio.sleep(PROBE_FIRST_SECONDS)
        await self.connect()
        self.reason = None
        log.info("sink_available", sink=self._name)

    def _on_probe_end(self, prober: asyncio.Task[None]) -> None:
        if not prober.cancelled() and (error := prober.exception()) is not None:
            self.fail(error)
