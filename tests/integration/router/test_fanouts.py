"""Fan-outs on a real Kafka and a real MongoDB: everybody who is meant, once, whatever ends in the middle."""

from __future__ import annotations

import os
import re
from typing import Any

import aiohttp
import pytest

from services.router.fanout import FanoutWork
from services.router.members import Members
from shared.catalog.publishing import publish
from shared.kafka.producer import Publisher
from shared.kafka.topic_reader import open_reader
from shared.model.channels import Channel
from shared.model.records import decode_record
from shared.model.steps import ChannelStep
from shared.model.workflow_recipients import Audience, Everybody
from shared.model.workflows import Workflow
from shared.mongo.fanouts import Fanouts
from shared.mongo.subscriptions import Subscriptions
from shared.process.failpoints import Failpoint
from tests.support import samples as a
from tests.support.env import Harness
from tests.support.wait import until

MEMBERS = int(os.environ.get("CARILLON_FANOUT_MEMBERS", "20000"))
IN_APP = (ChannelStep(key="notify", channels=(Channel.IN_APP,)),)
REPLY = a.workflow(
    key="thread.reply", version=0, on=("thread.reply",), recipients=Audience(topic="thread:{data.thread}"),
    actor="data.by", steps=IN_APP,
)  # fmt: skip
NEWS = a.workflow(
    key="news", version=0, on=("news",), steps=IN_APP,
    recipients=Audience(users=Everybody.ALL, where={"profile.locale": ["de"]}),
)  # fmt: skip


@pytest.fixture
async def at(harness: Harness) -> Harness:
    await published(harness, REPLY, NEWS)
    return harness


async def published(at: Harness, *workflows: Workflow) -> None:
    publisher = Publisher(at.names.brokers.kafka, client_id="tests")
    async with at.database() as database:
        await publish(database, publisher, at.names.topics, "default", workflows)
    await publisher.stop()


async def users(at: Harness, *names: str, **more: Any) -> None:
    """Profiles, as if they had always been there."""
    rows = [
        {"_id": f"default:{name}", "tenant": "default", "user": name, "version": 1, "addresses": {}, **more}
        for name in names
    ]
    async with at.database() as database:
        await database.profiles.insert_many(rows)


async def subscribed(at: Harness, topic: str, *names: str) -> None:
    async with at.database() as database:
        for start in range(0, len(names), 1000):
            await Subscriptions(database).put("default", topic, dict.fromkeys(names[start : start + 1000], 0))


def event(number: int, type_: str, **data: object) -> dict[str, object]:
    return {"specversion": "1.0", "id": f"e-{number}", "source": "/tests", "type": type_, "data": data}


async def told(at: Harness, event_id: str) -> dict[str, list[dict[str, Any]]]:
    """The decisions about an event's notifications, by user."""
    found: dict[str, list[dict[str, Any]]] = {}
    async with at.database() as database, open_reader(at.names.brokers.kafka, at.names.topics.notifications) as reader:
        async for batch in reader.batches():
            for record in batch:
                about = decode_record(record.value).about
                if about is not None and about.event_id == event_id:
                    found.setdefault(about.user, [])
        async for row in database.decisions.find({}):
            if row["user"] in found:
                found[row["user"]].append(row)
    return found


async def until_decided(at: Harness, event_id: str, *names: str) -> dict[str, list[dict[str, Any]]]:
    async def all_of_them() -> dict[str, list[dict[str, Any]]]:
        found = await told(at, event_id)
        return found if set(names) <= {name for name, rows in found.items() if rows} else {}

    return await until(all_of_them, what=f"decisions for {names}")


async def progress(at: Harness, fanout: str) -> dict[str, Any]:
    return dict(await at.call("GET", f"/v1/fanouts/{fanout}"))


async def until_ended(at: Harness, fanout: str, timeout: float = 60) -> dict[str, Any]:
    async def ended() -> dict[str, Any]:
        found = await progress(at, fanout)
        return found if found["state"] != "running" else {}

    return await until(ended, what="the end of the fan-out", timeout=timeout)


async def metric(at: Harness, service: str, name: str) -> float:
    """The value of a series as it is written."""
    url = f"http://127.0.0.1:{at.services[service].health_port}/metrics"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        found = re.search(rf"^{re.escape(name)} (\S+)$", await answer.text(), re.MULTILINE)
    return float(found[1]) if found else 0.0


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


async def read_pages(at: Harness) -> None:
    """What the router's agent does with all records of the topic, while there is no router."""
    topics, kafka = at.names.topics, at.names.brokers.kafka
    publisher = Publisher(kafka, client_id="tests")

    async def turn() -> None: ...

    async with at.database() as database, open_reader(kafka, topics.fanouts) as reader:
        work = FanoutWork(
            fanouts=Fanouts(database), members=Members(database), publisher=publisher, topics=topics, turn=turn
        )
        async for batch in reader.batches():
            await work.finish(await work.prepare(batch))
    await publisher.stop()


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


async def test_everybody_is_reached_once_though_the_router_is_killed_in_the_middle(at: Harness) -> None:
    names = [f"u-{number:06}" for number in range(MEMBERS)]
    for start in range(0, MEMBERS, 5000):
        await users(at, *names[start : start + 5000])
    await subscribed(at, "thread:7", *names)
    slack = {"CARILLON_FANOUT_LAG": "4000"}
    await at.start("ingest")
    await at.start("delivery", CARILLON_DELIVERY_CHANNELS="in_app")
    await at.start("router", CARILLON_FAILPOINT=f"{Failpoint.AFTER_PAGE}:{MEMBERS // 500 // 4}", **slack)
    sent = await at.call("POST", "/v1/events", json=event(1, "thread.reply", thread="7"))
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


async def started_by(at: Harness, event_id: str) -> str:
    """The id of the fan-out that an event began."""

    async def begun() -> str:
        async with at.database() as database:
            row = await database.expansions.find_one({"_id": event_id})
        return str(row["workflows"][0]["fanout"]) if row else ""

    return await until(begun, what="the expansion")
