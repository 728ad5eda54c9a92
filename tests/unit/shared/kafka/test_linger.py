"""The linger: waits while records come fast, not when they come one by one, never on top of a full chunk."""

from __future__ import annotations

import pytest

from shared.kafka.linger import ENOUGH, FAST, MEMORY_SECONDS, Linger

SECONDS = 0.008


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def after(rate: float, *, each: int = 1, seconds: float = 3.0, clock: Clock | None = None) -> Linger:
    """A linger after `seconds` of records at a steady rate, `each` at once."""
    clock = clock or Clock()
    linger = Linger(SECONDS, clock=clock)
    for _ in range(round(seconds * rate / each)):
        clock.now += each / rate
        linger.drained(each)
    return linger


@pytest.mark.parametrize("rate", [1, 50, 100, 200])
def test_slow_records_wait_for_nobody(rate: float) -> None:
    assert after(rate).seconds == 0


@pytest.mark.parametrize("rate", [500, 1_000, 20_000])
def test_fast_records_wait_for_more(rate: float) -> None:
    assert after(rate).seconds == SECONDS


def test_the_first_record_after_a_pause_is_not_followed_by_a_wait() -> None:
    clock = Clock()
    linger = after(1_000, clock=clock)
    clock.now += 5
    linger.drained(1)
    assert linger.seconds == 0


def test_a_drain_that_fills_a_chunk_needs_no_more() -> None:
    linger = after(5_000)
    linger.drained(ENOUGH)
    assert linger.seconds == 0
    linger.drained(1)
    assert linger.seconds == SECONDS


def test_empty_drains_end_it() -> None:
    clock = Clock()
    linger = after(2 * FAST, clock=clock)
    clock.now += 2 * MEMORY_SECONDS
    linger.drained(0)
    assert linger.seconds == 0


async def test_no_seconds_are_no_wait() -> None:
    linger = Linger(0)
    linger.drained(ENOUGH - 1)
    await linger.wait()
    assert linger.seconds == 0
