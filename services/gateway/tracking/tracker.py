"""Tells that an e-mail was opened or a link of it followed: once for each delivery, as far as this process knows."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Final

import structlog

from shared.model.errors import Unavailable
from shared.model.outputs import Output
from shared.model.ports import RecordWriter
from shared.model.statuses import Subject, copy_facts, status
from shared.model.topics import Topics
from shared.model.tracking import TrackedLink
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.process.clock import now_ms
from shared.process.gateway_metrics import TRACKED

log = structlog.get_logger()
TELL_SECONDS: Final = 2.0
"""Whoever follows a link waits no longer for us."""
MAX_KNOWN: Final = 20_000
"""The oldest give way."""
_READ: Final = dict.fromkeys(("user", "notification", "channel", "step", "workflow", "variant", "locale"), 1)


class TrackedState(StrEnum):
    """The last word of `carillon.message.*`."""

    OPENED = "opened"
    CLICKED = "clicked"


class Tracker:
    """Publishes statuses. What cannot be told in time is lost, and counted: nobody waits for a statistic."""

    def __init__(self, database: Database, writer: RecordWriter, topics: Topics) -> None:
        self._database = database
        self._writer = writer
        self._topics = topics
        self._published: dict[tuple[str, int, TrackedState], None] = {}

    async def tell(self, link: TrackedLink) -> None:
        """Never raises; the status's id derives from the delivery, so that telling it again is the same."""
        state = TrackedState.OPENED if link.url is None else TrackedState.CLICKED
        key = link.delivery, link.generation, state
        if key in self._published:
            TRACKED.labels(state, "repeated").inc()
            return
        try:
            async with asyncio.timeout(TELL_SECONDS):
                found = await self._status(link, state)
                if found is not None:
                    await self._writer.publish([found])
        except (Unavailable, TimeoutError) as error:
            TRACKED.labels(state, "lost").inc()
            log.warning(
                "tracking_lost", state=state, delivery=link.delivery, error=type(error).__name__, next="nothing"
            )
            return
        if len(self._published) >= MAX_KNOWN:
            del self._published[next(iter(self._published))]
        self._published[key] = None
        TRACKED.labels(state, "published" if found is not None else "unknown").inc()

    async def _status(self, link: TrackedLink, state: TrackedState) -> Output | None:
        """None: its row is kept no more."""
        with mongo_border():
            row = await self._database.deliveries.find_one({"_id": link.delivery, "tenant": link.tenant}, _READ)
        if row is None:
            return None
        data = {"notification": row["notification"], "delivery": link.delivery, "channel": row["channel"]}
        more = {name: row.get(name) for name in ("step", "workflow") if row.get(name) is not None}
        return status(
            self._topics.statuses,
            area="message",
            state=state,
            subject=Subject(link.delivery, link.generation, 0),
            tenant=link.tenant,
            user=row["user"],
            at=now_ms(),
            data=data | more | copy_facts(row.get("variant"), row.get("locale")),
        )
