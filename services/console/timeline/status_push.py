"""Statuses for those who asked for them: stored in the timeline first, then pushed, then acknowledged."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from services.console.timeline.core.rows import TimelineRow
from shared.model import ids
from shared.model.outputs import Output
from shared.model.ports import RecordWriter
from shared.model.records import encode, notify
from shared.model.status_endpoints import StatusEndpoint, StatusEvent, pushes
from shared.model.timestamps import from_datetime, rfc3339
from shared.model.topics import Topics
from shared.process.clock import now_ms
from shared.process.retries import retry_until_available

KNOWN_SECONDS: Final = 5.0
"""So old may be what is known of the endpoints."""
ReadEndpoints = Callable[[], Awaitable[dict[str, list[StatusEndpoint]]]]
"""All endpoints, by tenant. Raises MongoUnavailable."""


class StatusPush:
    """Makes notifications of statuses. Costs a look at the endpoints every few seconds where there are none."""

    def __init__(self, read: ReadEndpoints, writer: RecordWriter, topics: Topics) -> None:
        self._read = read
        self._writer = writer
        self._topics = topics
        self._endpoints: dict[str, list[StatusEndpoint]] = {}
        self._read_at: float | None = None

    async def push(self, rows: Sequence[TimelineRow]) -> None:
        """Returns when all pushes of these statuses are durable. Waits while Kafka or MongoDB are unavailable."""
        await self._refresh()
        if not self._endpoints:
            return
        statuses = [_event(row) for row in rows if row["tenant"] in self._endpoints]
        outputs = [
            Output(
                self._topics.notifications, ids.user_key(one.tenant, one.user), encode(notify(one)), []
            )
            for one in pushes(statuses, self._endpoints, now_ms())
        ]  # fmt: skip
        if outputs:
            await retry_until_available(self._writer.publish, outputs)

    async def _refresh(self) -> None:
        now = time.monotonic()
        if self._read_at is None or now - self._read_at >= KNOWN_SECONDS:
            self._endpoints = await retry_until_available(self._read)
            self._read_at = now


def _event(row: TimelineRow) -> StatusEvent:
    return StatusEvent(
        id=row["_id"],
        tenant=row["tenant"],
        type=row["type"],
        subject=row["subject"],
        at=rfc3339(from_datetime(row["at"])),
        data=row["data"],
    )
