"""Times that data names: the expression, its offset, and what is a time there."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.data_times import MAX_OFFSET_MS, UNITS_MS, instant_of, parse_data_time
from shared.model.errors import InvalidWorkflow
from shared.model.timestamps import DAY_MS, from_datetime, rfc3339, to_datetime
from shared.model.workflow_checks import MAX_EXPIRY_SECONDS
from tests.support import samples as a


@pytest.mark.parametrize(
    ("text", "path", "offset"),
    [
        ("data.start", "data.start", 0),
        ("data.booking.start - 24h", "data.booking.start", -DAY_MS),
        ("data.start-1d", "data.start-1d", 0),
        ("data.start + 30m", "data.start", 30 * 60_000),
        ("  data.start   +   90s ", "data.start", 90_000),
        ("data.a-b - 1d", "data.a-b", -DAY_MS),
        ("data.start - 366d", "data.start", -366 * DAY_MS),
    ],
)
def test_what_it_says(text: str, path: str, offset: int) -> None:
    assert parse_data_time(text, "/until") == (path, offset)


@pytest.mark.parametrize(
    "text",
    ["", "data", "start", "data.start - 24", "data.start - h", "data.start - 1w", "data.start * 2h", "data..start",
     "data.start - 367d", "data.start - 9999999999s", "now + 1h", "data.start - -1h", "data.times[0] - 1h"],
)  # fmt: skip
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidWorkflow) as refused:
        parse_data_time(text, "/until")
    assert (refused.value.code, refused.value.pointer) == ("invalid_time", "/until")


@given(st.sampled_from(sorted(UNITS_MS)), st.integers(0, 366), st.sampled_from("+-"))
def test_an_offset_is_so_many_of_its_unit(unit: str, number: int, sign: str) -> None:
    found = parse_data_time(f"data.x {sign} {number}{unit}", "/until")
    assert abs(found.offset_ms) == number * UNITS_MS[unit] <= MAX_OFFSET_MS
    assert (found.offset_ms <= 0) if sign == "-" else (found.offset_ms >= 0)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("2026-01-05T12:00:00Z", a.NOON),
        ("2026-01-05T13:00:00+01:00", a.NOON),
        (a.NOON, a.NOON),
        (float(a.NOON), a.NOON),  # PHP and pandas write it so
        (0, None),
        (-1, None),
        (a.NOON // 1000, None),  # seconds, as Unix and ntfy have them
        (221_845_392_000_000, None),
        ("9999-12-31T23:59:59Z", None),  # what databases write for never
        ("9000-01-01T00:00:00Z", None),
        ("8999-12-31T23:59:59Z", 221_845_391_999_000),
        ("0001-01-01T00:00:00Z", None),  # what Go and .NET write for no time
        (10**30, None),
        (True, None),
        (1.5, None),
        ("2026-01-05", None),
        ("tomorrow", None),
        ("", None),
        (None, None),
        ([], None),
        ({}, None),
    ],
)
def test_what_is_a_time(value: Any, found: int | None) -> None:
    assert instant_of(value) == found


@given(st.integers(0, 4_000_000_000_000))
def test_a_time_that_is_written_is_the_time_that_is_read(at: int) -> None:
    assert instant_of(rfc3339(at)) == from_datetime(to_datetime(at)) == at


def test_what_is_added_to_a_time_still_makes_a_date() -> None:
    latest = instant_of("8999-12-31T23:59:59Z")
    assert latest is not None
    assert rfc3339(latest + MAX_OFFSET_MS + MAX_EXPIRY_SECONDS * 1000) < "9002"


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none()))
def test_nothing_that_stands_there_is_an_error(value: Any) -> None:
    assert instant_of(value) is None or isinstance(instant_of(value), int)
