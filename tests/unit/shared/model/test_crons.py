"""Cron expressions against the wall clock, minute by minute, and what is no expression."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.crons import InvalidCron, check_cron, cron, latest_time, next_time
from shared.model.errors import InvalidWorkflow
from shared.model.timestamps import parse_rfc3339, rfc3339

MINUTE = 60_000
CHANGES = {
    "Europe/Berlin": ("2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"),
    "Australia/Lord_Howe": ("2026-10-03T15:30:00Z", "2026-04-04T15:00:00Z"),
    "America/Havana": ("2026-03-08T05:00:00Z", "2026-11-01T05:00:00Z"),
    "Africa/Casablanca": ("2026-02-15T02:00:00Z", "2026-03-22T02:00:00Z"),
    "Asia/Kathmandu": ("2026-03-29T01:00:00Z",),
}


def fires(expression: str, zone: str, first: int, last: int) -> list[int]:
    found, at = [], next_time(expression, zone, first)
    while at is not None and at <= last:
        found.append(at)
        at = next_time(expression, zone, at)
    return found


def scanned(minutes: set[int], hours: set[int], zone: str, first: int, last: int) -> list[int]:
    """What names hours: each time of day once; a minute that no clock shows, at the first one after it."""
    found: set[int] = set()
    shown: set[tuple[int, int, int]] = set()
    walls = [
        (at, datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).replace(tzinfo=None))
        for at in range(first, last + MINUTE, MINUTE)
    ]
    for (_, before), (at, wall) in pairwise(walls):
        steps = round((wall - before).total_seconds() // 60)
        for missing in range(1, max(steps, 1) + 1):
            named = datetime.fromtimestamp(before.replace(tzinfo=UTC).timestamp() + missing * 60, UTC)
            if steps < 1:
                named = wall.replace(tzinfo=UTC)
            if named.hour in hours and named.minute in minutes and (named.day, named.hour, named.minute) not in shown:
                shown.add((named.day, named.hour, named.minute))
                found.add(at)
    return sorted(found)


@given(
    st.sampled_from([(zone, change) for zone, of in CHANGES.items() for change in of]),
    st.sets(st.integers(0, 59), min_size=1, max_size=4),
    st.sets(st.integers(0, 4) | st.integers(0, 23), min_size=1, max_size=5),
)
def test_times_of_day(where: tuple[str, str], minutes: set[int], hours: set[int]) -> None:
    zone, change = where
    first, last = parse_rfc3339(change) - 1500 * MINUTE, parse_rfc3339(change) + 1500 * MINUTE
    expression = f"{','.join(map(str, minutes))} {','.join(map(str, hours))} * * *"
    assert fires(expression, zone, first, last) == scanned(minutes, hours, zone, first, last)


@pytest.mark.parametrize("zone", CHANGES)
@pytest.mark.parametrize("hours", ["*", "0-23", "*/1"])
def test_every_hour_goes_on_through_a_change(zone: str, hours: str) -> None:
    for change in CHANGES[zone]:
        middle = parse_rfc3339(change)
        found = fires(f"*/30 {hours} * * *", zone, middle - 300 * MINUTE, middle + 300 * MINUTE)
        assert {after - before for before, after in pairwise(found)} == {30 * MINUTE}
        assert len(found) == 20


@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        ("0 9 * * 1-5", "UTC", "2026-01-09T09:00:00Z", "2026-01-12T09:00:00.000Z"),
        ("0 9 * * 1-5", "UTC", "2026-01-09T08:59:59.999Z", "2026-01-09T09:00:00.000Z"),
        ("0 0 29 2 *", "UTC", "2026-01-09T08:00:00Z", "2028-02-29T00:00:00.000Z"),
        ("0 0 L * *", "Asia/Tokyo", "2026-02-01T00:00:00Z", "2026-02-27T15:00:00.000Z"),
        ("*/20 2 * * *", "Europe/Berlin", "2026-03-29T00:30:00Z", "2026-03-29T01:00:00.000Z"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", "2026-10-26T01:30:00.000Z"),
    ],
)
def test_next_time(expression: str, zone: str, after: str, expected: str) -> None:
    found = next_time(expression, zone, parse_rfc3339(after))
    assert found is not None
    assert rfc3339(found) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "0 0 31 2 *", "0 0 30 2 *", "a b c d e", "*/0 * * * *", "5-1 * * * *",
        "* * * * 1#6", "٣ * * * *", "* * * * *" * 50, "1,,2 * * * *", "@daily", "0 0 31 4,6,9,11 *",
        "*/90 * * * *", "0 */36 * * *", "0 9 */31 * *", "0 9-17/24 * * *",
    ],
)  # fmt: skip
def test_what_never_fires(text: str) -> None:
    with pytest.raises(InvalidCron) as refused:
        cron(text, "/cron")
    assert (refused.value.code, refused.value.pointer) == ("invalid_cron", "/cron")
    with pytest.raises(InvalidWorkflow):
        check_cron(text, "/cron")


@given(st.text(alphabet="0123456789*/,-#LWJAN ", max_size=40))
def test_any_text_is_an_expression_or_none(text: str) -> None:
    try:
        expression = cron(text, "")
    except InvalidCron:
        return
    assert cron(expression, "") == expression
    assert next_time(expression, "UTC", 0)


def test_of_two_days_that_are_given_either_will_do() -> None:
    """As POSIX says and Debian's cron does: with a `*`, also of a step, both must hold."""
    start = parse_rfc3339("2026-12-01T12:00:00Z")
    days = {expression: [rfc3339(at)[8:10] for at in fires(expression, "UTC", start, start + 16 * 1440 * MINUTE)]
            for expression in ("0 9 1-7 * 1", "0 9 31 jun sun", "0 9 * * 1#2", "0 9 */2 * 1")}  # fmt: skip
    assert days == {
        "0 9 1-7 * 1": ["02", "03", "04", "05", "06", "07", "14"],
        "0 9 31 jun sun": [],
        "0 9 * * 1#2": ["14"],
        "0 9 */2 * 1": ["07"],
    }
    assert next_time("0 9 31 jun sun", "UTC", start) == parse_rfc3339("2027-06-06T09:00:00Z")


def test_spaces_do_not_matter() -> None:
    assert cron("  0\t9 * *   1-5 ", "") == "0 9 * * 1-5"


@given(
    st.sampled_from(["* * * * *", "*/7 3 * * *", "0 9 * * 1-5", "* * 5 1 *", "0 0 29 2 *", "30 2 * * 0"]),
    st.sampled_from(sorted(CHANGES)),
    st.integers(0, 900 * 1440),
)
def test_the_latest_of_those_that_were_missed(expression: str, zone: str, minutes: int) -> None:
    start = parse_rfc3339("2026-01-05T12:00:00Z")
    first = next_time(expression, zone, start)
    assert first is not None
    until = first + minutes * MINUTE
    found = latest_time(expression, zone, first, until)
    assert first <= found <= until
    assert found == first or found in (
        next_time(expression, zone, found - 1),
        next_time(expression, zone, found - 1000),
    )
    later = next_time(expression, zone, found)
    assert later is None or later > until
