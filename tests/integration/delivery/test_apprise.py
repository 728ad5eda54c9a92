"""Apprise as the product has it: names go to the operator's targets, and no URL is told or taken from anybody."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from shared.model.ids import inline_user_id
from tests.chaos.evidence import read_topic
from tests.support.brokers import Brokers
from tests.support.env import Harness, lay
from tests.support.wait import until

SECRET = "T0SECRET"  # what is looked for in all that is told


def workflow(folder: Path) -> Path:
    folder.mkdir()
    document = {
        "key": "tests.alarm",
        "category": "tests",
        "steps": [{"key": "notify", "channels": ["apprise"]}],
        "templates": {"apprise": {"text": "Order {{ data.order }}", "title": "Alarm"}},
    }
    (folder / "alarm.yaml").write_text(yaml.safe_dump(document))
    return folder


@pytest.fixture
async def product(shared_brokers: Brokers, tmp_path: Path) -> AsyncIterator[Harness]:
    made = Harness(await lay(shared_brokers, workflow(tmp_path / "catalog")), tmp_path)
    try:
        await made.start("sink", "ingest", "router", "scheduler")
        yield made
    finally:
        made.kill()


async def deliver(product: Harness, *names: str) -> None:
    """Starts the worker with these targets, each a hook of the sink."""
    sink = product.url("sink").removeprefix("http://")
    targets = ", ".join(f"{name}=json://{sink}/hooks/{SECRET}-{name.replace('/', '-')}" for name in names)
    await product.start("delivery", CARILLON_DELIVERY_CHANNELS="apprise", CARILLON_APPRISE_TARGETS=targets)


async def send(product: Harness, *people: str | dict[str, str]) -> None:
    call = {"workflow": "tests.alarm", "recipients": list(people), "data": {"order": "A7"}}
    await product.call("POST", "/v1/notifications", json=call)


async def ended(product: Harness, count: int) -> dict[str, Any]:
    """The rows of the ledger by user, when so many have come to their end."""

    async def rows() -> dict[str, Any] | None:
        async with product.database() as database:
            found = [row async for row in database.deliveries.find({"state": {"$in": ["sent", "dead"]}})]
        return {row["user"]: row for row in found} if len(found) == count else None

    return await until(rows, what="all to end")


async def posted(product: Harness) -> Counter[tuple[str, str]]:
    found = (await product.call("GET", "/messages?kind=webhook", service="sink"))["messages"]
    return Counter((one["to"][0], orjson.loads(one["body"])["message"]) for one in found)


async def test_each_name_reaches_its_target(product: Harness) -> None:
    await deliver(product, "oncall", "default/office", "other/office", "other/their-own")
    fault = {"mode": "status", "status": 500, "times": 2, "only": f"{SECRET}-oncall"}
    await product.call("PUT", "/faults", service="sink", json={"webhook": fault})
    url = f"json://{product.url('sink').removeprefix('http://')}/hooks/{SECRET}"
    refused = await product.call("PUT", "/v1/users/ops", json={"addresses": {"apprise": url}}, expect=422)
    assert [error["pointer"] for error in refused["errors"]] == ["/addresses/apprise"]
    assert SECRET not in str(refused)
    for name in ("oncall", "nobody", "their-own"):
        await product.call("PUT", f"/v1/users/{name}", json={"addresses": {"apprise": name}})
    await send(product, "oncall", "nobody", "their-own", {"apprise": "office"})
    rows = await ended(product, 4)
    results = {name: (row["state"], row["result"].get("code")) for name, row in rows.items()}
    assert results == {
        "oncall": ("sent", None),
        "nobody": ("dead", "unknown_target"),
        "their-own": ("dead", "unknown_target"),
        inline_user_id("office"): ("sent", None),
    }
    assert rows["oncall"]["attempts"] == 3, "it failed twice"
    assert await posted(product) == {(f"{SECRET}-oncall", "Order A7"): 1, (f"{SECRET}-default-office", "Order A7"): 1}

    async def told() -> bool:
        found = await read_topic(product.names.brokers.kafka, product.names.topics.statuses)
        assert not [each for each in found if SECRET.encode() in (each.value or b"")]
        return sum(("ce_type", b"carillon.delivery.sent") in each.headers for each in found) == 2

    await until(told, what="what became of them")
    assert not [name for name in ("ingest", "router", "delivery") if SECRET in product.log(name)]


async def test_what_came_before_there_was_a_target_goes_out_when_there_is(product: Harness) -> None:
    await deliver(product)
    await send(product, {"apprise": "oncall"})

    async def parked() -> bool:
        async with product.database() as database:
            row = await database.deliveries.find_one({"state": "parked"})
        return row is not None and row["result"]["code"] == "not_configured"

    await until(parked, what="a delivery that waits for a target")
    await asyncio.to_thread(product.services["delivery"].terminate)
    await deliver(product, "oncall")
    (row,) = (await ended(product, 1)).values()
    assert row["state"] == "sent"
    assert sum((await posted(product)).values()) == 1
