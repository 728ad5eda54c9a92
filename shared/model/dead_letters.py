"""Dead letters: a record as it came, with headers that say where it stood and why nobody retries it."""

from __future__ import annotations

from typing import NamedTuple

from shared.model.errors import Invalid
from shared.model.outputs import KafkaRecord, Output


class UnreadableRecord(NamedTuple):
    """A record as it came, and what is wrong with it."""

    record: KafkaRecord
    error: Invalid


def dead_letter(
    topic: str,
    record: KafkaRecord,
    *,
    group: str,
    code: str,
    error_class: str,
    at: int,
    first_failed_at: int | None = None,
    attempts: int = 1,
) -> Output:
    """`record` for the dead-letter topic. `at` in milliseconds since the epoch; it failed first then, if not before."""
    values: tuple[tuple[str, object], ...] = (
        ("source_topic", record.topic),
        ("source_partition", record.partition),
        ("source_offset", record.offset),
        ("source_consumer_group", group),
        ("attempts", attempts),
        ("error_class", error_class),
        ("error_code", code),
        ("first_failed_at", at if first_failed_at is None else first_failed_at),
        ("last_failed_at", at),
    )
    headers = [(name, str(value).encode()) for name, value in values]
    return Output(topic, record.key, record.value, [*record.headers, *headers])
