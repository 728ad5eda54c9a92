"""Reading everything again: each topic from offset 0, and deliveries that were decided too long ago."""

from __future__ import annotations

from collections import Counter

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.chaos.evidence import read_topic
from tests.chaos.run import TELLS_DOUBLES, Run, begun
from tests.e2e.scene import Scene
from tests.support.env import Harness
from tests.support.wait import until

SERVICES = ("sink", "ingest", "router", "scheduler", "delivery", "console")


def groups(harness: Harness) -> dict[str, list[str]]:
    """Every consumer group and the topics that it reads."""
    topics = harness.names.topics
    found = {
        topics.group("router"): [topics.events, topics.accepted_events, topics.notifications],
        topics.group("console"): [topics.statuses],
    }
    for row in topics.table():
        name = row.name.removeprefix(f"{topics.prefix}.deliveries.").removesuffix(".v1")
        if row.consumers == "delivery" and ".deliveries." in row.name:
            channel, _, lane = name.partition(".")
            found[topics.group(f"delivery-{channel}-{lane or 'normal'}")] = [row.name]
    return found


async def rewind(kafka: str, group: str, topics: list[str]) -> int:
    """Sets a group back to the beginning of its topics; returns how many records it will read again."""
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=kafka, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        places = consumer.assignment()
        ends = await consumer.end_offsets(places)
        await consumer.commit(dict.fromkeys(places, 0))
        return sum(ends.values())
    finally:
        await consumer.stop()


async def lag(kafka: str, group: str, topics: list[str]) -> int:
    """How much a group has not committed yet; asked without joining it."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        await consumer.topics()
        places = [TopicPartition(topic, number) for topic in topics for number in range(3)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        return sum([end - (await consumer.committed(place) or 0) for place, end in ends.items()])
    finally:
        await consumer.stop()


@pytest.mark.timeout(300)
async def test_reading_every_topic_again_has_no_second_effect_and_misses_no_status(harness: Harness) -> None:
    harness.more = TELLS_DOUBLES
    await harness.start(*SERVICES)
    async with begun(harness) as run:
        await run.load.send(100, per_second=200)
        await run.settled()
        await run.erased()
        await read_all_again(run)


async def read_all_again(run: Run) -> None:
    harness = run.harness
    kafka = harness.names.brokers.kafka

    async def caught_up() -> bool:
        return not any([await lag(kafka, group, topics) for group, topics in groups(harness).items()])

    await until(caught_up, what="everything read once, by the console too", timeout=60)
    effects_before = await effects(run)
    said_before = await said(harness)
    async with harness.database() as database:
        timeline_before = await database.timeline.count_documents({})
    for name in ("router", "delivery", "console"):
        harness.services[name].terminate()
    again = {group: await rewind(kafka, group, topics) for group, topics in groups(harness).items()}
    for name in ("router", "delivery", "console"):
        harness.spawn(name)
    await until(caught_up, what="everything read again", timeout=120)
    verdict = await run.settled()
    await run.erased()
    said_after = await said(harness)
    assert sum(count > 0 for count in again.values()) >= 5, again
    assert await effects(run) == effects_before
    assert said_after.keys() == said_before.keys()
    once = {status for status in said_before if said_after[status] == said_before[status]}
    assert once == await reported(harness), (
        "but for what a sender of their own has reported: its row tells that, not the log"
    )
    assert verdict.faults() == {}
    async with harness.database() as database:
        assert await database.timeline.count_documents({}) == timeline_before


async def reported(harness: Harness) -> set[str]:
    """The statuses that follow a sender's report."""
    async with harness.database() as database:
        found = database.timeline.find({"data.channel": "pull", "type": "carillon.delivery.sent"})
        return {row["_id"] async for row in found}


async def effects(run: Run) -> Counter[str]:
    """How often each delivery arrived."""
    return Counter(effect.delivery for effect in (await run.evidence()).effects)


async def said(harness: Harness) -> Counter[str]:
    """How often each status stands on the log."""
    records = await read_topic(harness.names.brokers.kafka, harness.names.topics.statuses)
    return Counter(dict(record.headers)["ce_id"].decode() for record in records)


async def test_what_waited_in_its_lane_is_compared_with_what_is_known_now(harness: Harness) -> None:
    await harness.start("sink", "ingest", "router", "scheduler", "console")
    scene = Scene(harness)
    changed, same = await scene.person(), await scene.person()
    stale, fresh = await scene.send(changed, same)

    async def decided() -> bool:
        async with harness.database() as database:
            return await database.decisions.count_documents({"notification": {"$in": [stale, fresh]}}) == 2

    await until(decided, what="both decided, nothing delivered yet")
    await harness.call("PATCH", f"/v1/users/{changed}", json={"preferences": {"channel_types": {"email": False}}})
    await harness.start("delivery", CARILLON_STALE_AFTER_SECONDS="0.5")
    assert (await scene.ends(stale))["email"] == "suppressed: channel_opted_out"
    assert (await scene.ends(fresh))["email"] == "sent"
    assert await scene.messages("email", changed) == []
    async with harness.database() as database:
        states = Counter([row["type"] async for row in database.timeline.find({"notification": stale})])
    assert states["carillon.delivery.stale"] == 2
