"""When a server wants to be asked again: Retry-After (RFC 9110), and X-RateLimit-Reset."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

YEAR_SECONDS: Final = 31_536_000


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


def parse_reset(text: str | None, now: int) -> int | None:
    """The same of an X-RateLimit-Reset: seconds since the epoch, or what some make of it, seconds from now."""
    text = (text or "").strip()
    if not (text.isascii() and text.isdigit()):
        return None
    seconds = int(text[:12])
    return seconds * 1000 if seconds < YEAR_SECONDS else max(0, seconds * 1000 - now)
