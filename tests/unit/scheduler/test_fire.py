"""Due schedules become notifications, over twins: what fires, and what a crash or a failure leaves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
import time_machine

from services.scheduler.fire import Firings
from shared.model.errors import KafkaUnavailable, MongoUnavailable
from shared.model.events import FIRST_ACCEPTED
from shared.model.fanouts import decode_page, fanout_id
from shared.model.formats import NewerFormat
from shared.model.notifications import Notification
from shared.model.recipients import Recipient
from shared.model.records import DETOUR, decode_record
from shared.model.schedules import Schedule, activated
from shared.model.timestamps import to_datetime
from shared.model.topics import Topics
from shared.model.workflow_recipients import Audience
from shared.model.workflows import Workflow
from tests.support import samples as a
from tests.support.twins.fanouts import MemoryFanouts
from tests.support.twins.publisher import MemoryPublisher
from tests.support.twins.schedules import MemorySchedules

pytestmark = pytest.mark.usefixtures("clock")
LEASE = timedelta(seconds=10)
NINE = a.NOON + 21 * 3_600_000


class Scene:
    def __init__(self) -> None:
        self.schedules, self.publisher = MemorySchedules(), MemoryPublisher()
        self.fanouts = MemoryFanouts()
        self.version: int | None = 3

    async def newest(self, tenant: str, key: str) -> Workflow | None:
        if key == "newer":
            raise NewerFormat("workflow", a.NEWER)
        return None if self.version is None else a.workflow(key=key, version=self.version)

    async def add(self, name: str = "daily", **changes: Any) -> None:
        known: dict[str, Any] = {"recipients": (Recipient(id="ada"), Recipient(id="bob")), "workflow": "order.shipped"}
        made = Schedule(
            id=name, tenant="acme", data=msgspec.Raw(b"{}"), cron="0 9 * * *", zone="UTC", created_at=a.NOON,
            **(known | changes),
        )  # fmt: skip
        await self.schedules.swap(None, activated(made, a.NOON))

    async def fire(self) -> int:
        firings = Firings(
            schedules=self.schedules, fanouts=self.fanouts, newest=self.newest, publisher=self.publisher, topics=Topics(),
            lease=LEASE,
        )  # fmt: skip
        return await firings.fire()

    async def next_at(self, name: str = "daily") -> int | None:
        found = await self.schedules.read("acme", name)
        assert found is not None
        return found.next_at

    @property
    def sent(self) -> list[Notification]:
        written = [output for output in self.publisher.written if output.topic == Topics().notifications]
        records = [decode_record(output.value or b"") for output in written]
        return [record.notification for record in records if record.notification]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def at(instant: int) -> time_machine.travel:
    return time_machine.travel(to_datetime(instant), tick=False)


async def test_it_fires_when_due_by_the_newest_version(scene: Scene) -> None:
    await scene.add()
    with at(NINE - 1):
        assert await scene.fire() == 0
    scene.version = 8
    with at(NINE):
        assert await scene.fire() == 1
        assert await scene.fire() == 0
    assert [(one.user, one.version, one.accepted_at) for one in scene.sent] == [("ada", 8, NINE), ("bob", 8, NINE)]
    assert {output.topic for output in scene.publisher.written} == {Topics().notifications}
    assert await scene.next_at() == NINE + a.DAY


@pytest.mark.parametrize("lost", ["kafka", "kafka, after its effect", "mongo"])
async def test_after_a_failure_it_fires_again_for_the_same_time(scene: Scene, lost: str) -> None:
    await scene.add()
    with at(NINE):
        if lost == "mongo":
            await scene.schedules.claim(most=1, lease=LEASE)  # killed between claim and produce
        else:
            scene.publisher.outages.add(1, after_effect="after" in lost)
            with pytest.raises(KafkaUnavailable):
                await scene.fire()
        assert await scene.fire() == 0
    with at(NINE + 11_000):
        assert await scene.fire() == 1
    assert len(scene.sent) == (4 if "after" in lost else 2)
    assert len({one.id for one in scene.sent}) == 2
    assert await scene.next_at() == NINE + a.DAY


async def test_of_what_was_missed_the_latest(scene: Scene) -> None:
    await scene.add()
    with at(NINE + 9 * a.DAY + 5):
        assert await scene.fire() == 1
        assert await scene.fire() == 0
    assert len(scene.sent) == 2
    assert await scene.next_at() == NINE + 10 * a.DAY


async def test_it_is_about_those_who_had_their_ids_when_it_was_written(scene: Scene) -> None:
    """A recipient that was deleted since inherits nothing to whoever is called so now."""
    await scene.add()
    with at(NINE):
        await scene.fire()
    (headers,) = {tuple(output.headers) for output in scene.publisher.written}
    assert headers == ((DETOUR, b"1"), (FIRST_ACCEPTED, str(a.NOON).encode()))


async def test_what_cannot_fire_keeps_nothing_else_from_it(scene: Scene) -> None:
    await scene.add("newer", workflow="newer")
    await scene.add("daily")
    with at(NINE):
        assert await scene.fire() == 2
    assert {one.workflow for one in scene.sent} == {"order.shipped"}
    assert await scene.next_at("newer") == NINE, "it waits for a newer scheduler"
    scene.version = None
    with at(NINE + a.DAY):
        await scene.fire()
    assert len(scene.sent) == 2, "there is no workflow"
    assert await scene.next_at() == NINE + 2 * a.DAY


async def test_an_outage_of_the_store_says_so(scene: Scene) -> None:
    scene.schedules.outages.add(1)
    with pytest.raises(MongoUnavailable):
        await scene.fire()


@pytest.mark.parametrize("whom", ["topic", "list"])
async def test_more_than_are_expanded_at_once_are_a_fan_out(scene: Scene, whom: str) -> None:
    many = tuple(Recipient(id=f"user-{number}") for number in range(101))
    await scene.add(
        **({"audience": Audience(topic="thread:7"), "recipients": ()} if whom == "topic" else {"recipients": many})
    )
    with at(NINE):
        assert await scene.fire() == 1
    assert not scene.sent
    (started,) = scene.fanouts.started.values()
    assert (started.topic, len(started.listed)) == (("thread:7", 0) if whom == "topic" else (None, 101))
    assert started.named_at == (None if whom == "topic" else a.NOON), "a topic has those who are subscribed now"
    first = scene.publisher.written[0]
    assert (first.topic, first.key) == (Topics().fanouts, started.id.encode())
    assert decode_page(first.value).page == 1
    assert started.id == fanout_id(started.template.event_id, "order.shipped")
