"""Limits that tenants share, in simulated time: the limit holds, nothing of it is wasted, and each has his share."""

from __future__ import annotations

import heapq
from collections import Counter
from itertools import count
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.delivery.core.cell_rates import Rate, RateScope
from services.delivery.core.shared_rates import AHEAD_MS, COUNT_EVERY_MS, SharedRates
from shared.model.channels import Channel

NEVER = 2**53
SECOND = 1000


def per_second(most: int) -> Rate:
    return Rate(Channel.EMAIL, RateScope.CHANNEL, most, 1.0)


class Post:
    """Messages that ask, wait, ask again and go."""

    def __init__(self, rate: Rate, late_ms: int = 0) -> None:
        self.limit = SharedRates()
        self.rate = rate
        self.late = late_ms
        self.went: list[tuple[int, str, int]] = []
        """When, whose, and which of his."""
        self.asked = 0
        self._order = count()
        self._coming: list[tuple[int, int, str, int, bool, int, bool]] = []

    def send(self, tenant: str, at: int, many: int, *, express: bool = False, until: int = NEVER) -> None:
        for number in range(many):
            heapq.heappush(self._coming, (at, next(self._order), tenant, number, express, until, False))

    def run(self, end: float = inf) -> None:
        while self._coming and self._coming[0][0] < end:
            now, _, tenant, number, express, until, has_waited = heapq.heappop(self._coming)
            if now >= until:
                continue
            self.asked += 1
            at, given = self.limit.ask(
                "email", self.rate, tenant=tenant, now=now, until=until, express=express, has_waited=has_waited
            )
            if given:
                assert now <= at <= now + AHEAD_MS or express
                self.went.append((at, tenant, number))
            else:
                assert at > now
                heapq.heappush(self._coming, (at + self.late, next(self._order), tenant, number, express, until, True))

    def counts(self, start: float = 0, end: float = inf) -> Counter[str]:
        return Counter(tenant for at, tenant, _ in self.went if start <= at < end)


def test_a_backlog_leaves_at_the_limit_in_its_order_and_asks_about_once_more() -> None:
    post = Post(per_second(10))
    post.send("acme", 0, 1_000)
    post.run()
    assert post.counts(end=51 * SECOND)["acme"] == pytest.approx(520, abs=10)
    assert [number for _, _, number in post.went] == list(range(1_000))
    assert post.asked <= 2 * len(post.went)
    assert max(at for at, _, _ in post.went) <= 101 * SECOND


def test_who_comes_late_has_his_share_at_once_beside_a_backlog_of_hours() -> None:
    post = Post(per_second(10))
    post.send("acme", 0, 100_000)
    post.run(end=60 * SECOND)
    post.send("small", 60 * SECOND, 5)
    post.send("other", 90 * SECOND, 500)
    post.run(end=300 * SECOND)
    small = [at for at, tenant, _ in post.went if tenant == "small"]
    assert (len(small), max(small) <= 63 * SECOND) == (5, True)
    shares = post.counts(95 * SECOND, 150 * SECOND)
    assert shares["other"] == pytest.approx(shares["acme"], rel=0.25)
    assert shares.total() == pytest.approx(550, abs=15), "nothing of the limit is left unused"
    assert post.counts(200 * SECOND, 300 * SECOND)["acme"] == pytest.approx(1_000, abs=20), "alone again"


def test_of_one_tenants_the_new_ones_pass_none_that_waits() -> None:
    post = Post(per_second(10), late_ms=40)
    post.send("acme", 0, 300)
    for now in range(5 * SECOND, 20 * SECOND, 150):
        post.send("acme", now, 1)
    post.run()
    first = [number for at, _, number in post.went if at < 29 * SECOND]
    assert first == sorted(first)
    assert len(first) == pytest.approx(300, abs=15)


def test_what_of_a_backlog_never_comes_back_keeps_nobody_waiting() -> None:
    """It was cancelled, say: its queue reaches for hours all the same."""
    post = Post(per_second(10))
    post.send("acme", 0, 50_000)
    post.run(end=1)
    post._coming.clear()
    post.send("acme", 10 * SECOND, 100)
    post.send("other", 10 * SECOND, 100)
    for now in range(10 * SECOND, 60 * SECOND, 50):
        post.send("late", now, 1)
    post.run(end=60 * SECOND)
    assert post.counts(11 * SECOND, 59 * SECOND).total() == pytest.approx(480, abs=15)


def test_after_an_outage_all_come_at_once_and_the_limit_holds() -> None:
    post = Post(per_second(10), late_ms=600 * SECOND)
    post.send("acme", 0, 500)
    post.run()
    busiest = max(post.counts(second * SECOND, (second + 1) * SECOND).total() for second in range(2_000))
    assert busiest <= 2 * 10
    assert len(post.went) == 500


def test_what_expires_first_takes_no_turn() -> None:
    post = Post(per_second(1))
    post.send("acme", 0, 5_000, until=60 * SECOND)
    post.send("other", 59 * SECOND, 3)
    post.send("acme", 59 * SECOND, 1)
    post.run()
    assert post.counts()["acme"] <= 62
    assert max(at for at, tenant, _ in post.went if tenant == "acme") < 70 * SECOND, "behind those that expire"
    assert [at for at, tenant, _ in post.went if tenant == "other"] == pytest.approx(
        [60_000, 61_000, 62_000], abs=1_100
    )


@settings(max_examples=60)
@given(
    st.integers(1, 20),
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.integers(0, 20 * SECOND), st.integers(1, 120), st.booleans()),
        max_size=12,
    ),
    st.integers(0, 3 * COUNT_EVERY_MS),
)
def test_all_go_and_no_second_has_more_than_what_was_saved_up_and_its_limit(
    most: int, sends: list[tuple[str, int, int, bool]], late: int
) -> None:
    post = Post(per_second(most), late)
    for tenant, at, many, express in sends:
        post.send(tenant, at, many, express=express)
    post.run()
    assert len(post.went) == sum(many for _, _, many, _ in sends)
    times = sorted(at for at, _, _ in post.went)
    for position, at in enumerate(times):
        inside = sum(at <= other < at + SECOND - most for other in times[position : position + 10 * most])
        assert inside <= (4 if any(express for *_, express in sends) else 2) * most


@pytest.mark.parametrize("tenant", ["express", "queue", "own"])
def test_a_tenant_of_any_name_takes_only_its_own_turns(tenant: str) -> None:
    post = Post(per_second(10))
    post.send(tenant, 0, 300)
    post.run(end=5 * SECOND)
    post.send("acme", 5 * SECOND, 5, express=True)
    post.run(end=6 * SECOND)
    assert [at for at, who, _ in post.went if who == "acme"] == [5 * SECOND] * 5, "nobody else is urgent"
