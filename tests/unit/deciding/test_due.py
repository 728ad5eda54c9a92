"""A time of day is that of the recipient."""

from __future__ import annotations

import msgspec
import pytest

from shared.deciding.items import HoldUntil
from shared.deciding.routing import route
from shared.model.holds import Cause
from shared.model.local_times import LocalTime
from shared.model.reasons import Reason
from shared.model.rules import Rule
from tests.support import samples as a
from tests.unit.deciding.runs import HOUR, SHOW, SHOWN, asked


@pytest.mark.parametrize(
    ("zone", "due"),
    [
        (None, a.NOON + 3 * HOUR),
        ("Europe/Berlin", a.NOON + 2 * HOUR),
        ("Asia/Tokyo", None),
        ("America/New_York", a.NOON + 8 * HOUR),
    ],
)
def test_a_local_time_is_that_of_the_recipient(zone: str | None, due: int | None) -> None:
    at = LocalTime(time="15:00", date="2026-01-05")
    found = route(asked(SHOW, p_zone=zone, n_deliver_local=at))
    held_until = HoldUntil(reason=Reason.SCHEDULED, rule=Rule.DUE, cause=Cause.LOCAL_TIME, due=due or 0)
    shown = msgspec.structs.replace(SHOWN, zone=zone)
    assert found == ((shown,) if due is None else (held_until,))
