"""Whether what a delivery was decided by has changed since: asked of the stores, many at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from shared.model.deliveries import Delivery
from shared.model.formats import NewerFormat
from shared.model.lives import CLOCKS_APART_MS
from shared.model.owners import address_ids
from shared.model.ports import AddressOwnerLookup, CancellationCounter, SubscriptionLookup, SuppressionList
from shared.model.subscriptions import Subscription, SubscriptionKey

ReadVersions = Callable[[list[str]], Awaitable[dict[str, int]]]
"""The versions of stored profiles by user key, or of tenants' settings. Raises MongoUnavailable."""
MAX_UNKNOWN_MS: Final = 600_000
"""How long the router may still decide without what is stored about an address, clocks included. What was decided within
that time of it is decided once more: whether it is concerned is for `decide` to say."""


class ChangedInputs:
    """Compares decisions with what is known now. Both methods raise MongoUnavailable."""

    def __init__(
        self,
        *,
        versions: ReadVersions,
        tenant_versions: ReadVersions,
        cancellations: CancellationCounter,
        suppressions: SuppressionList,
        owners: AddressOwnerLookup,
        subscriptions: SubscriptionLookup,
    ) -> None:
        """`tenant_versions`: of the settings that count for tenants, 0 without any."""
        self._versions = versions
        self._tenant_versions = tenant_versions
        self._cancellations = cancellations
        self._suppressions = suppressions
        self._owners = owners
        self._subscriptions = subscriptions

    async def changed(self, deliveries: Sequence[Delivery]) -> list[bool]:
        """The profile, the tenant's settings, the cancel counter, the suppression list, who has an inline person's address."""
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

    async def left(self, deliveries: Sequence[Delivery]) -> list[bool]:
        """Whether they went to a topic that their user is not subscribed to any more, or wants less of."""
        keys = [_subscription_key(delivery) for delivery in deliveries]
        try:
            known = await self._subscriptions.find(set(keys))
        except NewerFormat:  # then it is for `decide` to wait for a newer version
            return [True] * len(deliveries)
        return [_has_left(delivery, known.get(key)) for delivery, key in zip(deliveries, keys, strict=True)]


def asks_topic(delivery: Delivery, *, critical: bool) -> bool:
    """Whether `left` concerns it: a `critical` workflow does not ask, and a digest has asked for each of its items."""
    return delivery.notification.topic is not None and delivery.digest is None and not critical


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
