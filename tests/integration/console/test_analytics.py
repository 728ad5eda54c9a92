"""Analytics on a real Kafka and MongoDB: consoles die, read again and work at once, and it is a count of the timeline."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from sandbox.free_ports import free_ports
from services.console.analytics.core.buckets import HOUR_MS, MINUTE_MS, RollupPlace, RollupStep
from services.console.analytics.core.outcomes import is_counted
from services.console.analytics.core.stored_rollup import rollup_of
from services.console.analytics.rollups import COLLECTIONS
from shared.kafka.producer import Publisher
from shared.model.outputs import Output
from shared.model.statuses import Subject, status
from shared.model.timestamps import DAY_MS, from_datetime, rfc3339, to_datetime
from shared.mongo.database import Database
from shared.process.clock import now_ms
from shared.process.failpoints import Failpoint
from tests.integration.console.test_cli import run
from tests.support.env import PARTITIONS, Harness
from tests.support.twins.rollups import series_of_row
from tests.support.wait import until

STATES = ("sent", "delivered", "dead", "retrying", "held")
FAST = {"CARILLON_ROLLUP_SECONDS": "0.05"}


def made(harness: Harness, number: int, at: int, tenant: str = "default", state: str = "sent") -> Output:
    data = {
        "notification": f"n{number}", "channel": ("email", "sms")[number % 2], "workflow": f"w{number % 3}",
        "variant": "ab"[number % 2], "locale": "de", "provider": "smtp",
    }  # fmt: skip
    return status(
        harness.names.topics.statuses, area="delivery", state=state, subject=Subject(f"d{number}", 0, 0),
        tenant=tenant, user=f"u{number % 7}", at=at, data=data,
    )  # fmt: skip


async def publish(harness: Harness, outputs: Sequence[Output]) -> None:
    publisher = Publisher(harness.names.brokers.kafka, client_id="test")
    await publisher.start()
    try:
        await publisher.publish(outputs)
    finally:
        await publisher.stop()


async def by_hand(database: Database, step: RollupStep, since: int) -> Counter:
    rows = [row async for row in database.timeline.find()]
    return Counter(
        (*RollupPlace(row["tenant"], from_datetime(row["at"])).within(step), *series_of_row(row))
        for row in rows
        if is_counted(row["type"]) and from_datetime(row["at"]) >= since
    )


async def counted(database: Database, step: RollupStep) -> Counter:
    return Counter({
        (row["tenant"], from_datetime(row["start"]), *series): number
        async for row in database[COLLECTIONS[step]].find()
        for series, number in rollup_of(row).counts.items()
    })  # fmt: skip


async def is_exact(database: Database, kept: int, statuses: int) -> bool:
    """Once that many statuses are stored and nothing is marked: every rollup is a count of them. `kept`: since when by minutes."""
    if await database.timeline.count_documents({}) < statuses or await database.rollup_marks.count_documents({}):
        return False
    since = {RollupStep.MINUTE: kept, RollupStep.HOUR: kept - 50 * DAY_MS, RollupStep.DAY: kept - 50 * DAY_MS}
    pairs = [(await counted(database, step), await by_hand(database, step, since[step])) for step in RollupStep]
    return all(mine == theirs for mine, theirs in pairs)


async def dies(harness: Harness, point: Failpoint, count: int = 1) -> None:
    harness.spawn("console", **FAST, CARILLON_FAILPOINT=f"{point}:{count}")
    child = harness.services["console"].child
    await until(lambda: asyncio.sleep(0, not child.alive), what=f"the console dies {point}")
    assert child.returncode == -signal.SIGKILL


async def set_back(harness: Harness) -> None:
    """The console's group reads everything once more."""
    topics = harness.names.topics
    consumer = AIOKafkaConsumer(
        bootstrap_servers=harness.names.brokers.kafka, group_id=topics.group("console"), enable_auto_commit=False
    )
    await consumer.start()
    try:
        places = [TopicPartition(topics.statuses, number) for number in range(PARTITIONS)]
        consumer.assign(places)
        await consumer.commit(dict.fromkeys(places, 0))
    finally:
        await consumer.stop()


@pytest.mark.timeout(300)
async def test_whatever_happens_to_consoles_it_ends_equal_to_a_count(harness: Harness) -> None:
    random, now = Random(7), now_ms()
    hour = RollupStep.HOUR.start_of(now)
    load = [
        made(
            harness,
            number,
            hour - random.randrange(3 * HOUR_MS),
            random.choice(("default", "acme")),
            random.choice(STATES),
        )
        for number in range(1_500)
    ]
    old = made(harness, 5_000, now - 5 * DAY_MS)
    too_old = made(harness, 5_001, now - 100 * DAY_MS)
    kept = hour - DAY_MS
    await publish(harness, [*load[:700], *load[:200]])
    await dies(harness, Failpoint.AFTER_TIMELINE)
    async with harness.database() as database:
        assert await database.timeline.count_documents({}) > 0, "control: something is stored, and not marked"
        assert await database.rollup_marks.count_documents({}) == 0
        await dies(harness, Failpoint.AFTER_ROLLUP, 2)
        assert await database.rollup_minutes.count_documents({}) > 0, "control: minutes are counted, and still marked"
        assert await database.rollup_marks.count_documents({}) > 0
        harness.spawn("console", **FAST)
        harness.spawn("console", "console-2", **FAST, CARILLON_CONSOLE_PORT=str(free_ports(1)[0]))
        await publish(harness, [*load[700:], old, too_old])
        await harness.start_spawned("console", "console-2")
        await until(lambda: is_exact(database, kept, 1_502), what="everything is counted once", timeout=90)

        for name in ("console", "console-2"):
            harness.services[name].terminate()
        await set_back(harness)
        late = [made(harness, 6_000 + number, hour - number * MINUTE_MS) for number in range(90)]
        await publish(harness, [*random.sample(load, 300), *late, *late])
        harness.spawn("console", "console-2", **FAST, CARILLON_CONSOLE_PORT=str(free_ports(1)[0]))
        harness.spawn("console", **FAST)
        await harness.start_spawned("console", "console-2")
        await until(lambda: is_exact(database, kept, 1_592), what="late ones count, and replays do not", timeout=90)
        assert "rollups_too_late" in harness.log("console") + harness.log("console-2"), "control: one is too late"
        await answers_are_of_one_tenant(harness, database, now)
        place = {"tenant": "default", "at": {"$gte": to_datetime(now)}, "type": {"$regex": "^carillon"}}
        plan = (await database.timeline.find(place).explain())["queryPlanner"]["winningPlan"]
        assert "tenant_1_at_1" in repr(plan), "a minute is found by its time"
        await counted_anew(harness, database, now)


async def ask(harness: Harness, path: str, method: str = "GET", expect: int = 200) -> Any:
    return await harness.call(method, f"/v1/analytics/{path}", service="console", expect=expect)


async def answers_are_of_one_tenant(harness: Harness, database: Database, now: int) -> None:
    mine = [row async for row in database.timeline.find({"tenant": "default", "subject": {"$nin": ["d5000", "d5001"]}})]
    since = rfc3339(now - 6 * HOUR_MS)
    found = await ask(harness, f"deliveries?from={since}&by=workflow,variant&step=hour")
    assert found["totals"]["counts"] == dict(Counter(row["type"].rpartition(".")[2] for row in mine))
    by_hand = Counter(
        (
            rfc3339(RollupStep.HOUR.start_of(from_datetime(row["at"]))), row["data"]["workflow"], row["data"]["variant"],
            row["type"].rpartition(".")[2],
        )
        for row in mine
    )  # fmt: skip
    assert by_hand == {
        (row["start"], row["workflow"], row["variant"], outcome): number
        for row in found["rows"]
        for outcome, number in row["counts"].items()
    }
    assert (found["pending"], found["folded"], found["step"]) == (0, 0, "hour")
    one = await ask(harness, f"deliveries?from={since}&workflow=w1&channel=sms&outcome=sent")
    wanted = sum(
        row["data"]["workflow"] == "w1" and row["data"]["channel"] == "sms" and row["type"].endswith(".sent")
        for row in mine
    )
    assert (one["totals"]["counts"], one["rows"]) == ({"sent": wanted}, [])
    compared = await ask(harness, f"variants?workflow=w1&from={since}")
    assert [row["variant"] for row in compared["variants"]] == ["a", "b"]
    assert all(row["rates"]["failed"]["of"] == row["sent"] + row["counts"]["dead"] for row in compared["variants"])
    for wrong in (
        "by=channle",
        "step=week",
        "from=yesterday",
        f"from={rfc3339(now + DAY_MS)}",
        "from=2020-01-01T00:00:00Z",
    ):
        assert (await ask(harness, f"deliveries?{wrong}", expect=422))["code"] == "invalid_filter", wrong
    shown = await run(harness, "stats", "--by", "workflow", "--since", "6h")
    assert f"{found['totals']['counts']['sent']}" in shown
    assert "w2" in shown
    assert "95 %" in await run(harness, "stats", "variants", "--help")
    assert "(" in await run(harness, "stats", "variants", "w1", "--since", "6h")


async def counted_anew(harness: Harness, database: Database, now: int) -> None:
    """As after an upgrade: there are statuses, and no rollups."""
    before = [await counted(database, step) for step in RollupStep]
    for name in COLLECTIONS.values():
        await database[name].delete_many({"tenant": "default"})
    answer = await ask(harness, f"recount?from={rfc3339(now - 120 * DAY_MS)}", "POST", 202)
    assert answer["marked"] > 100
    await run(harness, "stats", "recount", "--since", "2d")

    async def again() -> bool:
        return [await counted(database, step) for step in RollupStep] == before

    await until(again, what="all is as it was")
