"""Quiet hours as the documentation promises them, at each kind of clock change."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from shared.deciding.quiet_hours import next_quiet, quiet_until
from shared.model.quiet_windows import QuietHours, Window, check_quiet_hours

BERLIN = "Europe/Berlin"
ALL_BUT_NOTHING = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def hours(*windows: str) -> QuietHours:
    """`22:00-07:00` on all days, or `22:00-07:00 fri,sat`."""
    made = []
    for text in windows:
        span, _, days = text.partition(" ")
        start, until = span.split("-")
        made.append(Window(start=start, until=until, days=tuple(days.split(",")) if days else ALL_BUT_NOTHING))
    quiet = QuietHours(windows=tuple(made))
    check_quiet_hours(quiet)
    return quiet


def at(text: str, zone: str = BERLIN, fold: int = 0) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp() * 1000)


@pytest.mark.parametrize(
    ("what", "quiet", "zone", "start", "end"),
    [
        ("plain", "13:00-14:30", BERLIN, at("2026-01-07T13:00"), at("2026-01-07T14:30")),
        ("across midnight", "22:00-07:00", BERLIN, at("2026-01-07T22:00"), at("2026-01-08T07:00")),
        ("belongs to the day it starts", "22:00-07:00 fri", BERLIN, at("2026-01-09T22:00"), at("2026-01-10T07:00")),
        ("sunday night into monday", "22:00-07:00 sun", BERLIN, at("2026-01-11T22:00"), at("2026-01-12T07:00")),
        ("a whole day", "00:00-24:00 wed", BERLIN, at("2026-01-07T00:00"), at("2026-01-08T00:00")),
        ("to midnight", "20:00-00:00", BERLIN, at("2026-01-07T20:00"), at("2026-01-08T00:00")),
        ("ends in the gap", "22:00-02:30", BERLIN, at("2026-03-28T22:00"), at("2026-03-29T03:00")),
        ("starts in the gap", "02:30-06:00", BERLIN, at("2026-03-29T03:00"), at("2026-03-29T06:00")),
        ("over the gap", "01:00-06:00", BERLIN, at("2026-03-29T01:00"), at("2026-03-29T06:00")),
        ("over the fold", "01:00-06:00", BERLIN, at("2026-10-25T01:00"), at("2026-10-25T06:00")),
        ("half an hour's gap", "22:00-02:10", "Australia/Lord_Howe",
         at("2026-10-03T22:00", "Australia/Lord_Howe"), at("2026-10-04T02:30", "Australia/Lord_Howe")),
    ],
)  # fmt: skip
def test_window(what: str, quiet: str, zone: str, start: int, end: int) -> None:
    found = hours(quiet)
    assert quiet_until(found, zone, start - 1) is None
    assert quiet_until(found, zone, start) == end, "the start is quiet"
    assert quiet_until(found, zone, end - 1) == end
    assert quiet_until(found, zone, end) is None, "the end is not"
    assert next_quiet(found, zone, start - 1) == start
    later = next_quiet(found, zone, start)
    assert later is None or later > end


def test_an_end_inside_the_fold_is_quiet_twice() -> None:
    quiet = hours("22:00-02:30")
    first_end, second_start = at("2026-10-25T02:30", fold=0), at("2026-10-25T02:00", fold=1)
    second_end = at("2026-10-25T02:30", fold=1)
    assert first_end < second_start < second_end
    assert quiet_until(quiet, BERLIN, first_end - 1) == first_end
    assert quiet_until(quiet, BERLIN, first_end) is None
    assert next_quiet(quiet, BERLIN, first_end) == second_start
    assert quiet_until(quiet, BERLIN, second_start) == second_end
    assert quiet_until(quiet, BERLIN, second_end) is None


def test_a_window_inside_the_gap_never_comes_that_day() -> None:
    quiet = hours("02:10-02:50 sun")
    assert next_quiet(quiet, BERLIN, at("2026-03-28T12:00")) == at("2026-04-05T02:10")


def test_adjacent_and_overlapping_windows_are_one_quiet_time() -> None:
    quiet = hours("22:00-24:00", "00:00-06:00", "05:00-07:00")
    assert quiet_until(quiet, BERLIN, at("2026-01-07T22:00")) == at("2026-01-08T07:00")


def test_the_end_is_true_even_when_the_clock_skips_the_only_break() -> None:
    quiet = hours("00:00-24:00 mon,tue,wed,thu,fri,sat", "00:00-02:00 sun", "03:00-24:00 sun")
    assert quiet_until(quiet, BERLIN, at("2026-03-22T03:00")) == at("2026-04-05T02:00")


def test_none_where_there_are_no_hours() -> None:
    off = QuietHours(windows=hours("00:00-12:00").windows, enabled=False)
    for nothing in (None, off, QuietHours(windows=())):
        assert quiet_until(nothing, BERLIN, at("2026-01-07T03:00")) is None
        assert next_quiet(nothing, BERLIN, at("2026-01-07T03:00")) is None


def test_all_of_a_week_does_not_raise() -> None:
    always = QuietHours(windows=(Window(start="00:00", until="24:00"),))
    now = at("2026-01-07T03:00")
    assert (quiet_until(always, BERLIN, now) or 0) > now
