"""The console on a real Kafka and a real MongoDB: statuses in, timelines out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from sandbox.free_ports import free_ports
from sandbox.mongod import Mongod
from services.console.timeline.store import MAX_STATUSES
from services.router.core.effects import derive_effects
from shared.model.channels import Channel
from shared.model.outputs import Output
from shared.model.timestamps import to_datetime
from shared.process.metrics import STATUSES_SKIPPED
from tests.integration.console.stage import Console, console, decide, sent, why
from tests.support.brokers import Brokers
from tests.support.env import Names, lay
from tests.unit.console import test_timeline as made


@pytest.fixture
async def live(names: Names) -> AsyncIterator[Console]:
    async with console(names) as made_console:
        yield made_console


async def test_a_timeline_from_the_decision_to_the_hold(live):
    await decide(live)
    timeline = await live.until(entries=1)
    assert (timeline["tenant"], timeline["user"], timeline["workflow"], timeline["version"]) == (
        "default",
        "ana",
        "order.shipped",
        3,
    )
    assert timeline["state"] == "open"
    assert {row["channel"]: row["state"] for row in timeline["channels"]} == {
        "in_app": "queued", "email": "held", "webhook": "suppressed",
    }  # fmt: skip
    decision = timeline["decisions"][0]
    assert (decision["partition"], decision["offset"], decision["profile_version"]) == (4, 17, 2)
    stopped = [(rule["channel"], rule["rule"], rule["reason"]) for rule in decision["rules"] if "reason" in rule]
    assert stopped == [("email", "quiet_hours", "quiet_hours"), ("webhook", "address", "no_address")]
    assert [(hold["cause"], hold["channel"]) for hold in timeline["holds"]] == [("quiet_hours", "email")]
    assert timeline["entries"][0]["ms_since_accept"] == 19


async def test_a_replay_changes_nothing_and_what_is_no_status_is_passed_by(live):
    skipped = STATUSES_SKIPPED.labels("missing_attribute")._value.get()
    topic, key = live.topics.statuses, b"default:ana"
    await decide(live)
    await live.until(entries=1)
    unreadable = [
        Output(topic, key, b'{"user":"ana"}', []),
        Output(topic, key, b"\xff\xfe", [("ce_id", b"x")]),
        Output(topic, key, None, []),
        Output(
            topic,
            key,
            b"[]",
            [(f"ce_{name}", b"2026-01-05T10:11:12Z") for name in ("id", "tenant", "type", "subject", "time")],
        ),
    ]
    again = [*unreadable, sent(live.topics, Channel.IN_APP), sent(live.topics, Channel.IN_APP)]
    await live.publisher.publish(again)
    await live.until(entries=2)
    follow = derive_effects(live.topics, [made.decision(made.IN_APP, made.QUIET, made.NO_WEBHOOK)])
    await live.publisher.publish([*follow.outputs, *again, sent(live.topics, Channel.EMAIL)])
    timeline = await live.until(entries=3)
    assert [entry["state"] for entry in timeline["entries"]] == ["routed", "sent", "sent"]
    assert await live.database.timeline.count_documents({}) == 3
    assert STATUSES_SKIPPED.labels("missing_attribute")._value.get() >= skipped + 2
    assert timeline["state"] == "terminal"


async def test_only_the_owner_with_the_right_scope_sees_it(live):
    await decide(live)
    await live.until(entries=1)
    answers = {key: await live.timeline(key=key) for key in ("other", "sender", "ck_000000000000_" + "x" * 43, None)}
    assert [code for code, _ in answers.values()] == [404, 403, 401, 401]
    assert answers["other"][1] == (await live.timeline("nothing", key="other"))[1] | {
        "instance": f"/v1/notifications/{made.NOTIFICATION.id}/timeline", "request_id": answers["other"][1]["request_id"],
    }  # fmt: skip
    assert answers["sender"][1]["fix"]
    assert (await live.get("/v1/events/e1/notifications", "other"))[0] == 404


async def test_an_event_names_its_notifications(live):
    await decide(live)
    await live.publisher.publish([sent(live.topics, Channel.IN_APP)])
    await live.until(entries=2)
    code, answer = await live.get("/v1/events/e1/notifications")
    assert code == 200
    assert answer["notifications"] == [
        {"id": made.NOTIFICATION.id, "user": "ana", "workflow": "order.shipped", "last": "carillon.delivery.sent"}
    ]
    assert (await live.get("/v1/events/unknown/notifications"))[0] == 404


async def test_a_timeline_is_read_by_index(live):
    """Four queries whatever the timeline's length, none of them over a whole collection."""
    query = {"tenant": "default", "notification": made.NOTIFICATION.id}
    for name in ("timeline", "decisions", "deliveries", "holds"):
        others = [{"_id": str(number), "tenant": "default", "notification": str(number)} for number in range(300)]
        await live.database[name].insert_many([{"_id": "x", **query}, *others])
        plan = await live.database[name].find(query).explain()
        stage = plan["queryPlanner"]["winningPlan"]
        stage = stage.get("queryPlan", stage)
        while stage["stage"] != "IXSCAN":
            assert "inputStage" in stage, f"{name} is read without an index: {stage}"
            stage = stage["inputStage"]
        assert "notification" in stage["keyPattern"], name


async def test_the_end_is_shown_however_much_came_before(live):
    """The statuses of years of retries: the newest are read, and it is said that older ones are left out."""
    row = {
        "tenant": "default",
        "user": "ana",
        "notification": "n",
        "subject": "d",
        "type": "carillon.delivery.retrying",
    }
    data = {"channel": "email", "step": "notify", "workflow": "order.shipped"}
    retried = [
        {"_id": str(n), **row, "at": to_datetime(made.ACCEPTED + n), "data": data | {"pass": n}}
        for n in range(MAX_STATUSES)
    ]
    await live.database.timeline.insert_many(retried)
    last = {"_id": "last", **row, "type": "carillon.delivery.sent", "data": data | {"pass": MAX_STATUSES}}
    await live.database.timeline.insert_one(last | {"at": to_datetime(made.ACCEPTED + MAX_STATUSES)})
    code, timeline = await live.timeline("n")
    assert code == 200
    assert timeline["entries"][-1]["state"] == "sent"
    assert (timeline["state"], timeline["complete"]) == ("terminal", False)


async def test_carillon_why_shows_it(live):
    await decide(live)
    await live.until(entries=1)
    code, out, err = await why(live, made.NOTIFICATION.id, live.keys["default"])
    assert code == 0, err
    assert "order.shipped v3 for ana" in out
    assert "By email it waits for the end of the user's quiet hours, until" in out
    assert (await why(live, made.NOTIFICATION.id, live.keys["default"], "--rules"))[1].count(
        "quiet hours → held until"
    ) == 1
    answer = json.loads((await why(live, made.NOTIFICATION.id, live.keys["default"], "--json"))[1])
    assert answer == (await live.get(f"/v1/notifications/{made.NOTIFICATION.id}/why"))[1]
    assert [one["until"] for one in answer["now"] if "until" in one] == [answer["sentences"][2]["until"]]
    assert "PATCH" not in out, "whoever is reached in the inbox need not have a webhook"
    code, out, err = await why(live, "unknown", live.keys["default"])
    assert code == 1
    assert "404 unknown_notification" in err


async def test_while_mongodb_is_unavailable_it_waits_and_nothing_is_lost(shared_brokers, tmp_path):
    mongod = Mongod(tmp_path, free_ports(1)[0], cache_gb=0.25)
    mongod.spawn()
    try:
        await mongod.ready()
        names = await lay(Brokers(kafka=shared_brokers.kafka, mongo=mongod.uri))
        async with console(names) as live:
            await decide(live)
            await live.until(entries=1)
            await asyncio.to_thread(mongod.kill)
            await live.publisher.publish([sent(live.topics, Channel.IN_APP)])
            code, problem = await live.timeline()
            assert (code, problem["code"]) == (503, "temporarily_unavailable")
            mongod.spawn()
            await mongod.ready()
            timeline = await live.until(entries=2)
            assert [entry["state"] for entry in timeline["entries"]] == ["routed", "sent"]
    finally:
        await asyncio.to_thread(mongod.kill)
