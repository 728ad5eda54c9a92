"""What may be asked of rollups, and how answers are put together."""

from __future__ import annotations

import pytest

from services.console.analytics.core.asked import MAX_BUCKETS, AskedRollups, asked_rollups
from services.console.analytics.core.buckets import HOUR_MS, MINUTE_MS, RollupStep
from services.console.analytics.core.report import Grouped, count_rows, totals_row, variant_rows
from services.console.analytics.core.series import Dimension
from shared.model.errors import Invalid
from shared.model.timestamps import DAY_MS, rfc3339
from tests.support import samples as a

NOW = a.NOON + 17 * MINUTE_MS + 5


def asked(from_: int | None = None, to: int | None = None, step: str | None = None, by: str | None = None, **only):
    times = {"from_": None if from_ is None else rfc3339(from_), "to": None if to is None else rfc3339(to)}
    return asked_rollups("acme", NOW, step=step, by=by, only=only, **times)


def test_without_a_word_it_is_the_last_day_by_whole_hours():
    found = asked(workflow=None)
    assert found == AskedRollups("acme", RollupStep.HOUR, a.NOON - DAY_MS, a.NOON + HOUR_MS, False, (), {})


@pytest.mark.parametrize(
    ("back", "step"),
    [(HOUR_MS, "minute"), (3 * HOUR_MS, "minute"), (4 * HOUR_MS, "hour"), (31 * DAY_MS, "hour"), (32 * DAY_MS, "day")],
)
def test_a_longer_time_is_read_by_longer_rollups(back, step):
    found = asked(NOW - back)
    assert (found.step, found.split) == (step, False)
    assert found.start <= NOW - back < NOW <= found.end


@pytest.mark.parametrize(("age", "step"), [(2 * DAY_MS, "hour"), (85 * DAY_MS, "day")])
def test_what_is_not_kept_any_more_is_read_by_what_is(age, step):
    assert asked(NOW - age, NOW - age + HOUR_MS).step == step


def test_it_is_split_and_grouped_as_it_is_asked_for():
    found = asked(NOW - DAY_MS, step="minute", by="channel,workflow,channel", locale="de", channel=None)
    assert (found.step, found.split, found.by) == (RollupStep.MINUTE, True, (Dimension.CHANNEL, Dimension.WORKFLOW))
    assert found.only == {"locale": "de"}


@pytest.mark.parametrize(
    ("wrong", "pointer", "said"),
    [
        ({"by": "channle"}, "/by", 'did you mean "channel"'),
        ({"by": "outcome"}, "/by", "by is one of workflow"),
        ({"step": "hours"}, "/step", 'did you mean "hour"'),
        ({"from_": NOW}, "/from", "before"),
        ({"from_": NOW - (MAX_BUCKETS + 1) * MINUTE_MS, "step": "minute"}, "/step", "longer step"),
        ({"from_": NOW - (MAX_BUCKETS + 1) * DAY_MS}, "/from", "less time"),
    ],
)
def test_what_makes_no_sense_is_said(wrong, pointer, said):
    with pytest.raises(Invalid) as refused:
        asked(**wrong)
    assert (refused.value.code, refused.value.pointer) == ("invalid_filter", pointer)
    assert said in refused.value.detail


def test_a_time_that_is_none_is_said():
    with pytest.raises(Invalid, match="RFC 3339"):
        asked_rollups("acme", NOW, from_="yesterday", to=None, step=None, by=None, only={})


FOUND = [
    Grouped(a.NOON, ("a",), "in_app", "sent", 8),
    Grouped(a.NOON, ("a",), "in_app", "read", 2),
    Grouped(a.NOON, ("b",), "in_app", "sent", 4),
    Grouped(a.NOON + HOUR_MS, ("a",), "email", "sent", 3),
    Grouped(a.NOON + HOUR_MS, (None,), None, "held", 5),
]


def test_rows_come_by_time_and_name_and_add_up():
    rows = count_rows(FOUND, [Dimension.VARIANT])
    assert [(row.start, row.variant, row.counts) for row in rows] == [
        (rfc3339(a.NOON), "a", {"read": 2, "sent": 8}),
        (rfc3339(a.NOON), "b", {"sent": 4}),
        (rfc3339(a.NOON + HOUR_MS), None, {"held": 5}),
        (rfc3339(a.NOON + HOUR_MS), "a", {"sent": 3}),
    ]
    totals = totals_row(FOUND)
    assert totals.counts == {"held": 5, "read": 2, "sent": 15}
    assert (totals.rates["read"].count, totals.rates["read"].of) == (2, 12), "mail is not read in the inbox"


def test_variants_have_their_samples():
    whole = [one._replace(start=None) for one in FOUND]
    assert [(row.variant, row.sent) for row in variant_rows(whole)] == [("a", 11), ("b", 4)]
    without = [*whole, Grouped(None, (None,), "email", "sent", 1)]
    assert [row.variant for row in variant_rows(without)] == [None, "a", "b"]
