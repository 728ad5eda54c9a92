"""Channels whose recipients have an endpoint of their own: an account and a host for each, and what its silence means."""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from shared.model.deliveries import Delivery
from shared.model.ids import endpoint_id

MAX_KEPT: Final = 10_000
"""Endpoints of which it is remembered what follows from their URLs."""


def endpoint_of(delivery: Delivery) -> str:
    """The account: the URL, for this tenant."""
    return _endpoint(delivery.notification.tenant, delivery.address)


def host_of(delivery: Delivery) -> str | None:
    """The host and port of its URL; None when that is none, as its send will say."""
    return _host(delivery.address)


_endpoint = lru_cache(maxsize=MAX_KEPT)(endpoint_id)


@lru_cache(maxsize=MAX_KEPT)
def _host(url: str) -> str | None:
    try:
        return urlsplit(url).netloc.lower() or None
    except ValueError:
        return None
