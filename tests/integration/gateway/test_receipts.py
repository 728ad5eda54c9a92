"""A gateway that is killed, anywhere before a status is out: everything that reached a socket is told all the same."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from carillon import InboxSocket, Notified
from shared.kafka.producer import Publisher
from shared.model import ids, inbox
from shared.model.inbox import Change, InboxEvent, InboxItem
from shared.model.outputs import Output
from shared.model.statuses import Subject
from shared.mongo.inbox_writing import InboxRows, NewInboxRow
from shared.process.clock import now_ms
from shared.process.failpoints import Failpoint
from tests.chaos.evidence import read_topic
from tests.support.env import Harness
from tests.support.wait import until

ITEMS = 120
KILLS = 2


class Receipts:
    """A gateway as a process, an in_app worker's writes, and one user's client that comes back by itself."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.written = 0
        self.shown: list[int] = []

    @asynccontextmanager
    async def client(self) -> AsyncIterator[None]:
        token, url = self.harness.token("ann"), f"ws://127.0.0.1:{self.harness.ports['sockets']}"

        async def listen() -> None:
            async with InboxSocket(url, lambda: token, max_wait=0.2) as socket:
                async for event in socket:
                    if isinstance(event, Notified):
                        self.shown.append(event.item.offset)

        listening = asyncio.create_task(listen())
        try:
            yield
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    async def arrive(self, publisher: Publisher, count: int = 1) -> None:
        """Items of a workflow with receipts."""
        new = [
            InboxItem(id=ids.derive("test", n), workflow="w", offset=n, created_at=now_ms())
            for n in range(self.written, self.written + count)
        ]
        self.written += count
        rows = [
            NewInboxRow(f"d{each.offset}", "default", "ann", each, receipt=Subject(f"d{each.offset}", 0, 0))
            for each in new
        ]
        async with self.harness.database() as database:
            await InboxRows(database).insert(rows)
        events = [
            InboxEvent(change=Change.CREATED, items=(each,), at=now_ms(), receipt=f"d{each.offset}") for each in new
        ]
        topic, key = self.harness.names.topics.inbox, ids.user_key("default", "ann")
        await publisher.publish([Output(topic, key, inbox.encode(event), []) for event in events])

    async def until_shown(self, count: int) -> None:
        async def shown() -> bool:
            return len(self.shown) >= count

        await until(shown, what=f"{count} shown")

    async def until_done(self) -> Counter[str]:
        """How often each delivery was told, once nothing is left to tell."""
        async with self.harness.database() as database:

            async def done() -> bool:
                undone = {"$or": [{"receipt.open": {"$exists": True}}, {"receipt.by": {"$exists": True}}]}
                return await database.inbox.count_documents(undone) == 0

            await until(done, what="everything told", timeout=90)
        found = await read_topic(self.harness.names.brokers.kafka, self.harness.names.topics.statuses)
        headers = [dict(record.headers) for record in found]
        assert {each["ce_type"] for each in headers} == {b"carillon.delivery.delivered"}
        assert len({each["ce_id"] for each in headers}) == self.written, "what is told twice has the same id"
        return Counter((each["ce_subject"] or b"").decode() for each in headers)


@asynccontextmanager
async def writing(harness: Harness) -> AsyncIterator[Publisher]:
    publisher = Publisher(harness.names.brokers.kafka, client_id="test")
    await publisher.start()
    try:
        yield publisher
    finally:
        await publisher.stop()


async def test_a_gateway_that_dies_between_mark_and_status_is_followed_by_one_that_tells(harness: Harness) -> None:
    await harness.start("gateway", CARILLON_FAILPOINT=Failpoint.AFTER_RECEIPT)
    scene = Receipts(harness)
    async with writing(harness) as publisher, scene.client():
        child = harness.services["gateway"].child

        async def died() -> bool:
            return not child.alive

        await scene.arrive(publisher)
        await until(died, what="the gateway dies")
        assert child.returncode == -signal.SIGKILL
        assert await read_topic(harness.names.brokers.kafka, harness.names.topics.statuses) == []
        await harness.revive("gateway")
        assert await scene.until_done() == {"d0": 1}
    assert scene.shown == [0]


async def test_through_kills_at_any_moment_everything_is_told(harness: Harness) -> None:
    await harness.start("gateway")
    scene, gateway = Receipts(harness), harness.services["gateway"]
    async with writing(harness) as publisher, scene.client():
        for portion in range(ITEMS):
            await scene.arrive(publisher)
            if portion % (ITEMS // (KILLS + 1)) == ITEMS // (KILLS + 1) - 1 and portion < ITEMS - 1:
                await scene.until_shown(portion)
                await asyncio.to_thread(gateway.kill)
                gateway.spawn()
        await scene.until_shown(ITEMS)
        told = await scene.until_done()
    assert scene.shown == list(range(ITEMS))
    assert told.keys() == {f"d{n}" for n in range(ITEMS)}
    assert max(told.values()) <= 1 + KILLS, "twice only what a kill has left in doubt"
