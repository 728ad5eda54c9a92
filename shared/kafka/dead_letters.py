"""Records that nobody can read: to the dead-letter topic, counted and logged by their coordinates."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from shared.model.dead_letters import UnreadableRecord, dead_letter
from shared.model.outputs import Output
from shared.process.clock import now_ms
from shared.process.metrics import DEAD_LETTERS

log = structlog.get_logger()


def refuse(topic: str, unreadable: Iterable[UnreadableRecord], *, group: str) -> list[Output]:
    """The dead letters of records that the consumer group could not read, for `topic`.

    Nobody could ever read them: they failed first when they were written, as each replay says again.
    """
    letters = []
    for record, error in unreadable:
        DEAD_LETTERS.labels(topic, error.code).inc()
        log.warning(
            "dead_letter",
            code=error.code,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            next=f"read it on {topic}",
        )
        letters.append(
            dead_letter(
                topic,
                record,
                group=group,
                code=error.code,
                error_class=type(error).__name__,
                at=now_ms(),
                first_failed_at=record.timestamp if record.timestamp >= 0 else None,
            )
        )
    return letters
