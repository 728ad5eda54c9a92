"""Schedules: written only by who has read them as they are, claimed by one at a time, listed by tenant."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from shared.model.notifications import Contact
from shared.model.recipients import Recipient
from shared.model.schedules import MAX_PAGE_BYTES, Schedule, ScheduleState, is_full, paused
from shared.mongo.database import Database
from shared.mongo.schedules import Schedules
from shared.process.clock import now_ms
from tests.support import samples as a
from tests.support.twins.schedules import MemorySchedules
from tests.support.wait import until

LONG = timedelta(seconds=60)
FAR = a.NOON + 4000 * a.DAY


@pytest.fixture
def schedules(implementation: str, request: pytest.FixtureRequest) -> MemorySchedules | Schedules:
    return MemorySchedules() if implementation == "twin" else Schedules(request.getfixturevalue("database"))


def schedule(name: str = "a", **changes: Any) -> Schedule:
    known: dict[str, Any] = {
        "id": name,
        "tenant": "acme",
        "workflow": "order.shipped",
        "recipients": (Recipient(id="ada"), Recipient(id="x", contact=Contact(addresses={"email": "b@example.com"}))),
        "data": msgspec.Raw(b'{"order":"A7"}'),
        "cron": "0 9 * * *",
        "zone": "Europe/Berlin",
        "created_at": a.NOON,
        "next_at": FAR,
    }
    return Schedule(**(known | changes))


async def names(schedules: Any, *, lease: timedelta = LONG, most: int = 10) -> list[str]:
    return sorted(one.id for one in (await schedules.claim(most=most, lease=lease)).schedules)


async def test_what_is_read_is_what_was_written(schedules: Any) -> None:
    given = schedule(starts_at=1, ends_at=2, last_at=3)
    assert await schedules.swap(None, given)
    assert not await schedules.swap(None, given)
    assert await schedules.read("acme", "a") == given
    assert await schedules.read("other", "a") is None
    assert await schedules.read("acme", "b") is None


async def test_of_two_that_read_the_same_one_writes(schedules: Any) -> None:
    await schedules.swap(None, schedule())
    seen = await schedules.read("acme", "a")
    assert await schedules.swap(seen, paused(seen))
    assert not await schedules.swap(seen, seen)
    now = await schedules.read("acme", "a")
    assert (now.state, now.version, now.next_at) == (ScheduleState.PAUSED, 1, None)
    assert await schedules.swap(now, now)


async def test_a_tenants_own_by_id_in_pages(schedules: Any) -> None:
    for name in ("c", "a", "b"):
        await schedules.swap(None, schedule(name))
    await schedules.swap(None, schedule("a", tenant="other"))
    assert [one.id for one in await schedules.page("acme", after="", most=2)] == ["a", "b"]
    assert [one.id for one in await schedules.page("acme", after="b", most=2)] == ["c"]
    assert await schedules.count("acme", most=10) == 3
    assert await schedules.count("acme", most=2) == 2


async def test_a_page_of_large_ones_is_short(schedules: Any) -> None:
    large = msgspec.Raw(msgspec.json.encode({"text": "x" * (MAX_PAGE_BYTES // 4)}))
    for name in "abcdef":
        await schedules.swap(None, schedule(name, data=large))
    page = await schedules.page("acme", after="", most=6)
    assert [one.id for one in page] == ["a", "b", "c", "d"]
    assert is_full(page, 6)
    rest = await schedules.page("acme", after="d", most=6)
    assert [one.id for one in rest] == ["e", "f"]
    assert not is_full(rest, 6)


async def test_one_that_is_removed_has_gone_for_whoever_claimed_it(schedules: Any) -> None:
    await schedules.swap(None, schedule(next_at=1))
    (claimed,) = (await schedules.claim(most=1, lease=LONG)).schedules
    assert not await schedules.remove("other", "a")
    assert await schedules.remove("acme", "a")
    assert not await schedules.remove("acme", "a")
    assert not await schedules.swap(claimed, claimed)
    assert await schedules.read("acme", "a") is None


async def test_what_is_due_is_claimed_by_one_until_its_lease_ends(schedules: Any) -> None:
    now = now_ms()
    for name, at in (("due", now - 5000), ("long due", 1), ("not yet", FAR), ("paused", None)):
        await schedules.swap(None, schedule(name, next_at=at))
    assert await names(schedules, most=1, lease=timedelta(seconds=2)) == ["long due"], "the longest waiting first"
    assert await names(schedules) == ["due"]
    assert await names(schedules) == []

    async def again() -> bool:
        return await names(schedules) == ["long due"]

    await until(again, what="the lease has ended")


async def test_a_tenant_with_many_keeps_no_other_waiting(schedules: Any) -> None:
    for number in range(6):
        await schedules.swap(None, schedule(f"many-{number}", next_at=a.NOON + number))
    await schedules.swap(None, schedule("one", tenant="other", next_at=a.NOON + 100))
    assert await names(schedules, most=4) == ["many-0", "many-1", "many-2", "one"]
    assert await names(schedules, most=4) == ["many-3", "many-4", "many-5"]


async def test_the_claim_says_the_time_and_what_is_written_under_it_frees_it(schedules: Any) -> None:
    await schedules.swap(None, schedule(next_at=1))
    claimed = await schedules.claim(most=1, lease=LONG)
    assert abs(claimed.now - now_ms()) < 5000
    (found,) = claimed.schedules
    assert await schedules.seconds_to_next(7.0) == 7.0, "it is claimed"
    assert await schedules.swap(found, msgspec.structs.replace(found, next_at=2))
    assert await schedules.seconds_to_next(7.0) == 0.0
    assert await names(schedules) == ["a"]


async def test_the_next_one_is_known(schedules: Any) -> None:
    assert await schedules.seconds_to_next(7.0) == 7.0
    await schedules.swap(None, schedule(next_at=now_ms() + 3000))
    assert 0 < await schedules.seconds_to_next(7.0) <= 3.1


@pytest.mark.real
async def test_a_newer_versions_schedule_is_left_to_it(database: Database) -> None:
    schedules = Schedules(database)
    await schedules.swap(None, schedule(next_at=1))
    await database.schedules.update_one({}, {"$set": {"format": a.NEWER}})
    assert (await schedules.claim(most=1, lease=LONG)).schedules == []
    assert await schedules.page("acme", after="", most=9) == []
    assert await schedules.seconds_to_next(5) == 5
