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
    first = await cancellations.cancel("acme", "k")
    assert first > 0, "what was accepted before carries 0"
    assert [await cancellations.cancel("acme", "k") for _ in range(2)] == [first + 1, first + 2]
    assert await cancellations.count("acme", "k") == first + 2


async def test_a_key_whose_row_has_expired_counts_on_from_where_it_never_was(
    cancellations: Counters, implementation: str, request: pytest.FixtureRequest
) -> None:
    """Something that was accepted under the last counter may still wait: the next cancel ends it, too."""
    before = [await cancellations.cancel("acme", "k") for _ in range(2)][-1]
    if implementation == "twin":
        cancellations.forget("acme", "k")
    else:
        await request.getfixturevalue("database").cancellations.delete_one({"_id": "acme:k"})
    assert await cancellations.count("acme", "k") == 0
    assert await cancellations.cancel("acme", "k") > before


async def test_counts_stand_in_the_order_of_the_notifications(cancellations: Counters) -> None:
    once = await cancellations.cancel("acme", "once")
    twice = [await cancellations.cancel("acme", "twice") for _ in range(2)][-1]
    keys = ("twice", None, "once", "never", "twice")
    assert await cancellations.counts([a.notification(cancellation_key=key) for key in keys]) == [
        twice,
        0,
        once,
        0,
        twice,
    ]
    assert await cancellations.counts([]) == []


async def test_withdrawn_is_what_was_accepted_before_the_last_cancel_that_said_so(cancellations: Counters) -> None:
    keys = [a.notification(cancellation_key=key) for key in ("k", None, "cancelled")]
    assert await cancellations.withdrawn(keys) == [0, 0, 0]
    first = await cancellations.cancel("acme", "k", withdraw=True)
    await cancellations.cancel("acme", "k")
    await cancellations.cancel("acme", "cancelled")
    assert await cancellations.withdrawn(keys) == [first, 0, 0]
    assert await cancellations.count("acme", "k") == first + 1
    assert await cancellations.cancel("acme", "k", withdraw=True) == first + 2
    assert await cancellations.withdrawn(keys) == [first + 2, 0, 0]


async def test_another_tenants_key_is_another_key(cancellations: Counters) -> None:
    await cancellations.cancel("other", "k")
    assert await cancellations.count("acme", "k") == 0
    assert await cancellations.counts([a.notification(cancellation_key="k")]) == [0]
