"""Records that nobody can read, or nobody can write: to the dead-letter topic, counted and logged."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog

from shared.model.dead_letters import UnreadableRecord, dead_letter
from shared.model.outputs import Output
from shared.model.oversized import in_place_of
from shared.model.reasons import Reason
from shared.model.topics import Topics
from shared.process.clock import now_ms
from shared.process.metrics import DEAD_LETTERS

log = structlog.get_logger()


def bury(topics: Topics) -> Callable[[Output], list[Output]]:
    """What a Publisher writes instead of an output that is too large for its topic; each is counted and logged."""

    def instead(output: Output) -> list[Output]:
        DEAD_LETTERS.labels(output.topic, Reason.RECORD_TOO_LARGE).inc()
        log.error(
            "record_too_large",
            topic=output.topic,
            bytes=len(output.value or b""),
            next="raise the topic's max.message.bytes to what `carillon topics list` says, or send less data",
        )
        return in_place_of(topics, output, now_ms())

    return instead


def refuse(topic: str, unreadable: Iterable[UnreadableRecord], *, group: str) -> list[Output]:
    """The dead letters of records that the consumer group could not read, for `topic`.

    Nobody could ever read them: they failed first when they were written, as each replay says again.
    """
    letters = []
    for record, error, event in unreadable:
        DEAD_LETTERS.labels(topic, error.code).inc()
        log.warning(
            "dead_letter",
            code=error.code,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            event_id=event,
            next=f"carillon why {event}" if event else f"read it on {topic}",
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
                event=event,
            )
        )
    return letters
