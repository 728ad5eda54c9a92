"""Milliseconds since the Unix epoch, and RFC 3339."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

DAY_MS: Final = 86_400_000


def to_datetime(ms: int) -> datetime:
    """An aware UTC datetime; MongoDB keeps it to the millisecond."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def from_datetime(value: datetime) -> int:
    """Milliseconds of an aware datetime."""
    return round(value.timestamp() * 1000)


@lru_cache(maxsize=4096)
def rfc3339(ms: int) -> str:
    """As `2026-01-05T10:11:12.131Z`."""
    return to_datetime(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_rfc3339(text: str) -> int:
    """Milliseconds of an RFC 3339 timestamp with offset; raises ValueError."""
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError("a timestamp needs an offset, as Z or +02:00")
    return from_datetime(value)
