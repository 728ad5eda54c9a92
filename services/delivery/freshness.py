"""Whether a decision still holds when its delivery is claimed late."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from shared.model.deliveries import Delivery
from shared.model.ports import CancellationCounter
from shared.process.batching import Batcher
from shared.process.retries import retry_until_available

ReadVersions = Callable[[list[str]], Awaitable[dict[str, int]]]
"""The versions of stored profiles by user key, or of tenants' settings. Raises MongoUnavailable."""
BULK = 200


class Freshness:
    """Compares old decisions with what is known now, many at once."""

    def __init__(
        self,
        *,
        versions: ReadVersions,
        tenant_versions: ReadVersions,
        cancellations: CancellationCounter,
        stale_after_ms: int,
    ) -> None:
        """`tenant_versions`: of the settings that count for tenants, 0 without any."""
        self._versions = versions
        self._tenant_versions = tenant_versions
        self._cancellations = cancellations
        self._stale_after_ms = stale_after_ms
        self._changed: Batcher[Delivery, bool] = Batcher(self._compare, most=BULK)

    async def is_stale(self, delivery: Delivery, now: int) -> bool:
        """Past `valid_until`, or decided more than a minute ago and profile, tenant or cancel counter moved since.

        `now` in milliseconds. Waits while MongoDB is unavailable: who cannot know does not send.
        """
        if delivery.valid_until is not None and now >= delivery.valid_until:
            return True
        if now - delivery.decided_at <= self._stale_after_ms:
            return False
        return await self._changed(delivery)

    def good_until(self, delivery: Delivery, now: int) -> int:
        """Until when a look at `now` counts, in milliseconds: expiry, `valid_until`, or a minute later.

        Who waited beyond it, for a connection say, looks again before sending.
        """
        compared = delivery.decided_at if now - delivery.decided_at <= self._stale_after_ms else now
        ends = [delivery.notification.expires_at, compared + self._stale_after_ms + 1]
        return min(ends if delivery.valid_until is None else [*ends, delivery.valid_until])

    async def _compare(self, deliveries: list[Delivery]) -> list[bool]:
        return await retry_until_available(self._read, deliveries)

    async def _read(self, deliveries: list[Delivery]) -> list[bool]:
        versions = await self._versions(sorted({_user_key(delivery) for delivery in deliveries}))
        tenants = await self._tenant_versions(sorted({delivery.notification.tenant for delivery in deliveries}))
        counts = await self._cancellations.counts([delivery.notification for delivery in deliveries])
        return [
            versions.get(_user_key(delivery), 0) != delivery.profile_version
            or tenants[delivery.notification.tenant] != delivery.tenant_version
            or count > delivery.notification.cancel_count
            for delivery, count in zip(deliveries, counts, strict=True)
        ]


def _user_key(delivery: Delivery) -> str:
    return f"{delivery.notification.tenant}:{delivery.notification.user}"
