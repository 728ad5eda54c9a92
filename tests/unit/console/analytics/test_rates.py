"""Rates and their intervals: of published tables, and what must hold of any."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.analytics.core.rates import RateShown, rate_shown, rates_of, wilson


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [
        # R: prop.test(x, n, correct = FALSE); Newcombe 1998, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0),
    ],
)
def test_wilson_intervals_are_the_published_ones(count, of, low, high):
    found = wilson(count, of)
    assert found == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(st.integers(1, 10**6).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_an_interval_holds_its_rate_and_narrows(sample):
    count, of = sample
    low, high = wilson(count, of)
    assert 0 <= low <= count / of + 1e-12
    assert count / of - 1e-12 <= high <= 1
    more = wilson(count * 4, of * 4)
    assert more[1] - more[0] < high - low
    mirrored = wilson(of - count, of)
    assert (1 - mirrored[1], 1 - mirrored[0]) == (pytest.approx(low, abs=1e-9), pytest.approx(high, abs=1e-9))


def test_rates_are_of_what_can_tell_them():
    counts = {
        ("email", "sent"): 80, ("email", "delivered"): 60, ("email", "bounced"): 4, ("email", "dead"): 20,
        ("in_app", "sent"): 10, ("in_app", "read"): 5, ("in_app", "read_again"): 9, (None, "held"): 7,
    }  # fmt: skip
    found = {name: (rate.count, rate.of, rate.rate) for name, rate in rates_of(counts).items()}
    assert found == {"delivered": (60, 80, 0.75), "failed": (20, 110, 0.1818), "read": (5, 10, 0.5)}


def test_without_a_sample_there_is_no_rate():
    assert rates_of({("email", "held"): 3}) == {}
    assert set(rates_of({("webhook", "sent"): 3})) == {"failed"}, "nobody tells of webhooks, and nobody reads them"


def test_more_than_all_is_no_rate():
    """What was read today may have been sent yesterday."""
    assert rate_shown(5, 4) == RateShown(count=5, of=4)
