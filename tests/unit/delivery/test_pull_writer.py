"""The lanes of pull: what is read waits, and is committed only then."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.delivery.channels.pull.writer import PullWriter
from services.delivery.channels.rows import BulkReader
from services.delivery.tenants import TenantTexts
from shared.model.channels import Channel, Lane
from shared.model.errors import MongoUnavailable
from shared.model.outputs import KafkaRecord
from shared.model.records import encode
from shared.model.topics import Topics
from shared.process.newer import NewerRecords
from tests.support import samples as a
from tests.support.pulled import pulled
from tests.support.twins.catalog import MemoryCatalog
from tests.support.twins.consumer import MemoryConsumer
from tests.support.twins.outages import Outages
from tests.support.twins.publisher import MemoryPublisher
from tests.support.twins.pull import MemoryPull
from tests.support.twins.tenants import MemoryTenants
from tests.support.wait import turns

pytestmark = pytest.mark.usefixtures("clock")
TOPICS = Topics()
TOPIC = TOPICS.deliveries(Channel.PULL)
DLQ = TOPICS.deliveries_dlq(Channel.PULL)
SOON = 5
MINUTE = 60_000


class Scene:
    """A writer and its stores."""

    def __init__(self) -> None:
        self.pull = MemoryPull()
        self.publisher = MemoryPublisher()
        self.catalog = MemoryCatalog()
        self.catalog.publish("acme", a.workflow())
        self.newer = NewerRecords()
        self.tenants = MemoryTenants()
        self.writer = PullWriter(
            lane=Lane.NORMAL,
            queue=self.pull,
            publisher=self.publisher,
            catalog=self.catalog,
            topics=TOPICS,
            tenants=TenantTexts(self.tenants.read_many),
            stale_after_ms=MINUTE,
        )
        self.reader = BulkReader(self.writer.write, self.newer, linger_seconds=0)

    async def run(self, *records: KafkaRecord) -> dict[Any, int]:
        """What was committed."""
        consumer, stop = MemoryConsumer(TOPIC, *records), asyncio.Event()
        running = asyncio.create_task(self.reader.run(consumer, stop))
        async with asyncio.timeout(SOON):
            await consumer.idle.wait()
            stop.set()
            await running
        return dict(consumer.committed)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def at(offset: int, id_: str = "d", **changes: Any) -> KafkaRecord:
    value = encode(pulled(id_, **changes).delivery)
    return a.record(value, topic=TOPIC, partition=1, offset=offset)


async def test_what_is_read_waits(scene: Scene) -> None:
    record = at(7, "late", valid_until=a.NOON + 5)
    assert await scene.run(record, at(8)) == {(TOPIC, 1): 9}
    rows = {id_: row.pulled for id_, row in scene.pull.rows.items()}
    assert rows["late"].received.record == record
    assert (rows["late"].fresh_until, rows["d"].fresh_until) == (a.NOON + 5, a.NOON + MINUTE)
    assert [row.critical for row in rows.values()] == [False, False]


async def test_what_its_workflow_says_is_known(scene: Scene) -> None:
    scene.catalog.publish("acme", a.workflow(key="alarm", critical=True, max_retries=9))
    about = {"workflow": "alarm"}
    await scene.run(at(7, about=about), at(8, "unknown", about={"workflow": "nobody"}))
    await scene.run(at(9, "own", about=about | {"max_retries": 1}))
    assert {id_: (row.pulled.critical, row.pulled.max_retries) for id_, row in scene.pull.rows.items()} == {
        "d": (True, 9),
        "unknown": (False, None),
        "own": (True, 1),
    }


async def test_what_is_a_test_is_nobodys(scene: Scene) -> None:
    await scene.run(at(7, "test", about={"test": True}), at(8, "live"))
    assert {id_: (row.pulled.simulated, row.ready) for id_, row in scene.pull.rows.items()} == {
        "test": (True, False),
        "live": (False, True),
    }


async def test_of_one_that_comes_twice_in_a_bulk_the_later_pass_waits(scene: Scene) -> None:
    await scene.run(at(7), at(8, pass_=1, attempts=1), at(9, pass_=1, attempts=1))
    assert scene.pull.rows["d"].at == (0, 1)
    await scene.run(at(7))
    assert scene.pull.rows["d"].at == (0, 1)


async def test_what_cannot_be_read_is_a_dead_letter(scene: Scene) -> None:
    bad = a.record(b"{", topic=TOPIC, partition=1, offset=8)
    assert await scene.run(at(7), bad, at(9, "after")) == {(TOPIC, 1): 10}
    assert sorted(scene.pull.rows) == ["after", "d"]
    (letter,) = scene.publisher.on(DLQ)
    assert dict(letter.headers)["error_code"] == b"unreadable_delivery"


async def test_a_newer_one_holds_up_what_is_behind_it_alone(scene: Scene) -> None:
    assert await scene.run(at(7), at(8, "newer", format=a.NEWER), at(9, "behind")) == {(TOPIC, 1): 8}
    assert sorted(scene.pull.rows) == ["d"]
    scene.pull.rows["d"].format = a.NEWER
    assert await scene.run(at(8, "fine"), at(9, pass_=1), at(10, "behind")) == {(TOPIC, 1): 9}
    assert sorted(scene.pull.rows) == ["d", "fine"]


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("step", ["catalog", "pull", "publisher"])
async def test_an_outage_is_waited_out(scene: Scene, step: str, after_effect: bool) -> None:
    outages = getattr(scene, step).outages
    outages.add(after_effect=after_effect)
    assert await scene.run(at(7, about={"version": 9}), at(8, "other")) == {(TOPIC, 1): 9}
    assert outages.met
    assert sorted(scene.pull.rows) == ["d", "other"]


async def test_nothing_is_committed_before_it_waits(scene: Scene) -> None:
    scene.pull.outages.add(1000)
    consumer, stop = MemoryConsumer(TOPIC, at(7)), asyncio.Event()
    running = asyncio.create_task(scene.reader.run(consumer, stop))
    await turns()
    assert not consumer.committed
    scene.pull.outages = Outages(MongoUnavailable)
    async with asyncio.timeout(SOON):
        await consumer.idle.wait()
        stop.set()
        await running
    assert consumer.committed == {(TOPIC, 1): 8}
