"""Fan-outs on a real Kafka and a real MongoDB: everybody who is meant, once, whatever ends in the middle."""

from __future__ import annotations

import os

import pytest

from shared.kafka.topic_reader import open_reader
from shared.process.failpoints import Failpoint
from tests.integration.router.fanout_stage import (
    NEWS,
    REPLY,
    event,
    metric,
    progress,
    published,
    read_pages,
    started_by,
    subscribed,
    told,
    until_decided,
    until_ended,
    users,
)
from tests.support.env import Harness
from tests.support.wait import until

MEMBERS = int(os.environ.get("CARILLON_FANOUT_MEMBERS", "20000"))


@pytest.fixture
async def at(harness: Harness) -> Harness:
    await published(harness, REPLY, NEWS)
    return harness


async def test_each_topic_reaches_its_own(at: Harness) -> None:
    await at.start("ingest", "router")
    members = {str(number): [f"t{number}-{name}" for name in ("a", "b", "c")] for number in range(3)}
    for thread, names in members.items():
        await users(at, *names)
        await at.call("PUT", f"/v1/topics/thread:{thread}/subscriptions", json={"users": [*names[:2], "both"]})
    await users(at, "both")
    answers = {
        thread: await at.call("POST", "/v1/events", json=event(int(thread), "thread.reply", thread=thread, by=names[0]))
        for thread, names in members.items()
    }
    for thread, names in members.items():
        found = await until_decided(at, answers[thread]["ids"][0], names[1], "both")
        assert sorted(found) == ["both", names[1]], "not its actor, nor who is not subscribed"


async def test_all_users_of_whom_something_holds(at: Harness) -> None:
    await at.start("ingest", "router")
    await users(at, "anna", "bert", locale="de")
    await users(at, "carl", locale="en")
    await users(at, "dora", deleted=True, life={"number": 1})
    sent = await at.call(
        "POST",
        "/v1/notifications",
        json={"workflow": "news", "recipients": {"users": "all", "where": {"profile.locale": ["de"]}}},
    )
    found = await until_decided(at, sent["id"], "anna", "bert")
    assert sorted(found) == ["anna", "bert"]
    ended = await until_ended(at, sent["fanouts"][0])
    assert (ended["state"], ended["recipients"], ended["skipped"]) == ("done", 2, 1)


async def test_a_list_of_more_than_a_hundred(at: Harness) -> None:
    await at.start("ingest", "router")
    names = [f"u-{number:03}" for number in range(101)]
    await users(at, *names)
    sent = await at.call("POST", "/v1/notifications", json={"workflow": "news", "recipients": names})
    assert sorted(await until_decided(at, sent["id"], *names)) == names
    assert (await until_ended(at, sent["fanouts"][0]))["recipients"] == 101


async def test_who_unsubscribes_between_the_page_and_the_decision_gets_nothing(at: Harness) -> None:
    await at.start("ingest")
    await users(at, "ada", "bob")
    await at.call("PUT", "/v1/topics/thread:7/subscriptions", json={"users": ["ada", "bob"]})
    sent = await at.call(
        "POST", "/v1/notifications", json={"workflow": "thread.reply", "recipients": {"topic": "thread:7"}}
    )
    await read_pages(at)
    await at.call("DELETE", "/v1/topics/thread:7/subscriptions", json={"users": ["ada"]})
    await at.start("router")
    found = await until_decided(at, sent["id"], "ada", "bob")
    items = {name: rows[0]["items"][0] for name, rows in found.items()}
    assert (items["ada"]["type"], items["ada"]["reason"]) == ("suppress", "unsubscribed")
    assert items["bob"]["type"] == "deliver"


async def test_a_cancelled_one_goes_no_further(at: Harness) -> None:
    await at.start("ingest", "router", CARILLON_FANOUT_LAG="1")
    names = [f"u-{number:04}" for number in range(10_000)]
    await subscribed(at, "thread:7", *names)
    sent = await at.call(
        "POST", "/v1/notifications", json={"workflow": "thread.reply", "recipients": {"topic": "thread:7"}}
    )
    [fanout] = sent["fanouts"]

    async def begun() -> bool:
        return (await progress(at, fanout))["pages"] >= 2

    await until(begun, what="two pages")
    cancelled = await at.call("POST", f"/v1/fanouts/{fanout}/cancel")
    assert cancelled["state"] == "cancelled"

    async def said_so() -> bool:
        async with open_reader(at.names.brokers.kafka, at.names.topics.statuses) as reader:
            types = [dict(record.headers)["ce_type"] async for batch in reader.batches() for record in batch]
        return b"carillon.fanout.cancelled" in types

    await until(said_so, what="the status of the end")
    pages = (await progress(at, fanout))["pages"]
    found = await told(at, sent["id"])
    assert 2 <= pages < 20
    assert sorted(found) == names[: pages * 500]


@pytest.mark.timeout(600)
async def test_everybody_is_reached_once_though_the_router_is_killed_in_the_middle(at: Harness) -> None:
    names = [f"u-{number:06}" for number in range(MEMBERS)]
    for start in range(0, MEMBERS, 5000):
        await users(at, *names[start : start + 5000])
    await subscribed(at, "thread:7", *names)
    slack = {"CARILLON_FANOUT_LAG": "4000"}
    await at.start("ingest")
    await at.start("delivery", CARILLON_DELIVERY_CHANNELS="in_app")
    await at.start("router", CARILLON_FAILPOINT=f"{Failpoint.AFTER_PAGE}:{MEMBERS // 500 // 4}", **slack)
    sent = await at.call("POST", "/v1/events", json=event(1, "thread.reply", thread="7", order="A7"))
    fanout = await started_by(at, sent["ids"][0])

    async def dead() -> bool:
        return not at.services["router"].child.alive

    await until(dead, what="the end of the router in the middle", timeout=90)
    at.spawn("router", **slack)

    async def half() -> bool:
        return (await progress(at, fanout))["pages"] >= MEMBERS // 500 // 2

    await until(half, what="half of the pages", timeout=120)
    retaken = await metric(at, "router", 'carillon_replays_total{where="fanout"}')
    at.services["router"].kill()
    at.spawn("router", **slack)
    ended = await until_ended(at, fanout, timeout=240)
    assert (ended["state"], ended["recipients"]) == ("done", MEMBERS)
    assert retaken >= 1, "the page that was taken before the first kill"

    async def all_there() -> bool:
        async with at.database() as database:
            return await database.inbox.count_documents({}) >= MEMBERS

    await until(all_there, what="a row in every inbox", timeout=240, every=0.5)
    async with at.database() as database:
        rows = [row["user"] async for row in database.inbox.find({}, {"user": 1})]
        decisions = await database.decisions.count_documents({})
    assert sorted(rows) == names
    assert decisions == MEMBERS
