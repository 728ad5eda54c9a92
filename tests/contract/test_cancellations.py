"""Cancellation keys: a counter each, per tenant."""

from __future__ import annotations

import pytest

from shared.mongo.cancellations import Cancellations
from tests.support import samples as a
from tests.support.twins.cancellations import MemoryCancellations

Counters = Cancellations | MemoryCancellations


@pytest.fixture
def cancellations(implementation: str, request: pytest.FixtureRequest) -> Counters:
    return MemoryCancellations() if implementation == "twin" else Cancellations(request.getfixturevalue("database"))


async def test_each_cancel_raises_the_keys_counter(cancellations: Counters) -> None:
    assert await cancellations.count("acme", "k") == 0
    assert [await cancellations.cancel("acme", "k") for _ in range(3)] == [1, 2, 3]
    assert await cancellations.count("acme", "k") == 3


async def test_counts_stand_in_the_order_of_the_notifications(cancellations: Counters) -> None:
    await cancellations.cancel("acme", "once")
    for _ in range(2):
        await cancellations.cancel("acme", "twice")
    keys = ("twice", None, "once", "never", "twice")
    assert await cancellations.counts([a.notification(cancellation_key=key) for key in keys]) == [2, 0, 1, 0, 2]
    assert await cancellations.counts([]) == []


async def test_another_tenants_key_is_another_key(cancellations: Counters) -> None:
    await cancellations.cancel("other", "k")
    assert await cancellations.count("acme", "k") == 0
    assert await cancellations.counts([a.notification(cancellation_key="k")]) == [0]
