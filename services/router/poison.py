"""Records that nobody can read: to the dead-letter topic in the same chunk, neighbours unaffected."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import structlog

from shared.model.dead_letters import dead_letter_headers
from shared.model.errors import Invalid
from shared.model.outputs import Output
from shared.model.topics import Topics
from shared.process.clock import now_ms
from shared.process.metrics import DEAD_LETTERS

log = structlog.get_logger()


class Poison(NamedTuple):
    """A record as it came, and what is wrong with it."""

    message: Any
    error: Invalid


def dead_letters(topics: Topics, poison: Iterable[Poison], service: str) -> list[Output]:
    """Each record as it came, with headers that say where it stood and why it is here."""
    letters = []
    for message, error in poison:
        DEAD_LETTERS.labels(topics.events_dlq, error.code).inc()
        log.warning(
            "dead_letter",
            code=error.code,
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            next=f"read it on {topics.events_dlq}",
        )
        headers = dead_letter_headers(
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            group=topics.group(service),
            code=error.code,
            error_class=type(error).__name__,
            at=now_ms(),
        )
        letters.append(Output(topics.events_dlq, message.key, message.value, _own_headers(message) + headers))
    return letters


def _own_headers(message: Any) -> list[tuple[str, bytes]]:
    headers = message.headers or ()
    return list(headers.items() if isinstance(headers, dict) else headers)
