"""The producer's own senders: each delivery ends once, whoever dies or is silent, and none goes to whom it must not."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from carillon import AsyncClient, ProblemError
from shared.model.channels import Channel
from tests.chaos.evidence import read_topic
from tests.support.brokers import Brokers
from tests.support.env import Harness, lay
from tests.support.wait import until

PEOPLE = 200
BAD = 10
"""Of them, whose provider never takes anything."""
SILENT = 30
"""Deliveries that one sender takes and never reports on."""
ATTEMPTS = 3
LEASE = 10
SETTINGS = {
    "CARILLON_DELIVERY_CHANNELS": "pull,in_app",
    "CARILLON_RETRY_SECONDS": "0.2,0.4",
    "CARILLON_STALE_AFTER_SECONDS": "1",
    "CARILLON_LEASE_SECONDS": "3",
}


def workflows(folder: Path) -> Path:
    """Calls, and calls that become an inbox item when nobody takes them."""
    folder.mkdir()
    call = {"key": "call", "category": "calls", "steps": [{"key": "notify", "channels": ["pull"]}]}
    (folder / "call.yaml").write_text(yaml.safe_dump(call))
    step = {"key": "notify", "channels": ["pull", "in_app"], "deliver": "first", "fallback_after_seconds": 1}
    ring = {"key": "ring", "category": "calls", "steps": [step], "templates": {"in_app": {"title": "A call"}}}
    (folder / "ring.yaml").write_text(yaml.safe_dump(ring))
    return folder


class Senders:
    """The product, and a producer's senders."""

    def __init__(self, product: Harness, carillon: AsyncClient) -> None:
        self.product = product
        self._carillon = carillon
        self.sent: Counter[str] = Counter()
        self.attempts: dict[str, int] = {}

    async def know(self, *users: str) -> None:
        for user in users:
            await self.product.call("PUT", f"/v1/users/{user}", json={"name": user})

    async def send(self, workflow: str, users: list[str], **more: Any) -> None:
        body = {"workflow": workflow, "recipients": users, "data": {"n": 1}} | more
        await self.product.call("POST", "/v1/notifications", json=body, expect=202)

    async def take(self, most: int = 20) -> list[dict[str, Any]]:
        return await self._carillon.take(most, lease_seconds=LEASE)

    async def report_sent(self, delivery: dict[str, Any]) -> None:
        await self._carillon.sent(delivery, receipt="SM1")

    async def work(self, stop: asyncio.Event) -> None:
        """A sender as one writes it: what is bad fails, the rest goes out, and is reported."""
        while not stop.is_set():
            taken = await self.take()
            for each in taken:
                self.attempts[each["id"]] = max(each["attempt"], self.attempts.get(each["id"], 0))
                if each["user"].startswith("bad"):
                    await self._carillon.failed(each, "busy")
                else:
                    self.sent[each["id"]] += 1
                    await self.report_sent(each)
            if not taken:
                await asyncio.sleep(0.1)

    async def rows(self, **wanted: Any) -> list[dict[str, Any]]:
        async with self.product.database() as database:
            return await database.deliveries.find({"channel": "pull", **wanted}, {"pull.record": 0}).to_list(None)

    async def states(self) -> Counter[str]:
        return Counter(row["state"] for row in await self.rows())

    async def until_waiting(self, count: int) -> None:
        async def so_many() -> bool:
            return len(await self.rows(**{"pull.ready": True})) == count

        await until(so_many, what=f"{count} that wait to be taken", timeout=60)

    async def until_states(self, **expected: int) -> None:
        async def so_they_are() -> bool:
            found = await self.states()
            return found == expected and not await self.rows(pull={"$exists": True})

        await until(so_they_are, what=f"{expected}, all of it told", timeout=90)


@pytest.fixture
async def senders(shared_brokers: Brokers, tmp_path: Path) -> AsyncIterator[Senders]:
    product = Harness(await lay(shared_brokers, workflows(tmp_path / "catalog")), tmp_path)
    try:
        await product.start("ingest", "router", "scheduler", **SETTINGS)
        async with AsyncClient(product.url("ingest"), await product.api_key()) as carillon:
            yield Senders(product, carillon)
    finally:
        product.kill()


@pytest.mark.timeout(300)
async def test_each_ends_once_though_a_sender_is_silent_and_a_worker_dies(senders: Senders) -> None:
    product = senders.product
    dying = {**SETTINGS, "CARILLON_FAILPOINT": "after_record:2"}
    await product.start("delivery", **dying)
    people = [f"bad{number}" if number < BAD else f"u{number}" for number in range(PEOPLE)]
    await senders.know(*people)
    for start in (0, PEOPLE // 2):
        await senders.send("call", people[start : start + PEOPLE // 2])
    await senders.until_waiting(PEOPLE)
    silent = await senders.take(SILENT)
    assert len(silent) == SILENT
    stop = asyncio.Event()
    working = [asyncio.create_task(senders.work(stop)) for _ in range(2)]

    async def died() -> bool:
        return product.services["delivery"].pid is None

    await until(died, what="the worker's end between a record and its effects")
    await product.start("delivery", **SETTINGS)
    await senders.until_states(sent=PEOPLE - BAD, dead=BAD)
    stop.set()
    await asyncio.gather(*working)

    rows = {row["_id"]: row for row in await senders.rows()}
    assert senders.sent == Counter(id_ for id_, row in rows.items() if row["state"] == "sent"), "each once"
    first = Counter(row["attempts"] for id_, row in rows.items() if row["state"] == "sent")
    came_back = [each for each in silent if not each["user"].startswith("bad")]
    assert first == {1: PEOPLE - BAD - len(came_back), 2: len(came_back)}, "a lease that ends is an attempt"
    assert {row["attempts"] for row in rows.values() if row["state"] == "dead"} == {ATTEMPTS}
    with pytest.raises(ProblemError) as late:
        await senders.report_sent(came_back[0])
    assert (late.value.status, late.value.code) == (409, "lease_lost")

    names = product.names
    letters = await read_topic(names.brokers.kafka, names.topics.deliveries_dlq(Channel.PULL))
    headers = [dict(letter.headers) for letter in letters]
    assert {each["error_code"] for each in headers} == {b"busy"}
    places = {(each["source_topic"], each["source_partition"], each["source_offset"]) for each in headers}
    statuses = await read_topic(names.brokers.kafka, names.topics.statuses)
    kinds = {(dict(each.headers)["ce_id"], dict(each.headers)["ce_type"]) for each in statuses}
    ends = Counter(kind for _, kind in kinds)
    assert ends[b"carillon.delivery.sent"] == PEOPLE - BAD
    assert ends[b"carillon.delivery.dead"] == BAD == len(places)
    assert ends[b"carillon.delivery.retrying"] == len(came_back) + BAD * (ATTEMPTS - 1)


@pytest.mark.timeout(200)
async def test_what_is_not_wanted_any_more_is_not_handed_out(senders: Senders) -> None:
    product = senders.product
    await product.start("delivery", **SETTINGS)
    await senders.know("stays", "called-off", "leaves", "deleted")
    await senders.send("call", ["stays"], cancellation_key="other")
    await senders.send("call", ["called-off"], cancellation_key="k")
    await senders.send("call", ["leaves"])
    await senders.send("call", ["deleted"])
    await senders.until_waiting(4)
    await asyncio.sleep(1.5)  # what is younger than CARILLON_STALE_AFTER_SECONDS goes as it was decided
    await product.call("POST", "/v1/notifications/cancel", json={"cancellation_key": "k"})
    off = {"preferences": {"categories": {"calls": False}}}
    await product.call("PUT", "/v1/users/leaves", json={"name": "leaves"} | off)
    await product.call("DELETE", "/v1/users/deleted", expect=204)
    taken = await senders.take()
    assert [each["user"] for each in taken] == ["stays"], "control: who wants it gets it"
    await senders.report_sent(taken[0])
    await senders.until_states(sent=1, cancelled=1, suppressed=2)
    reasons = {row["user"]: row["result"].get("reason") for row in await senders.rows()}
    assert reasons == {
        "stays": None,
        "called-off": "cancelled",
        "leaves": "category_opted_out",
        "deleted": "user_deleted",
    }


@pytest.mark.timeout(200)
async def test_what_nobody_takes_takes_the_next_channel_or_expires(senders: Senders) -> None:
    product = senders.product
    await product.start("delivery", **SETTINGS)
    await senders.know("ana")
    await senders.send("ring", ["ana"])

    async def in_the_inbox() -> bool:
        async with product.database() as database:
            return await database.inbox.count_documents({"user": "ana"}) == 1

    await until(in_the_inbox, what="the inbox item instead", timeout=60)
    (row,) = await senders.rows()
    assert row["result"]["reason"] == "fell_back"
    assert await senders.take() == []
