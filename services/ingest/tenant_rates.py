"""How often a tenant's producers may call: what its settings say, of each ingest process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import pymongo

from shared.http.problems import Problem
from shared.http.rate_limit_headers import rate_limit_headers
from shared.model.errors import MongoUnavailable
from shared.model.tenants import ENVIRONMENT, TenantSettings, effective
from shared.model.token_buckets import TokenBucket

KNOWN_SECONDS: Final = 10.0
MAX_KEPT: Final = 10_000

ReadLimits = Callable[[list[str]], Awaitable[dict[str, TenantSettings]]]
"""The stored settings by tenant, of `*` as well. Raises MongoUnavailable."""


class _Rate:
    """What is known of a tenant, and until when (monotonic seconds)."""

    __slots__ = ("bucket", "per_second", "until")

    def __init__(self, until: float, per_second: int | None) -> None:
        self.until = until
        self.per_second = per_second
        # A second's worth at once: who sends a batch a second is not refused for its first request.
        self.bucket = TokenBucket(rate=per_second, burst=per_second) if per_second is not None else None


class TenantRates:
    """Counts calls by tenant. A changed limit counts 10 s later at the latest."""

    def __init__(self, read: ReadLimits, *, read_seconds: float) -> None:
        self._read = read
        self._read_seconds = read_seconds
        self._known: dict[str, _Rate] = {}

    async def take(self, tenant: str, now: float) -> None:
        """Counts a call at `now` (monotonic seconds). Raises Problem 429 when there are too many.

        While MongoDB is unavailable what was known last counts: its callers must not lose events.
        """
        rate = self._known.get(tenant)
        if rate is None or now >= rate.until:
            rate = await self._refresh(tenant, rate, now)
        if rate.bucket is None or rate.bucket.take(now):
            return
        detail = f"this tenant may make {rate.per_second} calls a second"
        raise Problem(
            429,
            "rate_limited",
            detail,
            fix="Repeat the same call after Retry-After seconds; send several events in one call.",
            headers={"Retry-After": "1"}
            | rate_limit_headers("tenant", quota=rate.per_second or 0, seconds=1, left=0, reset=1),
        )

    async def _refresh(self, tenant: str, known: _Rate | None, now: float) -> _Rate:
        if known is None:
            if len(self._known) >= MAX_KEPT:
                self._known.clear()
            known = self._known[tenant] = _Rate(now, None)
        known.until = now + KNOWN_SECONDS  # others go on by what is known while this one asks
        try:
            with pymongo.timeout(self._read_seconds):
                stored = await self._read([tenant])
        except MongoUnavailable:
            return known
        settings = effective(tenant, stored.get(tenant), stored.get(ENVIRONMENT))
        per_second = settings.limits.requests_per_second if settings is not None else None
        if per_second != known.per_second:
            known = self._known[tenant] = _Rate(known.until, per_second)
        return known
