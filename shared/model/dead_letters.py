"""Headers of dead letters (pure)."""

from __future__ import annotations

from collections.abc import Sequence


def dead_letter_headers(
    *, topic: str, partition: int, offset: int, group: str, code: str, error_class: str, at: int, attempts: int = 1
) -> list[tuple[str, bytes]]:
    """The headers that a dead letter carries beside its own; `at` in milliseconds since the epoch."""
    values: Sequence[tuple[str, object]] = (
        ("source_topic", topic),
        ("source_partition", partition),
        ("source_offset", offset),
        ("source_consumer_group", group),
        ("attempts", attempts),
        ("error_class", error_class),
        ("error_code", code),
        ("first_failed_at", at),
        ("last_failed_at", at),
    )
    return [(name, str(value).encode()) for name, value in values]
