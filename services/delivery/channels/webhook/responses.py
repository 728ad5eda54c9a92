"""What an endpoint's answer, or none, means for a delivery."""

from __future__ import annotations

from typing import Final

from services.delivery.core.attempts import AttemptFault, Failed, Outcome, ProviderUnavailable, Rejected, Sent
from services.delivery.outbound.http import NoAnswer, Trouble
from services.delivery.outbound.retry_after import parse_retry_after
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


def unanswered(nothing: NoAnswer) -> Outcome:
    """The endpoint is its recipient's own: that it does not answer is its own fault and costs an attempt."""
    match nothing.trouble:
        case Trouble.FORBIDDEN:
            return Rejected(reason=Reason.FORBIDDEN_ADDRESS)
        case Trouble.INVALID_URL:
            return Rejected(code=nothing.code)
        case Trouble.BUSY:
            return ProviderUnavailable(code=nothing.code, fault=AttemptFault.US)
        case _:
            unconfirmed = nothing.trouble is Trouble.UNCONFIRMED
            return Failed(code=nothing.code, cool_down=True, unconfirmed=unconfirmed)
