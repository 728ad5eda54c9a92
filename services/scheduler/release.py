"""Due holds go back to `decide`: claim, produce, delete; any number of instances, a crash anywhere is harmless."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from shared.model import ids
from shared.model.outputs import Output
from shared.model.ports import RecordWriter
from shared.model.topics import Topics
from shared.mongo.holds import ClaimedHold
from shared.process.failpoints import Failpoint, failpoint
from shared.process.metrics import HOLD_LATENESS, HOLDS_RELEASED


class DueHolds(Protocol):
    """The holds whose time has come. Both methods raise MongoUnavailable."""

    async def claim(
        self, *, most: int, lease: timedelta, pick: Callable[[list[str]], list[str]]
    ) -> tuple[str, list[ClaimedHold]]:
        """Claims up to `most` due holds; returns the token and what was won, oldest first."""
        ...

    async def release(self, token: str, /) -> None:
        """Deletes what was claimed under `token`; a lease that was lost meanwhile changes nothing."""
        ...


async def release_due(holds: DueHolds, publisher: RecordWriter, topics: Topics, *, batch: int, lease: timedelta) -> int:
    """Releases up to `batch` due holds and returns how many; several looks empty the rest.

    Raises MongoUnavailable or KafkaUnavailable: what was claimed comes free when its lease ends, and what was produced
    twice is dropped by `decide`.
    """

    def pick(due: list[str]) -> list[str]:
        return random.sample(due, min(batch, len(due)))

    token, claimed = await holds.claim(most=batch, lease=lease, pick=pick)
    if not claimed:
        return 0
    failpoint(Failpoint.AFTER_HOLD_CLAIM)
    await publisher.publish(
        [Output(topics.notifications, ids.user_key(hold.tenant, hold.user), hold.record, []) for hold in claimed]
    )
    failpoint(Failpoint.AFTER_RELEASE)
    await holds.release(token)
    HOLDS_RELEASED.inc(len(claimed))
    for hold in claimed:
        HOLD_LATENESS.observe(hold.late_seconds)
    return len(claimed)
