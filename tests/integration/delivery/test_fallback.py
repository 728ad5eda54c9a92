"""The first that works: who cannot be mailed gets the webhook, exactly once, through a kill between record and emit."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from shared.model.records import Kind, decode_record
from shared.process.failpoints import Failpoint
from tests.chaos.evidence import read_topic
from tests.support.brokers import Brokers
from tests.support.env import Harness, lay
from tests.support.wait import until

PEOPLE = 8
"""Of each kind: those whose mailbox is there, and those whose is not."""
SHORT_LEASE = {
    "CARILLON_LEASE_SECONDS": "12",
    "CARILLON_SMTP_TIMEOUT_SECONDS": "4",
    "CARILLON_WEBHOOK_TIMEOUT_SECONDS": "4",
}
"""Whoever comes next waits so long for what was claimed and not recorded."""
FLOW = {
    "key": "first",
    "category": "tests",
    "steps": [{"key": "tell", "channels": ["email", "webhook"], "deliver": "first", "fallback_after_seconds": 1}],
    "templates": {"email": {"subject": "Hello", "text": "Hello {{ data.name }}"}},
}


@pytest.fixture
async def product(shared_brokers: Brokers, tmp_path: Path) -> AsyncIterator[Harness]:
    catalog = tmp_path / "catalog"
    catalog.mkdir()
    (catalog / "first.yaml").write_text(yaml.safe_dump(FLOW))
    made = Harness(await lay(shared_brokers, catalog), tmp_path)
    try:
        yield made
    finally:
        made.kill()


async def send(product: Harness, *names: str) -> None:
    people = [{"email": f"{name}@example.com", "webhook": f"{product.url('sink')}/hooks/{name}"} for name in names]
    await product.call(
        "POST", "/v1/notifications", json={"workflow": "first", "recipients": people, "data": {"name": "you"}}
    )


async def received(product: Harness, kind: str) -> Counter[str]:
    found = await product.call("GET", f"/messages?kind={kind}", service="sink")
    return Counter(name.partition("@")[0] for message in found["messages"] for name in message["to"])


async def states(product: Harness) -> dict[str, Counter[str]]:
    async with product.database() as database:
        rows = await database.deliveries.find({}, {"channel": 1, "state": 1}).to_list(None)
    return {
        channel: Counter(row["state"] for row in rows if row["channel"] == channel) for channel in ("email", "webhook")
    }


async def told(product: Harness) -> list[str]:
    """What was said to `decide` of deliveries that failed for good, repeats included."""
    names = product.names
    records = [decode_record(each.value) for each in await read_topic(names.brokers.kafka, names.topics.notifications)]
    return [record.subject for record in records if record.kind is Kind.FAILED]


@pytest.mark.timeout(240)
async def test_a_dead_mail_becomes_one_webhook_through_a_kill_before_it_is_told(product: Harness) -> None:
    await product.start("sink", "ingest", "router", "scheduler")
    product.spawn("delivery", CARILLON_FAILPOINT=f"{Failpoint.AFTER_RECORD}:3", **SHORT_LEASE)
    await product.start_spawned("delivery")
    gone, there = [f"gone-{n}" for n in range(PEOPLE)], [f"there-{n}" for n in range(PEOPLE)]
    await product.call("PUT", "/faults", service="sink", json={"email": {"mode": "reject"}})
    await send(product, *gone)
    child = product.services["delivery"].child

    async def died() -> bool:
        return not child.alive

    await until(died, what="delivery dies between record and emit")
    assert child.returncode == -signal.SIGKILL
    recorded, known = (await states(product))["email"]["dead"], set(await told(product))
    assert recorded > len(known), "control: what was recorded was not told"
    await product.revive("delivery")

    async def ended(mails: Counter[str]) -> bool:
        return await states(product) == {"email": mails, "webhook": Counter(sent=PEOPLE)}

    await until(lambda: ended(Counter(dead=PEOPLE)), what="each mail dead, and each webhook sent")
    await product.call("DELETE", "/faults", service="sink")
    await send(product, *there)
    await until(lambda: ended(Counter(dead=PEOPLE, sent=PEOPLE)), what="the mail of those who have a mailbox")
    assert await received(product, "webhook") == Counter(gone)
    assert await received(product, "email") == Counter(there)
    assert len(set(await told(product))) == PEOPLE


@pytest.mark.timeout(240)
async def test_while_the_mail_server_is_down_the_webhook_has_it_after_a_second(product: Harness) -> None:
    await product.start("sink")
    await product.call("PUT", "/faults", service="sink", json={"email": {"mode": "down"}})
    await product.start("ingest", "router", "scheduler", "delivery", CARILLON_PROBE_SECONDS="30")
    names = [f"down-{n}" for n in range(PEOPLE)]
    await send(product, *names)

    async def all_ended() -> bool:
        return await states(product) == {"email": Counter(suppressed=PEOPLE), "webhook": Counter(sent=PEOPLE)}

    await until(all_ended, what="each mail given up, and each webhook sent")
    assert await received(product, "webhook") == Counter(names)
    await product.call("DELETE", "/faults", service="sink")
    assert await received(product, "email") == Counter()
    async with product.database() as database:
        reasons = await database.deliveries.distinct("result.reason", {"channel": "email"})
    assert reasons == ["fell_back"]
