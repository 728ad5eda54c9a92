"""Due holds go back to `decide`: claim, produce, delete; any number of instances, a crash anywhere is harmless."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Protocol

from shared.model import ids
from shared.model.outputs import Output
from shared.model.ports import RecordWriter
from shared.model.topics import Topics
from shared.mongo.hold_rows import ClaimedHold
from shared.process.failpoints import Failpoint, failpoint
from shared.process.metrics import HOLD_LATENESS, HOLDS_RELEASED

MAX_UNDER_WAY: Final = 3
"""Batches that are produced and deleted while the next one is claimed."""


class DueHolds(Protocol):
    """The holds whose time has come. Both methods raise MongoUnavailable."""

    async def claim(self, *, most: int, lease: timedelta) -> tuple[str, list[ClaimedHold]]:
        """Claims up to `most` due holds; returns the token and what was won.

        The oldest come first; when more are due than that, each tenant has its share.
        """
        ...

    async def release(self, token: str, /) -> None:
        """Deletes what was claimed under `token`; a lease that was lost meanwhile changes nothing."""
        ...


class Releases:
    """Claims batch after batch; some are produced and deleted meanwhile."""

    def __init__(
        self, holds: DueHolds, publisher: RecordWriter, topics: Topics, *, batch: int, lease: timedelta
    ) -> None:
        self._holds = holds
        self._publisher = publisher
        self._topics = topics
        self._batch = batch
        self._lease = lease
        self._under_way: set[asyncio.Task[None]] = set()

    async def begin(self) -> int:
        """Claims up to a batch of due holds, begins to release them, and returns how many.

        Raises MongoUnavailable or KafkaUnavailable, also those that an earlier batch met: what was claimed comes free when
        its lease ends, and what was produced twice is dropped by `decide`.
        """
        await self._settle(MAX_UNDER_WAY - 1)
        token, claimed = await self._holds.claim(most=self._batch, lease=self._lease)
        if claimed:
            failpoint(Failpoint.AFTER_HOLD_CLAIM)
            self._under_way.add(asyncio.create_task(self._release(token, claimed)))
        return len(claimed)

    async def finish(self) -> None:
        """Returns when nothing is under way any more. Raises as `begin`."""
        await self._settle(0)

    async def _settle(self, most: int) -> None:
        """Waits until at most `most` batches are under way; raises what one of those that ended met."""
        while len(self._under_way) > most:
            await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
            self._take_ended()
        self._take_ended()

    def _take_ended(self) -> None:
        ended = {task for task in self._under_way if task.done()}
        self._under_way -= ended
        failures = [error for task in ended if (error := task.exception()) is not None]
        if failures:
            raise failures[0]

    async def _release(self, token: str, claimed: Sequence[ClaimedHold]) -> None:
        await self._publisher.publish(
            [
                Output(self._topics.notifications, ids.user_key(hold.tenant, hold.user), hold.record, [])
                for hold in claimed
            ]
        )
        failpoint(Failpoint.AFTER_RELEASE)
        await self._holds.release(token)
        HOLDS_RELEASED.inc(len(claimed))
        for hold in claimed:
            HOLD_LATENESS.observe(hold.late_seconds)
