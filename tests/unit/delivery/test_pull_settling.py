"""What senders report is recorded, told and done with, whatever fails in between."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import time_machine

from services.delivery.channels.pull.settling import Results, Settling
from services.delivery.freshness import Freshness
from services.delivery.send import AfterCrash
from services.delivery.tenants import TenantVersions
from shared.deciding.changed_inputs import ChangedInputs
from shared.model.channels import Channel
from shared.model.deliveries import DeliveryState
from shared.model.pull import PulledDelivery, PullReport, ReportAnswer, ReportKind
from shared.model.records import Kind, decode_record
from shared.model.topics import Topics
from tests.support import samples as a
from tests.support.pulled import pulled
from tests.support.twins.address_owners import MemoryAddressOwners
from tests.support.twins.cancellations import MemoryCancellations
from tests.support.twins.catalog import MemoryCatalog
from tests.support.twins.fanouts import MemorySubscriptions
from tests.support.twins.holds import MemoryHolds
from tests.support.twins.profiles import MemoryProfiles
from tests.support.twins.publisher import MemoryPublisher
from tests.support.twins.pull import MemoryPull, MemoryPullRow
from tests.support.twins.suppressions import MemorySuppressions
from tests.support.twins.tenants import MemoryTenants
from tests.support.wait import turns_until

pytestmark = pytest.mark.usefixtures("clock")
TOPICS = Topics()
MINUTE = 60_000


class Scene:
    """Workers on the same rows; the profile that deliveries were decided with has version 7."""

    def __init__(self) -> None:
        self.rows: dict[str, MemoryPullRow] = {}
        self.pull = MemoryPull(self.rows)
        self.publisher = MemoryPublisher()
        self.holds = MemoryHolds()
        self.catalog = MemoryCatalog()
        self.profiles = MemoryProfiles(a.profile())
        self.settling = self.worker(self.pull)

    def worker(self, queue: MemoryPull, after_crash: AfterCrash = AfterCrash.SEND_AGAIN) -> Settling:
        inputs = ChangedInputs(
            versions=self.profiles.versions,
            tenant_versions=TenantVersions(MemoryTenants().versions),
            cancellations=MemoryCancellations(),
            suppressions=MemorySuppressions(),
            owners=MemoryAddressOwners(self.profiles),
            subscriptions=MemorySubscriptions(),
        )
        return Settling(
            queue=queue,
            freshness=Freshness(inputs, stale_after_ms=MINUTE),
            publisher=self.publisher,
            holds=self.holds,
            catalog=self.catalog,
            topics=TOPICS,
            retries=(1000,),
            after_crash=after_crash,
        )

    async def taken(self, *waiting: PulledDelivery) -> list[str]:
        await self.pull.insert(list(waiting))
        found = await self.pull.waiting("acme", workflow=None, most=100)
        return [each.delivery.id for each in await self.pull.take("acme", found, token="t", lease_seconds=60)]

    async def report(self, kind: ReportKind, id_: str = "d", **more: Any) -> None:
        answer = await self.pull.report("acme", id_, "t", PullReport(kind=kind, at=0, **more))
        assert answer is ReportAnswer.RECORDED

    @property
    def states(self) -> list[str]:
        types = [dict(output.headers)["ce_type"] for output in self.publisher.on(TOPICS.statuses)]
        return [(found or b"").decode().removeprefix("carillon.delivery.") for found in types]


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_what_was_sent_is_told_once(scene: Scene) -> None:
    assert await scene.taken(pulled()) == ["d"]
    assert (await scene.settling.look(), scene.states) == (0, [])
    await scene.report(ReportKind.SENT, code="SM1")
    assert [await scene.settling.look() for _ in range(3)] == [1, 0, 0]
    assert scene.states == ["sent"]
    assert (scene.rows["d"].state, scene.rows["d"].there) == (DeliveryState.SENT, False)


async def test_what_failed_comes_back_by_a_hold_and_what_never_will_is_a_dead_letter(scene: Scene) -> None:
    await scene.taken(pulled("again"), pulled("never", fallback=(Channel.EMAIL,)))
    await scene.report(ReportKind.FAILED, "again", code="busy")
    await scene.report(ReportKind.REJECTED, "never", code="gone")
    await scene.settling.look()
    assert sorted(scene.states) == ["dead", "retrying"]
    (hold,) = scene.holds.rows.values()
    record = hold.hold.record
    assert (record.kind, record.subject, record.pass_) == (Kind.RETRY, "again", 1)
    assert record.delivery is not None
    assert record.delivery.attempts == 1
    (letter,) = scene.publisher.on(TOPICS.deliveries_dlq(Channel.PULL))
    assert dict(letter.headers)["error_code"] == b"gone"
    (fallback,) = scene.publisher.on(TOPICS.notifications)
    assert decode_record(fallback.value).kind is Kind.FAILED


async def test_a_failure_is_an_event_where_a_workflow_starts_on_it(scene: Scene) -> None:
    scene.catalog.publish("acme", a.workflow(on=("carillon.delivery.dead",)))
    await scene.catalog.load()
    await scene.taken(pulled())
    await scene.report(ReportKind.REJECTED, code="gone")
    await scene.settling.look()
    (event,) = scene.publisher.on(TOPICS.accepted_events)
    assert dict(event.headers)["ce_type"] == b"carillon.delivery.dead"


async def test_a_lease_that_ends_is_a_failed_attempt(scene: Scene, clock: time_machine.Traveller) -> None:
    await scene.taken(pulled())
    clock.shift(60)
    await scene.settling.look()
    assert scene.states == ["retrying"]
    assert len(scene.holds.rows) == 1


class LastMoment(MemoryPull):
    """The sender reports while a worker finds its lease over."""

    async def record(self, results: Results) -> set[str]:
        await self.report("acme", "d", "t", PullReport(kind=ReportKind.SENT, at=0))
        return await super().record(results)


async def test_a_report_that_is_faster_than_the_end_of_its_lease_counts_alone(
    scene: Scene, clock: time_machine.Traveller
) -> None:
    await scene.taken(pulled())
    clock.shift(60)
    await scene.worker(LastMoment(scene.rows)).look()
    assert scene.states == []
    await scene.settling.look()
    assert (scene.states, len(scene.holds.rows)) == (["sent"], 0)


async def test_where_twice_is_worse_a_lease_that_ends_ends_it(scene: Scene, clock: time_machine.Traveller) -> None:
    await scene.taken(pulled())
    clock.shift(60)
    await scene.worker(scene.pull, AfterCrash.STOP).look()
    assert (scene.states, len(scene.holds.rows)) == (["unconfirmed"], 0)


async def test_one_that_waits_is_compared_once_and_sent_back_if_it_changed(
    scene: Scene, clock: time_machine.Traveller
) -> None:
    same, changed = (
        pulled("same", fresh_until=a.NOON + MINUTE + 1),
        pulled("new", fresh_until=a.NOON + MINUTE + 1, profile_version=6),
    )
    await scene.pull.insert([same, changed])
    assert await scene.settling.look() == 0
    clock.shift(61)
    assert [await scene.settling.look() for _ in range(2)] == [2, 0]
    assert scene.states == ["stale"]
    (again,) = scene.publisher.on(TOPICS.notifications)
    record = decode_record(again.value)
    assert (record.kind, record.subject, record.pass_) == (Kind.STALE, "new", 1)
    assert [each.delivery.id for each in await scene.pull.waiting("acme", workflow=None, most=9)] == ["same"]


async def test_what_nobody_takes_expires(scene: Scene, clock: time_machine.Traveller) -> None:
    await scene.pull.insert([pulled()])
    clock.shift(3600)
    await scene.settling.look()
    assert (scene.states, len(scene.holds.rows)) == (["expired"], 0)


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("step", ["pull", "publisher", "holds"])
async def test_an_outage_is_waited_out(
    scene: Scene, clock: time_machine.Traveller, step: str, after_effect: bool
) -> None:
    await scene.taken(pulled())
    await scene.report(ReportKind.FAILED, code="busy")
    outages = getattr(scene, step).outages
    outages.add(3, after_effect=after_effect)
    for _ in range(5):
        await scene.settling.look()
        clock.shift(31)  # what was claimed, and nobody knew
    assert outages.met
    assert set(scene.states) == {"retrying"}
    assert (len(scene.holds.rows), scene.rows["d"].there) == (1, False)


async def test_what_one_recorded_and_did_not_tell_another_tells(scene: Scene, clock: time_machine.Traveller) -> None:
    await scene.taken(pulled())
    await scene.report(ReportKind.SENT, code="SM1")
    scene.publisher.outages.add(10_000)
    dying = asyncio.create_task(scene.settling.look())
    await turns_until(lambda: scene.rows["d"].state is DeliveryState.SENT, what="the record")
    dying.cancel()
    await asyncio.wait({dying})
    scene.publisher = MemoryPublisher()
    heir = scene.worker(MemoryPull(scene.rows))
    assert await heir.look() == 0, "whoever has it may still be telling"
    clock.shift(31)
    assert await heir.look() == 1
    assert (scene.states, scene.rows["d"].there) == (["sent"], False)


async def test_it_looks_until_it_is_told_to_stop(scene: Scene) -> None:
    await scene.taken(pulled())
    await scene.report(ReportKind.SENT)
    stop = asyncio.Event()
    running = asyncio.create_task(scene.settling.run(stop))
    await turns_until(lambda: bool(scene.states), what="the status")
    stop.set()
    async with asyncio.timeout(5):
        await running
