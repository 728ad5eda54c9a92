"""Fan-outs on a running product: workflows that start them, members, and what became of it."""

from __future__ import annotations

import re
from typing import Any

import aiohttp

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
from tests.support import samples as a
from tests.support.env import Harness
from tests.support.wait import until

IN_APP = (ChannelStep(key="notify", channels=(Channel.IN_APP,)),)
REPLY = a.workflow(
    key="thread.reply", version=0, on=("thread.reply",), recipients=Audience(topic="thread:{data.thread}"),
    actor="data.by", steps=IN_APP,
)  # fmt: skip
NEWS = a.workflow(
    key="news", version=0, on=("news",), steps=IN_APP,
    recipients=Audience(users=Everybody.ALL, where={"profile.locale": ["de"]}),
)  # fmt: skip


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


async def started_by(at: Harness, event_id: str) -> str:
    """The id of the fan-out that an event began."""

    async def begun() -> str:
        async with at.database() as database:
            row = await database.expansions.find_one({"_id": event_id})
        return str(row["workflows"][0]["fanout"]) if row else ""

    return await until(begun, what="the expansion")
