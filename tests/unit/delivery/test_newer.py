"""Deliveries, workflows and ledger rows of a newer version: their partition waits, unclaimed; the others go on."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from services.delivery.channels.in_app.writer import InboxWriter
from services.delivery.channels.rows import BulkReader
from services.delivery.core.jobs import Job
from services.delivery.lane import MAX_BYTES, LaneQueue
from services.delivery.tenants import TenantTexts
from shared.model.channels import Channel
from shared.model.deliveries import ReceivedDelivery
from shared.model.formats import NewerFormat
from shared.model.outputs import Coordinates, KafkaRecord
from shared.model.records import encode
from shared.model.topics import Topics
from shared.process.newer import NewerRecords
from tests.support import samples as a
from tests.support.twins.cancellations import MemoryCancellations
from tests.support.twins.catalog import MemoryCatalog
from tests.support.twins.consumer import MemoryConsumer
from tests.support.twins.inbox_rows import MemoryInboxRows
from tests.support.twins.publisher import MemoryPublisher
from tests.support.twins.tenants import MemoryTenants
from tests.support.wait import turns, turns_until
from tests.unit.delivery.scenes import WorkerScene

TOPICS = Topics()
EMAIL, IN_APP = TOPICS.deliveries(Channel.EMAIL), TOPICS.deliveries(Channel.IN_APP)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look again comes with the next turn of the loop."""
    monkeypatch.setattr("shared.process.newer.FIRST_SECONDS", 0)


def at(channel: Channel, partition: int, offset: int, *, number: int = 1, **about: Any) -> KafkaRecord:
    """A delivery of a notification and a user of its own."""
    user = f"u-{partition}-{offset}"
    notification = a.notification(**{"id": f"n-{partition}-{offset}", "user": user} | about)
    delivery = a.delivery(id=f"d-{partition}-{offset}", channel=channel, address=user, notification=notification)
    value = encode(delivery)
    if number > 1:
        value = msgspec.json.encode(msgspec.json.decode(value) | {"format": number, "channel": "novel"})
    topic = TOPICS.deliveries(channel)
    return a.record(value, topic=topic, partition=partition, offset=offset, key=f"acme:{user}".encode())


class Hands:
    """A worker that delivers at once, all but what only a newer version can."""

    def __init__(self, *newer: Coordinates) -> None:
        self.newer = set(newer)
        self.done: list[Coordinates] = []

    async def deliver(self, received: ReceivedDelivery, job: Job) -> None:
        job.claimed = True
        await asyncio.sleep(0)
        if received.record.coordinates in self.newer:
            raise NewerFormat("ledger row", a.NEWER, received.record.coordinates)
        self.done.append(received.record.coordinates)

    def make_room(self) -> None:
        """Nobody waits for a slot."""


class Lane:
    """A lane at work."""

    def __init__(self, hands: Hands, *records: KafkaRecord, most_bytes: int = MAX_BYTES) -> None:
        self.newer, self.stop, self.log = NewerRecords(), asyncio.Event(), MemoryConsumer(EMAIL, *records)
        worker: Any = hands
        self.queue = LaneQueue(channel=Channel.EMAIL, worker=worker, slots=1, newer=self.newer, most_bytes=most_bytes)
        self.task = asyncio.create_task(self.queue.run(self.log, self.stop))

    async def end(self) -> dict[tuple[str, int], int]:
        """Stops it; what is committed."""
        self.stop.set()
        async with asyncio.timeout(5):
            await self.task
        return self.log.committed


async def test_a_newer_delivery_is_no_dead_letter_and_its_partition_waits() -> None:
    hands = Hands()
    newer = at(Channel.EMAIL, 0, 1, number=a.NEWER)
    lane = Lane(hands, at(Channel.EMAIL, 0, 0), newer, *(at(Channel.EMAIL, 1, n) for n in range(20)))
    await turns_until(lambda: len(hands.done) == 21, what="all others are delivered")
    assert {(place.topic, place.partition) for place in lane.log.paused} == {(EMAIL, 0)}
    assert f"delivery at {EMAIL}/0/1 has format {a.NEWER}" in str(await lane.newer.check())
    assert await lane.end() == {(EMAIL, 0): 1, (EMAIL, 1): 20}


async def test_those_that_wait_take_no_room_from_the_others() -> None:
    hands = Hands()
    newer = [at(Channel.EMAIL, 0, n, number=a.NEWER) for n in range(10)]
    lane = Lane(hands, *newer, *(at(Channel.EMAIL, 1, n) for n in range(10)))
    await turns_until(lambda: len(hands.done) == 10, what="all others are delivered")
    assert await lane.end() == {(EMAIL, 0): 0, (EMAIL, 1): 10}


async def test_their_bytes_take_no_room_from_the_others_either() -> None:
    hands = Hands()
    newer = [at(Channel.EMAIL, 0, n, number=a.NEWER) for n in range(4)]
    bound = sum(each.size for each in newer[:3])
    lane = Lane(hands, *newer, *(at(Channel.EMAIL, 1, n) for n in range(10)), most_bytes=bound)
    await turns_until(lambda: len(hands.done) == 10, what="all others are delivered")
    assert await lane.end() == {(EMAIL, 0): 0, (EMAIL, 1): 10}


async def test_what_has_become_readable_is_delivered_and_its_partition_goes_on() -> None:
    place = Coordinates(EMAIL, 0, 0)
    hands = Hands(place)
    lane = Lane(hands, at(Channel.EMAIL, 0, 0), at(Channel.EMAIL, 1, 0))
    await turns_until(lambda: bool(lane.log.paused), what="it waits")
    hands.newer.clear()
    await turns_until(lambda: place in hands.done, what="it is delivered")
    await turns()
    assert lane.log.paused == set()
    assert await lane.newer.check() is True
    assert await lane.end() == {(EMAIL, 0): 1, (EMAIL, 1): 1}


async def test_a_partition_that_goes_does_not_wait_here_any_more() -> None:
    lane = Lane(Hands(), at(Channel.EMAIL, 0, 0, number=a.NEWER))
    await turns_until(lambda: bool(lane.log.paused), what="it waits")
    await lane.queue.revoke(lane.log, {(EMAIL, 0)})
    assert await lane.newer.check() is True
    assert await lane.end() == {(EMAIL, 0): 0}


@pytest.mark.parametrize("what", ["workflow", "ledger row"])
async def test_nothing_is_claimed_that_only_a_newer_version_can_send(what: str) -> None:
    """A claim that nobody carries on would look like a worker that died over it."""
    scene, received = WorkerScene(slots=1), a.received()
    if what == "workflow":
        received = a.received(notification=a.notification(version=4))
        scene.catalog.publish_newer("acme", "order.shipped", 4, {})
    else:
        await scene.mine.claim([received])
        row = scene.rows[received.delivery.id]
        scene.rows[received.delivery.id] = msgspec.structs.replace(row, format=a.NEWER)
    before = dict(scene.rows)
    for _ in range(2):  # and the only slot is free again
        with pytest.raises(NewerFormat) as raised:
            await scene.worker.deliver(received, Job(received))
    assert (raised.value.what, raised.value.at) == (what, received.record.coordinates)
    assert scene.rows == before
    assert scene.sender.received == []


class Inbox:
    """The in_app writer at work."""

    def __init__(self, *records: KafkaRecord) -> None:
        self.rows, self.publisher, self.catalog = MemoryInboxRows(), MemoryPublisher(), MemoryCatalog()
        self.catalog.publish("acme", a.workflow())
        self.newer, self.stop, self.log = NewerRecords(), asyncio.Event(), MemoryConsumer(IN_APP, *records)
        self.writer = InboxWriter(
            cancellations=MemoryCancellations(),
            tenants=TenantTexts(MemoryTenants().read_many),
            rows=self.rows,
            publisher=self.publisher,
            catalog=self.catalog,
            topics=TOPICS,
        )
        self.reader = BulkReader(self.writer.write, self.newer, linger_seconds=0)

    def run(self) -> asyncio.Task[None]:
        return asyncio.create_task(self.reader.run(self.log, self.stop))

    def written(self) -> bool:
        return {"d-0-0", "d-1-0", "d-1-1"} <= self.rows.rows.keys()


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("what", ["delivery", "workflow"])
async def test_in_an_inbox_nothing_is_written_behind_what_waits(what: str) -> None:
    newer = at(Channel.IN_APP, 0, 1, number=a.NEWER) if what == "delivery" else at(Channel.IN_APP, 0, 1, version=4)
    others = [at(Channel.IN_APP, 1, 0), at(Channel.IN_APP, 1, 1)]
    inbox = Inbox(at(Channel.IN_APP, 0, 0), newer, at(Channel.IN_APP, 0, 2), *others)
    inbox.catalog.publish_newer("acme", "order.shipped", 4, {})
    task = inbox.run()
    await turns_until(inbox.written, what="the others are written")
    await turns()
    assert inbox.rows.rows.keys() == {"d-0-0", "d-1-0", "d-1-1"}
    assert inbox.publisher.on(TOPICS.deliveries_dlq(Channel.IN_APP)) == []
    assert f"{what} at {IN_APP}/0/1 has format {a.NEWER}" in str(await inbox.newer.check())
    assert inbox.log.committed == {(IN_APP, 0): 1, (IN_APP, 1): 2}
    inbox.stop.set()
    await task


@pytest.mark.usefixtures("clock")
async def test_an_inbox_goes_on_in_its_order_once_it_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = at(Channel.IN_APP, 0, 1)
    waits = waits._replace(value=msgspec.json.encode(msgspec.json.decode(waits.value or b"") | {"format": a.NEWER}))
    inbox = Inbox(at(Channel.IN_APP, 0, 0), waits, at(Channel.IN_APP, 0, 2), at(Channel.IN_APP, 1, 0))
    task = inbox.run()
    await turns_until(lambda: len(inbox.rows.rows) == 2, what="the others are written")
    monkeypatch.setattr("shared.model.formats.FORMAT", a.NEWER)
    await turns_until(lambda: inbox.log.committed.get((IN_APP, 0)) == 3, what="all are written")
    assert [name for name in inbox.rows.rows if name.startswith("d-0")] == ["d-0-0", "d-0-1", "d-0-2"]
    assert await inbox.newer.check() is True
    inbox.stop.set()
    await task


@pytest.mark.usefixtures("clock")
async def test_what_has_become_readable_waits_no_more_though_a_later_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its partition stands at the later one then, and nothing else says that the earlier one is done."""
    records = [
        record._replace(value=msgspec.json.encode(msgspec.json.decode(record.value or b"") | {"format": number}))
        for number, record in ((a.NEWER, at(Channel.IN_APP, 0, 0)), (a.NEWER + 1, at(Channel.IN_APP, 0, 1)))
    ]
    inbox = Inbox(*records)
    task = inbox.run()
    await turns_until(lambda: bool(inbox.log.paused), what="it waits")
    monkeypatch.setattr("shared.model.formats.FORMAT", a.NEWER)
    await turns_until(lambda: "d-0-0" in inbox.rows.rows, what="the first is written")
    await turns()
    said = str(await inbox.newer.check())
    assert f"{IN_APP}/0/1 has format {a.NEWER + 1}" in said
    assert f"{IN_APP}/0/0" not in said
    inbox.stop.set()
    await task
