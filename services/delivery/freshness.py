"""Whether a decision still holds when its delivery is claimed late."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from shared.model.deliveries import Delivery
from shared.model.formats import NewerFormat
from shared.model.lives import CLOCKS_APART_MS
from shared.model.owners import address_ids
from shared.model.ports import AddressOwnerLookup, CancellationCounter, SubscriptionLookup, SuppressionList
from shared.model.subscriptions import Subscription, SubscriptionKey
from shared.process.batching import Batcher
from shared.process.retries import retry_until_available

ReadVersions = Callable[[list[str]], Awaitable[dict[str, int]]]
"""The versions of stored profiles by user key, or of tenants' settings. Raises MongoUnavailable."""
BULK = 200
MAX_UNKNOWN_MS: Final = 600_000
"""How long the router may still decide without what is stored about an address, clocks included. What was decided within
that time of it is decided once more: whether it is concerned is for `decide` to say."""


class Freshness:
    """Compares old decisions with what is known now, many at once."""

    def __init__(
        self,
        *,
        versions: ReadVersions,
        tenant_versions: ReadVersions,
        cancellations: CancellationCounter,
        suppressions: SuppressionList,
        owners: AddressOwnerLookup,
        subscriptions: SubscriptionLookup,
        stale_after_ms: int,
    ) -> None:
        """`tenant_versions`: of the settings that count for tenants, 0 without any."""
        self._versions = versions
        self._tenant_versions = tenant_versions
        self._suppressions = suppressions
        self._owners = owners
        self._cancellations = cancellations
        self._stale_after_ms = stale_after_ms
        self._subscriptions = subscriptions
        self._changed: Batcher[Delivery, bool] = Batcher(self._compare, most=BULK)
        self._left: Batcher[Delivery, bool] = Batcher(self._compare_topics, most=BULK)

    async def is_stale(self, delivery: Delivery, now: int, *, critical: bool = False) -> bool:
        """Past `valid_until`, or decided more than a minute ago and something that it rests on has changed since.

        That is the profile, the cancel counter, the suppression list, who has an inline person's address, and the subscription
        to its topic, which a `critical` workflow does not ask. `now` in milliseconds. Waits while MongoDB is unavailable: who
        cannot know does not send.
        """
        if delivery.valid_until is not None and now >= delivery.valid_until:
            return True
        if now - delivery.decided_at <= self._stale_after_ms:
            return False
        if await self._changed(delivery):
            return True
        asks = delivery.notification.topic is not None and delivery.digest is None and not critical
        return asks and await self._left(delivery)

    def good_until(self, delivery: Delivery, now: int) -> int:
        """Until when a look at `now` counts, in milliseconds: expiry, `valid_until`, or a minute later.

        Who waited beyond it, for a connection say, looks again before sending.
        """
        compared = delivery.decided_at if now - delivery.decided_at <= self._stale_after_ms else now
        ends = [delivery.notification.expires_at, compared + self._stale_after_ms + 1]
        return min(ends if delivery.valid_until is None else [*ends, delivery.valid_until])

    async def _compare(self, deliveries: list[Delivery]) -> list[bool]:
        return await retry_until_available(self._read, deliveries)

    async def _compare_topics(self, deliveries: list[Delivery]) -> list[bool]:
        return await retry_until_available(self._read_topics, deliveries)

    async def _read_topics(self, deliveries: list[Delivery]) -> list[bool]:
        keys = [_subscription_key(delivery) for delivery in deliveries]
        try:
            known = await self._subscriptions.find(set(keys))
        except NewerFormat:  # then it is for `decide` to wait for a newer version
            return [True] * len(deliveries)
        return [_has_left(delivery, known.get(key)) for delivery, key in zip(deliveries, keys, strict=True)]

    async def _read(self, deliveries: list[Delivery]) -> list[bool]:
        versions = await self._versions(sorted({_user_key(delivery) for delivery in deliveries}))
        tenants = await self._tenant_versions(sorted({delivery.notification.tenant for delivery in deliveries}))
        counts = await self._cancellations.counts([delivery.notification for delivery in deliveries])
        entries = await self._suppressions.of_addresses(_addresses(deliveries))
        inline = [delivery for delivery in deliveries if delivery.notification.contact is not None]
        changed = await self._owners.changed_at(_addresses(inline)) if inline else {}
        news = {place: max(entry.created_at for entry in those) for place, those in entries.items()}
        for place, at in changed.items():
            news[place] = max(at, news.get(place, 0))
        return [
            versions.get(_user_key(delivery), 0) != delivery.profile_version
            or tenants[delivery.notification.tenant] != delivery.tenant_version
            # A digest goes on without what was cancelled: it would come back as it is, and be stale for ever.
            or (count > delivery.notification.cancel_count and delivery.digest is None)
            or any(news.get(place, 0) + MAX_UNKNOWN_MS > delivery.decided_at for place in _address_id(delivery))
            for delivery, count in zip(deliveries, counts, strict=True)
        ]


def _subscription_key(delivery: Delivery) -> SubscriptionKey:
    about = delivery.notification
    return SubscriptionKey(about.tenant, about.topic or "", about.user)


def _has_left(delivery: Delivery, subscription: Subscription | None) -> bool:
    """Or wants less of the topic than when it was decided, by whatever clock."""
    if subscription is None or subscription.life != delivery.notification.life:
        return True
    return subscription.changed_at + CLOCKS_APART_MS > delivery.decided_at


def _address_id(delivery: Delivery) -> list[tuple[str, str]]:
    """What the suppression list knows its address by, with the tenant; none where a user id is enough."""
    kind = delivery.channel.spec.address
    ids = [] if kind is None else address_ids({kind.name: delivery.address})
    return [(delivery.notification.tenant, each) for each in ids]


def _addresses(deliveries: Iterable[Delivery]) -> dict[str, set[str]]:
    wanted: dict[str, set[str]] = {}
    for tenant, address in (each for delivery in deliveries for each in _address_id(delivery)):
        wanted.setdefault(tenant, set()).add(address)
    return wanted


def _user_key(delivery: Delivery) -> str:
    return f"{delivery.notification.tenant}:{delivery.notification.user}"
