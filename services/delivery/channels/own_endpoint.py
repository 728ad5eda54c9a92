"""Channels whose recipients have an endpoint of their own: an account and a host for each, and what its silence means."""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from services.delivery.core.attempts import AttemptFault, Failed, Outcome, ProviderUnavailable, Rejected
from services.delivery.outbound.http import NoAnswer, Trouble
from shared.model.deliveries import Delivery
from shared.model.ids import endpoint_id
from shared.model.reasons import Reason

MAX_KEPT: Final = 10_000
"""Endpoints of which it is remembered what follows from their URLs."""


def endpoint_of(delivery: Delivery) -> str:
    """The account: the URL, for this tenant."""
    return _endpoint(delivery.notification.tenant, delivery.address)


def host_of(delivery: Delivery) -> str | None:
    """The host and port of its URL; None when that is none, as its send will say."""
    return _host(delivery.address)


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


_endpoint = lru_cache(maxsize=MAX_KEPT)(endpoint_id)


@lru_cache(maxsize=MAX_KEPT)
def _host(url: str) -> str | None:
    try:
        return urlsplit(url).netloc.lower() or None
    except ValueError:
        return None
