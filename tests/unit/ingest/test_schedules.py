"""Schedules over their twin: made once, changed although they fire meanwhile, shown as they were asked for."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest

from services.ingest.models.body import InvalidFields
from services.ingest.models.schedules import read_schedule, shown_schedule
from services.ingest.schedules_api import _create, _schedule, _set_state
from shared.http.problems import Problem
from shared.model.schedules import MAX_SCHEDULES, Schedule, ScheduleState
from tests.support import samples as a
from tests.support.twins.schedules import MemorySchedules
from tests.unit.ingest.scenes import call, caller

BODY: dict[str, Any] = {
    "id": "weekly",
    "workflow": "order.shipped",
    "recipients": ["ada", {"email": "bob@example.com", "name": "Bob", "zone": "Asia/Tokyo"}],
    "data": {"order": "A7"},
    "cron": "0 9 * * 1",
    "zone": "Europe/Berlin",
}


def wanted(**changes: Any) -> Schedule:
    body = BODY | changes
    return _schedule(call(orjson.dumps(body)), read_schedule(body, a.NOON), a.NOON)


def shown(schedule: Schedule) -> dict[str, Any]:
    return orjson.loads(msgspec.json.encode(shown_schedule(schedule)))


def test_it_is_shown_as_it_was_asked_for() -> None:
    found = shown(wanted())
    assert {name: found[name] for name in BODY} == BODY
    assert (found["state"], found["next_at"]) == ("active", "2026-01-12T08:00:00.000Z")
    audience = {"topic": "thread:7", "where": {"profile.locale": ["de"]}}
    assert shown(wanted(recipients=audience))["recipients"] == audience


def test_without_an_id_it_has_that_of_its_call() -> None:
    assert wanted(id=None).id == wanted(id=None).id
    assert wanted(id=None).id != wanted(id=None, cron="0 8 * * 1").id


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"cron": "0 0 29 2 *", "ends_at": "2026-03-05T00:00:00Z"}, "never_fires"),
        ({"cron": "0 0 31 4 *"}, "invalid_request"),
        ({"zone": "Factory"}, "invalid_request"),
        ({"ends_at": "2026-01-05T11:00:00Z"}, "invalid_request"),
        ({"starts_at": "2026-02-05T11:00:00Z", "ends_at": "2026-02-05T11:00:00Z"}, "invalid_request"),
        ({"recipients": {}}, "invalid_request"),
        ({"prio": 1}, "invalid_request"),
    ],
)
def test_what_never_fires_or_names_nobody_is_said(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidFields) as refused:
        wanted(**changes)
    assert refused.value.code == code


def test_data_that_is_too_much_for_so_many() -> None:
    text = {"text": "x" * 200_000}
    assert len(wanted(data=text).data) > 200_000
    with pytest.raises(Problem) as refused:
        wanted(data=text, recipients={"topic": "thread:7"})
    assert refused.value.status == 413


async def test_the_same_again_is_answered_and_another_under_its_id_is_not() -> None:
    schedules = MemorySchedules()
    first = await _create(schedules, wanted())
    again = await _create(schedules, msgspec.structs.replace(wanted(), created_at=a.NOON + 5, next_at=a.NOON + a.DAY))
    assert again == first
    with pytest.raises(Problem) as refused:
        await _create(schedules, wanted(cron="0 10 * * 1"))
    assert (refused.value.status, refused.value.code) == (409, "schedule_exists")


async def test_a_tenant_has_no_more_than_a_bound() -> None:
    class Full(MemorySchedules):
        async def count(self, tenant: str, *, most: int) -> int:
            return MAX_SCHEDULES if tenant == "acme" else 0

    with pytest.raises(Problem) as refused:
        await _create(Full(), wanted())
    assert refused.value.code == "too_many_schedules"


async def test_it_is_paused_although_it_fires_meanwhile() -> None:
    class Fires(MemorySchedules):
        fired = False

        async def swap(self, before: Schedule | None, after: Schedule) -> bool:
            if before is not None and not self.fired:
                self.fired = True
                await super().swap(before, msgspec.structs.replace(before, last_at=a.NOON))
            return await super().swap(before, after)

    schedules = Fires()
    await _create(schedules, wanted())
    found = await _set_state(schedules, caller(), "weekly", ScheduleState.PAUSED)
    assert (found.state, found.next_at, found.last_at) == (ScheduleState.PAUSED, None, a.NOON)
    assert (await _set_state(schedules, caller(), "weekly", ScheduleState.ACTIVE)).next_at is not None
    with pytest.raises(Problem) as refused:
        await _set_state(schedules, caller(tenant="other"), "weekly", ScheduleState.PAUSED)
    assert refused.value.status == 404
