"""When a schedule fires, what is made up for, and what it sends."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.model.errors import Invalid
from shared.model.expansion import expand
from shared.model.local_times import LocalTime
from shared.model.recipients import Recipient
from shared.model.schedules import (
    EACH_RECIPIENTS,
    Schedule,
    ScheduleState,
    activated,
    check_schedule_id,
    decode_schedule,
    due_firing,
    encode_schedule,
    is_same,
    next_fire,
    paused,
    request_of,
)
from shared.model.timestamps import parse_rfc3339
from tests.support import samples as a

NINE = parse_rfc3339("2026-01-06T08:00:00Z")
"""In Berlin, the day after NOON."""


def schedule(**changes: Any) -> Schedule:
    known: dict[str, Any] = {
        "id": "daily",
        "tenant": "acme",
        "workflow": "order.shipped",
        "recipients": (Recipient(id="ada"), Recipient(id="bob")),
        "data": msgspec.Raw(b'{"order":"A7"}'),
        "cron": "0 9 * * *",
        "zone": "Europe/Berlin",
        "created_at": a.NOON,
    }
    return Schedule(**(known | changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, NINE),
        ({"starts_at": NINE}, NINE),
        ({"starts_at": NINE + 1}, NINE + a.DAY),
        ({"starts_at": a.NOON - a.DAY}, NINE),
        ({"ends_at": NINE + 1}, NINE),
        ({"ends_at": NINE}, None),
        ({"zone": EACH_RECIPIENTS}, parse_rfc3339("2026-01-06T09:00:00+14:00")),
        ({"zone": EACH_RECIPIENTS, "starts_at": parse_rfc3339("2026-01-07T00:00:00Z")},
         parse_rfc3339("2026-01-07T09:00:00+14:00")),
        ({"zone": EACH_RECIPIENTS, "ends_at": parse_rfc3339("2026-01-06T09:00:00Z")}, None),
    ],
)  # fmt: skip
def test_the_first_time(changes: dict[str, Any], expected: int | None) -> None:
    found = activated(schedule(**changes), a.NOON)
    assert found.next_at == expected
    assert found.state is (ScheduleState.ACTIVE if expected else ScheduleState.ENDED)


def test_it_fires_when_it_is_due_and_goes_on_to_the_next_time() -> None:
    active = activated(schedule(), a.NOON)
    assert due_firing(active, NINE - 1) is None
    assert due_firing(paused(active), NINE) is None
    firing = due_firing(active, NINE)
    assert firing is not None
    assert firing.at == NINE
    assert (firing.after.last_at, firing.after.next_at) == (NINE, NINE + a.DAY)


def test_of_those_that_were_missed_the_latest_is_made_up_for() -> None:
    firing = due_firing(activated(schedule(), a.NOON), NINE + 3 * a.DAY + 7)
    assert firing is not None
    assert (firing.at, firing.after.next_at) == (NINE + 3 * a.DAY, NINE + 4 * a.DAY)
    ended = due_firing(activated(schedule(ends_at=NINE + a.DAY), a.NOON), NINE + 3 * a.DAY)
    assert ended is not None
    assert (ended.at, ended.after.next_at, ended.after.state) == (NINE, None, ScheduleState.ENDED)


def test_what_was_missed_while_it_was_paused_is_not_made_up_for() -> None:
    resumed = activated(paused(activated(schedule(), a.NOON)), NINE + 5 * a.DAY)
    assert (resumed.state, resumed.next_at) == (ScheduleState.ACTIVE, NINE + 6 * a.DAY)


def test_the_same_time_again_is_the_same_notifications_by_whatever_version() -> None:
    first = expand(request_of(schedule(), a.workflow(), NINE, NINE), a.workflow())
    again = expand(request_of(schedule(), a.workflow(), NINE, NINE + 900), a.workflow(version=9))
    assert [one.id for one in first] == [one.id for one in again]
    assert len({one.id for one in first}) == 2
    others = [
        (schedule(id="other"), NINE),
        (schedule(tenant="b"), NINE),
        (schedule(created_at=1), NINE),
        (schedule(), 1),
    ]
    for other, at in others:
        assert {one.id for one in expand(request_of(other, a.workflow(), at, NINE), a.workflow())}.isdisjoint(
            one.id for one in first
        )


def test_in_each_recipients_zone_it_names_the_time_of_day() -> None:
    each = activated(schedule(zone=EACH_RECIPIENTS), a.NOON)
    assert each.next_at is not None
    (first, _) = expand(request_of(each, a.workflow(), each.next_at, each.next_at), a.workflow())
    assert first.deliver_local == LocalTime(date="2026-01-06", time="09:00")
    firing = due_firing(each, each.next_at + 5)
    assert firing is not None
    assert firing.after.next_at == each.next_at + a.DAY
    assert expand(request_of(schedule(), a.workflow(), NINE, NINE), a.workflow())[0].deliver_local is None


def test_it_never_fires_at_or_before_the_time_asked_for() -> None:
    for zone in ("UTC", EACH_RECIPIENTS, "Europe/Berlin"):
        at = next_fire(schedule(zone=zone, cron="* * * * *"), NINE)
        assert at is not None
        assert at == NINE + 60_000


def test_two_that_say_the_same() -> None:
    assert is_same(schedule(), msgspec.structs.replace(paused(schedule(created_at=7)), version=3, last_at=4))
    assert not is_same(schedule(), schedule(cron="0 10 * * *"))


def test_what_is_stored_is_read() -> None:
    assert decode_schedule(encode_schedule(schedule(ends_at=5)), 3) == schedule(ends_at=5, version=3)


@pytest.mark.parametrize("text", ["", "a/b", "a b", "ä", ".a", "a" * 101, "a\n"])
def test_an_id_can_stand_in_a_path(text: str) -> None:
    with pytest.raises(Invalid):
        check_schedule_id(text, "/id")
    assert check_schedule_id("Daily-1.b_c", "/id") == "Daily-1.b_c"
