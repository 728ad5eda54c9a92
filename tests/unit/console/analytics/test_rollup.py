"""The arithmetic of rollups, beside a count of the same by hand."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.analytics.core.buckets import MINUTE_MS, Reach, RollupPlace, RollupStep
from services.console.analytics.core.outcomes import is_counted, outcome_of
from services.console.analytics.core.rollup import merged, rolled_up
from services.console.analytics.core.series import Series, folded, series_of
from services.console.analytics.core.stored_rollup import rollup_of, rollup_row
from shared.model.channels import Channel
from shared.model.timestamps import DAY_MS
from tests.support import samples as a

SERIES = st.builds(
    Series,
    st.sampled_from(("sent", "dead")),
    st.sampled_from((None, "w1", "w2", "other")),
    st.sampled_from((None, "email", "in_app")),
    variant=st.sampled_from((None, "a", "b")),
)
COUNTED = st.lists(st.tuples(SERIES, st.integers(1, 9)), max_size=40)


def sums(counted):
    total = Counter()
    for series, number in counted:
        total[series] += number
    return total


@given(COUNTED, st.integers(1, 60), st.randoms())
def test_nothing_is_lost_and_channels_and_outcomes_stay_exact(counted, most, random):
    rollup = rolled_up(counted, most=most)
    assert rollup.total == sum(number for _, number in counted)
    by_hand = sums(((series.channel, series.outcome), number) for series, number in counted)
    assert sums(((one.channel, one.outcome), number) for one, number in rollup.counts.items()) == by_hand
    bounded = {series for series in rollup.counts if folded(series) != series}
    assert len(bounded) <= most
    if len(sums(counted)) <= most:
        assert (dict(rollup.counts), rollup.folded) == (dict(sums(counted)), 0)
    assert rolled_up(random.sample(counted, len(counted)), most=most) == rollup, "in any order"


@given(st.lists(COUNTED, max_size=6))
def test_an_hour_is_the_sum_of_its_minutes(minutes):
    assert merged(map(rolled_up, minutes)) == rolled_up(pair for minute in minutes for pair in minute)


@given(st.lists(COUNTED, max_size=6), st.integers(1, 6))
def test_what_is_folded_is_counted_once_on_the_way_up(minutes, most):
    parts = [rolled_up(minute, most=most) for minute in minutes]
    hour = merged(parts, most=most)
    assert hour.total == sum(part.total for part in parts)
    assert sum(part.folded for part in parts) <= hour.folded <= hour.total


def test_the_rarest_are_folded_and_it_is_said_how_many():
    counted = [(Series("sent", name, "email"), number) for name, number in (("a", 5), ("b", 1), ("c", 3), ("d", 1))]
    rollup = rolled_up(counted, most=2)
    assert rollup.counts == {
        Series("sent", "a", "email"): 5, Series("sent", "c", "email"): 3,
        Series("sent", "other", "email", "other", "other", "other"): 2,
    }  # fmt: skip
    assert rollup.folded == 2


@given(COUNTED)
def test_a_rollup_comes_back_from_its_row(counted):
    place, rollup = RollupPlace("acme", a.NOON), rolled_up(counted, most=5)
    assert rollup_of(rollup_row(place, rollup, "r")) == rollup


@pytest.mark.parametrize(
    ("status_type", "pass_", "outcome"),
    [
        ("carillon.delivery.sent", 3, "sent"),
        ("carillon.notification.held", 0, "held"),
        ("carillon.inbox.read", 0, "read"),
        ("carillon.inbox.read", 1, "read_again"),
        ("carillon.inbox.archived", 1, "archived"),
        ("carillon.delivery.opened", 0, "opened"),
        ("carillon.delivery.clicked", 0, "clicked"),
        ("carillon.delivery.teleported", 0, "other"),
    ],
)
def test_the_outcome_of_a_status(status_type, pass_, outcome):
    assert outcome_of(status_type, pass_) == outcome
    assert is_counted(status_type)


@pytest.mark.parametrize("status_type", ["carillon.event.expanded", "carillon.device.removed", "carillon.deliverys.x"])
def test_what_is_no_delivery_is_not_counted(status_type):
    assert not is_counted(status_type)


def test_a_name_that_is_none_is_other_and_the_inbox_is_a_channel():
    about = {
        "type": "carillon.delivery.sent",
        "channel": "pigeon",
        "workflow": "x" * 101,
        "variant": 7,
        "locale": "a\n",
    }
    assert series_of(about) == Series("sent", "other", "other", None, "other", "other")
    assert series_of({"type": "carillon.inbox.seen", "workflow": "w"}) == Series("seen", "w", Channel.IN_APP)
    assert series_of({"type": "carillon.notification.held"}) == Series("held")


@given(st.lists(st.integers(0, 40 * DAY_MS)), st.sampled_from(RollupStep))
def test_every_instant_is_in_one_rollup_of_each_step(instants, step):
    for instant in instants:
        start = step.start_of(instant)
        assert start <= instant < start + step.length
        assert step.end_of(start) == start
        assert step.end_of(instant) in (instant, start + step.length)
        assert RollupPlace("t", instant).within(step) == RollupPlace("t", start)
    whole = sum(len(list(group)) for _, group in groupby(sorted(instants), key=step.start_of))
    assert whole == len(instants)


def test_how_far_back_is_counted():
    now = 100 * DAY_MS + 7 * 3_600_000 + 1
    reach = Reach.at(now, minute_days=2, status_days=90)
    assert reach.has_minutes(now - DAY_MS)
    assert not reach.has_minutes(now - 2 * DAY_MS + MINUTE_MS), "its hour may lack minutes by the time that it is read"
    assert not reach.is_over(now - 88 * DAY_MS)
    assert reach.is_over(now - 89 * DAY_MS), "its day may lack hours, or statuses"
