"""Statuses for those who asked for them: stored in the timeline first, then pushed, then acknowledged."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Final, NamedTuple

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
ReadEndpoints = Callable[[Collection[str]], Awaitable[dict[str, list[StatusEndpoint]]]]
"""The endpoints of these tenants, by tenant. Raises MongoUnavailable."""


class _Known(NamedTuple):
    at: float
    endpoints: Sequence[StatusEndpoint]


class StatusPush:
    """Makes notifications of statuses. Costs a look at their tenants' endpoints every few seconds where there are none."""

    def __init__(self, read: ReadEndpoints, writer: RecordWriter, topics: Topics) -> None:
        self._read = read
        self._writer = writer
        self._topics = topics
        self._known: dict[str, _Known] = {}

    async def push(self, rows: Sequence[TimelineRow]) -> None:
        """Returns when all pushes of these statuses are durable. Waits while Kafka or MongoDB are unavailable."""
        endpoints = await self._endpoints_of({row["tenant"] for row in rows})
        statuses = [_event(row) for row in rows if endpoints[row["tenant"]]]
        outputs = [
            Output(
                self._topics.notifications, ids.user_key(one.tenant, one.user), encode(notify(one)), []
            )
            for one in pushes(statuses, endpoints, now_ms())
        ]  # fmt: skip
        if outputs:
            await retry_until_available(self._writer.publish, outputs)

    async def _endpoints_of(self, tenants: set[str]) -> dict[str, Sequence[StatusEndpoint]]:
        now = time.monotonic()
        self._known = {name: known for name, known in self._known.items() if now - known.at < KNOWN_SECONDS}
        if unknown := tenants - self._known.keys():
            found = await retry_until_available(self._read, unknown)
            self._known |= {name: _Known(now, found.get(name, ())) for name in unknown}
        return {name: self._known[name].endpoints for name in tenants}


def _event(row: TimelineRow) -> StatusEvent:
    return StatusEvent(
        id=row["_id"],
        tenant=row["tenant"],
        type=row["type"],
        subject=row["subject"],
        at=rfc3339(from_datetime(row["at"])),
        data=row["data"],
    )
