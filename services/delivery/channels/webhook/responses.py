"""What an endpoint's answer means for a delivery."""

from __future__ import annotations

from typing import Final

from services.delivery.core.attempts import Failed, Outcome, Rejected, Sent
from services.delivery.outbound.retry_after import parse_retry_after
from shared.model.reasons import Reason

GONE: Final = 410


def judge(status: int, retry_after: str | None, now: int) -> Outcome:
    """2xx is success; 410 says that the endpoint is gone; everything else is tried again (Standard Webhooks).

    A redirect is not followed. Whatever else it answers it may answer in the middle of a deployment.
    """
    if 200 <= status < 300:
        return Sent(receipt=str(status))
    if status == GONE:
        return Rejected(reason=Reason.ENDPOINT_GONE, code=str(status))
    return Failed(code=str(status), retry_after_ms=parse_retry_after(retry_after, now))
