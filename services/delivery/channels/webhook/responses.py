"""What an endpoint's HTTP status means for a delivery."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from services.delivery.core.attempts import Failed, Outcome, Rejected, Sent
from shared.model.reasons import Reason

GONE: Final = 410
UNREADABLE: Final = frozenset({400, 406, 411, 414, 415, 422, 431, 451})
"""What an endpoint answers that understood the request, and does not want this message whatever happens."""


def judge(status: int, retry_after: str | None, now: int) -> Outcome:
    """2xx is success; 410 says that the endpoint is gone; what may pass is tried again (Standard Webhooks).

    A redirect is not followed. It, 401, 403, 404 and 413 are what an endpoint also answers in the middle of a
    deployment; 400, 422 and alike are about this message.
    """
    if 200 <= status < 300:
        return Sent(receipt=str(status))
    if status == GONE:
        return Rejected(reason=Reason.ENDPOINT_GONE, code=str(status))
    if status in UNREADABLE:
        return Rejected(code=str(status))
    return Failed(code=str(status), retry_after_ms=parse_retry_after(retry_after, now))


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
