"""Milliseconds since the Unix epoch, and RFC 3339."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

DAY_MS: Final = 86_400_000

_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt](?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-5][0-9])"
)


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
    """Milliseconds of an RFC 3339 `date-time` (section 5.6), the only form that is read anywhere. Raises ValueError.

    A leap second counts as the second before it.
    """
    if not _RFC3339.fullmatch(text):
        raise ValueError("an RFC 3339 time with an offset, as 2026-01-05T08:00:00Z")
    if text[17:19] == "60":
        text = f"{text[:17]}59{text[19:]}"
    try:
        return from_datetime(datetime.fromisoformat(text.upper()))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"an RFC 3339 time that there is: {error}") from error
