"""A provider that has come back gets its share again little by little, and nobody else's moves."""

from __future__ import annotations

import pytest
import time_machine

from services.delivery.core.attempts import ProviderUnavailable, Sent
from services.delivery.core.choice import Candidate, order_of
from services.delivery.core.recovery import FIRST_SHARE, RECOVERY_MS, Recovery
from tests.unit.delivery.two_providers import DOWN, Scene

HALVES = [Candidate("first", 1), Candidate("second", 1)]
MESSAGES = 2_000


def shares(recovery: Recovery, now: int) -> float:
    """The first one's."""
    orders = [order_of(recovery.weighed(HALVES, now), f"d-{number}")[0] for number in range(MESSAGES)]
    return orders.count("first") / MESSAGES


def test_its_weight_grows_from_a_tenth_to_the_whole() -> None:
    recovery = Recovery()
    recovery.begin("first", 1_000)
    assert shares(recovery, 1_000) == pytest.approx(FIRST_SHARE / (1 + FIRST_SHARE), abs=0.03)
    assert shares(recovery, 1_000 + RECOVERY_MS // 2) == pytest.approx(0.55 / 1.55, abs=0.03)
    assert recovery.weighed(HALVES, 1_000 + RECOVERY_MS) == HALVES
    assert recovery.weighed(HALVES, 1_001) == HALVES, "and is forgotten"


def test_as_it_grows_messages_only_move_to_it() -> None:
    recovery = Recovery()
    recovery.begin("first", 0)
    early = [order_of(recovery.weighed(HALVES, 0), f"d-{number}")[0] for number in range(500)]
    late = [order_of(recovery.weighed(HALVES, RECOVERY_MS - 1), f"d-{number}")[0] for number in range(500)]
    assert {(was, now) for was, now in zip(early, late, strict=True) if was != now} == {("second", "first")}


def test_who_has_no_weight_stays_where_he_was_named() -> None:
    recovery, spare = Recovery(), [Candidate("first"), Candidate("second")]
    recovery.begin("first", 0)
    assert recovery.weighed(spare, 0) == spare


@pytest.mark.usefixtures("clock")
async def test_a_worker_gives_it_little_at_first_and_its_share_later(clock: time_machine.Traveller) -> None:
    scene = Scene(HALVES)
    scene.first.outcome = lambda _: DOWN
    for number in range(20):
        await scene.attempt(f"down-{number}")
    clock.shift(15)
    scene.first.outcome = lambda _: Sent()
    for number in range(20):
        await scene.attempt(f"probe-{number}")
    scene.first.received.clear()
    scene.second.received.clear()
    for number in range(200):
        await scene.attempt(f"d-{number}")
    assert 2 <= len(scene.first.received) < 50
    clock.shift(RECOVERY_MS / 1000)
    scene.first.received.clear()
    for number in range(200):
        await scene.attempt(f"d-{number}")
    assert 70 < len(scene.first.received) < 130


@pytest.mark.usefixtures("clock")
async def test_another_worker_that_saw_it_away_gives_it_little_too(clock: time_machine.Traveller) -> None:
    scene = Scene(HALVES)
    scene.first.outcome = lambda _: ProviderUnavailable(code="503")
    for number in range(20):
        await scene.attempt(f"down-{number}")
    scene.rows.rows.clear()  # somebody else has sent the probe, and it was answered
    scene.breaker.learn(set())
    scene.first.outcome = lambda _: Sent()
    scene.first.received.clear()
    for number in range(200):
        await scene.attempt(f"d-{number}")
    assert 2 <= len(scene.first.received) < 50
