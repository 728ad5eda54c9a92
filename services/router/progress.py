"""How far the agents are: records behind, when one was finished last, and whether they stand.

Measured every few seconds by a task of its own, so that probes and scrapes ask nobody.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from shared.model.errors import KafkaUnavailable
from shared.model.outputs import Partition
from shared.model.timestamps import rfc3339
from shared.process.clock import now_ms
from shared.process.metrics import LAG, LAST_PROGRESS
from shared.process.newer import NewerRecords
from shared.process.retries import waits_for_infrastructure

EVERY_SECONDS: Final = 5.0

Unread = Mapping[Partition, int]
"""By partition assigned here, how many records Faust has not taken yet."""


class AgentProgress:
    """Of one agent, which says what it does; costs an addition per chunk."""

    def __init__(self, agent: str, topics: Sequence[str]) -> None:
        self.agent = agent
        self.topics = topics
        self.finished_at: int | None = None
        """When a record was finished last, in milliseconds since the epoch."""
        self._in_work = 0
        self._unread = 0
        self._taken: Callable[[], int] = lambda: 0
        self._moved = time.monotonic()

    @property
    def lag(self) -> int:
        """Records that were not finished, in the partitions that are assigned here."""
        return self._unread + self._taken() + self._in_work

    @property
    def held(self) -> int:
        """Those of them that were taken from Kafka; known at every moment."""
        return self._taken() + self._in_work

    def follow(self, taken: Callable[[], int]) -> None:
        """How many records were taken from Kafka and are not in work."""
        self._taken = taken

    def began(self, count: int) -> None:
        """So many records are in work now."""
        self._in_work += count

    def set_aside(self, count: int) -> None:
        """So many of them are not, after all; fewer than none: what was set aside is in work again."""
        self._in_work -= count

    def finished(self, count: int) -> None:
        """So many are done."""
        self._in_work -= count
        self.finished_at = now_ms()
        self._moved = time.monotonic()

    def measured(self, unread: Unread) -> None:
        """What Kafka has for it."""
        self._unread = sum(count for (topic, _), count in unread.items() if topic in self.topics)
        if not self.lag:
            self.excuse()

    def excuse(self) -> None:
        """It does not stand: it has nothing to do, or cannot go on and says why elsewhere."""
        self._moved = time.monotonic()

    def stands(self) -> float | None:
        """For how many seconds there was something to do and nothing was finished; None: there is nothing to do."""
        return time.monotonic() - self._moved if self.lag else None


class RouterProgress:
    """Of all agents of a process."""

    def __init__(self, newer: NewerRecords, *, stall_seconds: float) -> None:
        self._newer = newer
        self._stall_seconds = stall_seconds
        self._agents: list[AgentProgress] = []

    def agent(self, name: str, topics: Sequence[str]) -> AgentProgress:
        """What an agent of these topics says."""
        made = AgentProgress(name, topics)
        self._agents.append(made)
        return made

    async def watch(self, unread: Callable[[], Awaitable[Unread]]) -> None:
        """Measures until cancelled; while no broker answers what is known goes on."""
        while True:
            with suppress(KafkaUnavailable):
                await self.measure(await unread())
            await asyncio.sleep(EVERY_SECONDS)

    async def measure(self, unread: Unread) -> None:
        """What Kafka has for the agents; the metrics say it."""
        excused = waits_for_infrastructure() or await self._newer.check() is not True
        for each in self._agents:
            each.measured(unread)
            if excused:
                each.excuse()
            LAG.labels(each.agent).set(each.lag)
            LAST_PROGRESS.labels(each.agent).set((each.finished_at or 0) / 1000)

    async def answer(self) -> bool | str:
        """For `/readyz`: True, or which agents stand although there is work and all that they need answers."""
        if waits_for_infrastructure() or await self._newer.check() is not True:
            return True  # another check says so
        standing = [
            f"{each.agent} is {each.lag} records behind, and has finished none for {seconds:.0f} s"
            for each in self._agents
            if (seconds := each.stands()) is not None and seconds >= self._stall_seconds
        ]
        return "; ".join(standing) or True

    def report(self) -> dict[str, dict[str, int | str | None]]:
        """For `/readyz`: by agent how many records it is behind, and when it finished one last."""
        return {
            each.agent: {
                "lag": each.lag,
                "last_progress": None if each.finished_at is None else rfc3339(each.finished_at),
            }
            for each in self._agents
        }
