"""What of an old decision is compared at the claim: the list of addresses, and who has an inline person's."""

from __future__ import annotations

from typing import Any

import pytest

from services.delivery.freshness import Freshness
from services.delivery.tenants import TenantVersions
from shared.deciding.changed_inputs import MAX_UNKNOWN_MS, ChangedInputs
from shared.model.channels import Channel
from shared.model.digests import Digest
from shared.model.lives import CLOCKS_APART_MS
from shared.model.notifications import Contact
from shared.model.owners import address_ids
from shared.model.subscriptions import Subscription, SubscriptionKey
from shared.model.suppressions import Suppression, SuppressionReason
from tests.support import samples as a
from tests.support.twins.address_owners import MemoryAddressOwners
from tests.support.twins.cancellations import MemoryCancellations
from tests.support.twins.fanouts import MemorySubscriptions
from tests.support.twins.profiles import MemoryProfiles
from tests.support.twins.suppressions import MemorySuppressions
from tests.support.twins.tenants import MemoryTenants

MINUTE = 60_000
LATER = a.NOON + MINUTE + 1
INLINE = a.notification(user="hash", contact=Contact(addresses={"email": "Ada@example.com"}))


def freshness(
    profiles: MemoryProfiles,
    *entries: Suppression,
    cancellations: MemoryCancellations | None = None,
    subscriptions: MemorySubscriptions | None = None,
) -> Freshness:
    return Freshness(
        ChangedInputs(
            tenant_versions=TenantVersions(MemoryTenants().versions),
            versions=profiles.versions,
            cancellations=cancellations or MemoryCancellations(),
            suppressions=MemorySuppressions(*entries),
            owners=MemoryAddressOwners(profiles),
            subscriptions=subscriptions or MemorySubscriptions(),
        ),
        stale_after_ms=MINUTE,
    )


def listed(at: int, *, tenant: str = "acme", **address: str) -> Suppression:
    (found,) = address_ids(address or {"email": "ada@example.com"})
    return Suppression(tenant=tenant, address=found, reason=SuppressionReason.BOUNCED, created_at=at)


@pytest.mark.parametrize(
    ("entry", "delivery", "stale"),
    [
        (listed(a.NOON + 5), {}, True),
        (listed(a.NOON - MAX_UNKNOWN_MS + 1), {}, True),
        (listed(a.NOON - MAX_UNKNOWN_MS), {}, False),
        (listed(a.NOON + 5), {"decided_at": a.NOON + 5}, False),
        (listed(a.NOON + 5, tenant="other"), {}, False),
        (listed(a.NOON + 5, email="bob@example.com"), {}, False),
        (listed(a.NOON + 5), {"address": "ADA@example.com"}, True),
        (listed(a.NOON + 5), {"channel": Channel.IN_APP, "address": "ada"}, False),
        (
            listed(a.NOON + 5, webhook="https://hooks.example.com/a"),
            {"channel": Channel.WEBHOOK, "address": "https://hooks.example.com/a"},
            True,
        ),
    ],
)
async def test_an_address_that_came_on_the_list_is_decided_again(
    entry: Suppression, delivery: dict[str, Any], stale: bool
) -> None:
    fresh = freshness(MemoryProfiles(a.profile()), entry)
    assert await fresh.is_stale(a.delivery(**delivery), LATER) is stale


@pytest.mark.parametrize(("written", "stale"), [(a.NOON + 5, True), (a.NOON - MAX_UNKNOWN_MS, False)])
async def test_an_inline_persons_address_that_somebody_has_now_is_decided_again(written: int, stale: bool) -> None:
    profiles = MemoryProfiles()
    inline = a.delivery(notification=INLINE, profile_version=0)
    assert not await freshness(profiles).is_stale(inline, LATER)
    profiles.put(a.profile(addresses={"email": "ada@example.com"}), at=written)
    assert await freshness(profiles).is_stale(inline, LATER) is stale


@pytest.mark.parametrize(("digest", "stale"), [(None, True), (Digest(count=1, items=()), False)])
async def test_a_cancelled_one_is_decided_again_but_not_a_digest_which_goes_on_without_it(
    digest: Digest | None, stale: bool
) -> None:
    counters = MemoryCancellations()
    await counters.cancel("acme", "k")
    fresh = freshness(MemoryProfiles(a.profile()), cancellations=counters)
    delivery = a.delivery(notification=a.notification(cancellation_key="k"), digest=digest)
    assert await fresh.is_stale(delivery, LATER) is stale


@pytest.mark.parametrize(
    ("subscription", "more", "stale"),
    [
        ({}, {}, False),
        (None, {}, True),
        ({"life": 1}, {}, True),
        ({"changed_at": a.NOON + 5}, {}, True),
        ({"changed_at": a.NOON - CLOCKS_APART_MS}, {}, False),
        (None, {"critical": True}, False),
        (None, {"digest": Digest(count=1, items=())}, False),
    ],
)
async def test_who_left_the_topic_or_wants_less_of_it_is_decided_again(
    subscription: dict[str, Any] | None, more: dict[str, Any], stale: bool
) -> None:
    """Not what goes to them all the same: it would come back as it is."""
    subscriptions = MemorySubscriptions()
    if subscription is not None:
        key = SubscriptionKey("acme", "thread", "ada")
        subscriptions.rows[key] = Subscription(**(key._asdict() | subscription))
    fresh = freshness(MemoryProfiles(a.profile()), subscriptions=subscriptions)
    critical = more.pop("critical", False)
    delivery = a.delivery(notification=a.notification(topic="thread"), **more)
    assert await fresh.is_stale(delivery, LATER, critical=critical) is stale
