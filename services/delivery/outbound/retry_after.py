"""The Retry-After header (RFC 9110)."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime


def parse_retry_after(text: str | None, now: int) -> int | None:
    """Milliseconds to wait by the header, seconds or a date; None when it says nothing. `now` in milliseconds."""
    if not text:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return int(text[:12]) * 1000
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # whoever answers may send anything
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0, round(at.timestamp() * 1000) - now)
