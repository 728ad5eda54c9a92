"""Due schedules become notifications, over twins: what fires, and what a crash or a failure leaves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
import time_machine

from services.scheduler.fire import fire_due
from shared.model.errors import KafkaUnavailable, MongoUnavailable
from shared.model.formats import NewerFormat
from shared.model.notifications import Notification
from shared.model.recipients import Recipient
from shared.model.records import decode_record
from shared.model.schedules import Schedule, activated
from shared.model.timestamps import to_datetime
from shared.model.topics import Topics
from shared.model.workflows import Workflow
from tests.support import samples as a
from tests.support.twins.publisher import MemoryPublisher
from tests.support.twins.schedules import MemorySchedules

pytestmark = pytest.mark.usefixtures("clock")
LEASE = timedelta(seconds=10)
NINE = a.NOON + 21 * 3_600_000


class Scene:
    def __init__(self) -> None:
        self.schedules, self.publisher = MemorySchedules(), MemoryPublisher()
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
        return await fire_due(self.schedules, self.newest, self.publisher, Topics(), lease=LEASE)

    async def next_at(self, name: str = "daily") -> int | None:
        found = await self.schedules.read("acme", name)
        assert found is not None
        return found.next_at

    @property
    def sent(self) -> list[Notification]:
        records = [decode_record(output.value or b"") for output in self.publisher.written]
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
