"""What an endpoint's HTTP status means for a delivery."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from services.delivery.core.attempts import Failed, Outcome, Rejected, Sent

RETRYABLE: Final = frozenset({408, 409, 425, 429})


def judge(status: int, retry_after: str | None, now: int) -> Outcome:
    """2xx is success, 410 and other 4xx mean never, redirects too; what may pass is tried again."""
    if 200 <= status < 300:
        return Sent(receipt=str(status))
    if status >= 500 or status in RETRYABLE:
        return Failed(code=str(status), retry_after_ms=parse_retry_after(retry_after, now))
    return Rejected(code=str(status))


def parse_retry_after(text: str | None, now: int) -> int | None:
    """Milliseconds to wait by a Retry-After header (RFC 9110), seconds or a date; None when it says nothing."""
    if not text:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return int(text[:12]) * 1000
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # the endpoint may send anything
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0, round(at.timestamp() * 1000) - now)
