"""Waiting for Kafka or MongoDB to come back."""

from __future__ import annotations

import stamina

from shared.model.errors import Unavailable


def retry_until_available() -> stamina.BoundAsyncRetryingCaller:
    """Calls that wait for MongoDB or Kafka to come back, for as long as it takes."""
    return stamina.AsyncRetryingCaller(attempts=None, timeout=None, wait_initial=0.05, wait_max=5.0).on(Unavailable)
