"""Times as the platform reads them."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(value: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: `2026-01-05T07:00:00.000Z`. Raises ValueError for a time without a zone."""
    return _with_zone(value).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(value: datetime) -> int:
    """Since the epoch. Raises ValueError for a time without a zone."""
    return round(_with_zone(value).timestamp() * 1_000)


def _with_zone(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a time needs a zone: datetime.now(UTC), not datetime.now()")
    return value
