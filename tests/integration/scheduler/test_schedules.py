"""Schedules on a real platform: fired once by two schedulers, through a kill between produce and the next time."""

from __future__ import annotations

from typing import Any

import msgspec

from shared.model.records import Kind, decode_record
from shared.model.schedules import Schedule
from shared.mongo.database import Database
from shared.mongo.schedules import Schedules
from shared.process.clock import now_ms
from tests.chaos.evidence import read_topic
from tests.integration.router.fanout_stage import users
from tests.support.env import Harness
from tests.support.wait import until

BODY = {
    "id": "minutely",
    "workflow": "order.shipped",
    "recipients": ["ana", {"email": "bo@example.com"}],
    "data": {"order": "A-1", "carrier": "DHL"},
    "cron": "* * * * *",
    "zone": "Europe/Berlin",
}


async def make_due(database: Database, name: str = "minutely", **changes: Any) -> int:
    """As if its time had come: to the last full minute. Returns the time."""
    schedules = Schedules(database)
    found = await schedules.read("default", name)
    assert found is not None
    due = (now_ms() - 1) // 60_000 * 60_000
    assert await schedules.swap(found, msgspec.structs.replace(found, next_at=due, **changes))
    return due


async def sent(harness: Harness) -> list[Any]:
    records = [
        decode_record(one.value)
        for one in await read_topic(harness.names.brokers.kafka, harness.names.topics.notifications)
    ]
    return [one.notification for one in records if one.kind is Kind.NOTIFY and one.notification]


async def after(database: Database, due: int, name: str = "minutely") -> Schedule:
    """The schedule once it has fired for that time, or a later one."""

    async def fired() -> Schedule | None:
        found = await Schedules(database).read("default", name)
        return found if found and (found.last_at or 0) >= due else None

    return await until(fired, what="the schedule has fired")


async def test_a_time_fires_once_with_two_schedulers_and_a_kill_before_the_next_time_is_stored(
    harness: Harness,
) -> None:
    await harness.start("ingest", "router")
    await harness.call("POST", "/v1/schedules", json=BODY, expect=201)
    async with harness.database() as database:
        due = await make_due(database)
        harness.spawn("scheduler", "first", CARILLON_FAILPOINT="after_release")

        async def killed() -> bool:
            return not harness.services["first"].child.alive

        await until(killed, what="it was killed with the notifications on the log")
        produced = await sent(harness)
        assert len(produced) == 2
        for label in ("second", "third"):
            harness.spawn("scheduler", label)
        stored = await after(database, due)
        assert stored.next_at is not None
        assert stored.next_at > due
        again = await sent(harness)
        events = {one.event_id for one in again}
        assert len(again) >= 4, "the first was killed before it could say what it had done"
        assert len({one.id for one in again}) == 2 * len(events)
        assert {one.id for one in produced} < {one.id for one in again} or len(events) == 1
        wanted = {one.id for one in produced}

        async def decided() -> bool:
            return await database.decisions.count_documents({"notification": {"$in": sorted(wanted)}}) >= 2

        await until(decided, what="both are decided")
        await harness.call("DELETE", "/v1/schedules/minutely", expect=204)
        found = [row async for row in database.decisions.find({"notification": {"$in": sorted(wanted)}})]
        assert sorted(row["notification"] for row in found if row["pass"] == 0) == sorted(wanted)


async def test_an_id_of_a_long_list_that_is_somebody_elses_by_now_gets_nothing(harness: Harness) -> None:
    """Deleted and created again since it was written; the control was so long before."""
    await harness.start("ingest", "router", "scheduler")
    names, now = [f"u-{number:03}" for number in range(101)], now_ms()
    await harness.call("POST", "/v1/schedules", json=BODY | {"recipients": names}, expect=201)
    since = {"u-000": now - 60_000, "u-001": now - 3_600_000}
    for name, instant in since.items():
        await users(harness, name, life={"number": 1, "since": instant})
    async with harness.database() as database:
        await make_due(database, created_at=now - 600_000)

        async def decided() -> dict[str, dict[str, Any]]:
            rows = [row async for row in database.decisions.find({"user": {"$in": list(since)}})]
            found = {row["user"]: row for row in rows}
            return found if len(found) == 2 else {}

        found = await until(decided, what="both are decided")
    reasons = {name: row["items"][0].get("reason") for name, row in found.items()}
    assert reasons["u-000"] == "user_deleted"
    assert reasons["u-001"] != "user_deleted"
    assert (found["u-000"]["life"], found["u-001"]["life"]) == (0, 1)


async def test_the_api_creates_lists_pauses_resumes_and_deletes(harness: Harness) -> None:
    await harness.start("ingest")
    created = await harness.call("POST", "/v1/schedules", json=BODY, expect=201)
    assert (created["state"], created["recipients"], created["data"]) == ("active", BODY["recipients"], BODY["data"])
    assert await harness.call("POST", "/v1/schedules", json=BODY, expect=201) == created
    other = await harness.call("POST", "/v1/schedules", json=BODY | {"cron": "0 9 * * *"}, expect=409)
    assert other["code"] == "schedule_exists"
    unnamed = await harness.call("POST", "/v1/schedules", json=BODY | {"id": None, "zone": "recipient"}, expect=201)
    audience = {"topic": "thread:7", "where": {"profile.locale": ["de", "en"]}}
    to_many = await harness.call(
        "POST", "/v1/schedules", json=BODY | {"id": "many", "recipients": audience}, expect=201
    )
    assert to_many["recipients"] == audience
    await harness.call("DELETE", "/v1/schedules/many", expect=204)
    listed = await harness.call("GET", "/v1/schedules")
    assert {one["id"] for one in listed["schedules"]} == {"minutely", unnamed["id"]}
    assert listed["after"] is None
    assert (await harness.call("GET", "/v1/schedules/minutely"))["cron"] == "* * * * *"

    paused = await harness.call("PATCH", "/v1/schedules/minutely", json={"state": "paused"})
    assert (paused["state"], paused.get("next_at")) == ("paused", None)
    resumed = await harness.call("PATCH", "/v1/schedules/minutely", json={"state": "active"})
    assert resumed["next_at"]
    refused = await harness.call("PATCH", "/v1/schedules/minutely", json={"state": "ended"}, expect=422)
    assert refused["errors"][0]["pointer"] == "/state"
    await harness.call("DELETE", "/v1/schedules/minutely", expect=204)
    for method in ("GET", "DELETE"):
        assert (await harness.call(method, "/v1/schedules/minutely", expect=404))["code"] == "unknown_schedule"

    for wrong, pointer in (
        ({"cron": "0 0 30 2 *"}, "/cron"),
        ({"cron": "* * * * * *"}, "/cron"),
        ({"zone": "Mars/Base"}, "/zone"),
        ({"zone": "localtime"}, "/zone"),
        ({"recipients": []}, "/recipients"),
        ({"workflow": "nobody.knows"}, "/workflow"),
        ({"id": "a/b"}, "/id"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, "/ends_at"),
        ({"cron": "0 0 29 2 *", "starts_at": "2026-12-10T00:00:00Z", "ends_at": "2026-12-11T00:00:00Z"}, "/cron"),
    ):
        answer = await harness.call("POST", "/v1/schedules", json=BODY | {"id": "wrong"} | wrong, expect=422)
        assert pointer in {each["pointer"] for each in answer["errors"]}, answer
