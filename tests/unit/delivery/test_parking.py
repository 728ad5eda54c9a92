"""What waits for an account: probed one at a time, released in slices, nothing left behind."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
import time_machine

from services.delivery.core.asked import AskedAccounts
from services.delivery.core.attempts import Sent
from services.delivery.core.effects import derive_effects
from services.delivery.core.jobs import Job
from services.delivery.rendering.liquid import RenderFailed
from shared.model.channels import Channel
from shared.model.notifications import Priority
from shared.model.provider_accounts import QUIET, AccountState, unknown
from shared.model.records import decode_record, encode
from shared.process.clock import now_ms
from tests.support import samples as a
from tests.support.wait import turns_until
from tests.unit.delivery.parked import PAUSE, SLICE, Scene

pytestmark = pytest.mark.usefixtures("clock")
MINUTES = 23 * 60


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_what_is_parked_does_not_move_between_the_probes(scene: Scene, clock: time_machine.Traveller) -> None:
    """Each costs one hold and one status, for however long its provider is down; before, three rows every 15 s."""
    await scene.park(*(f"d-{number}" for number in range(50)))
    assert len(scene.sender.received) == 1
    told, trips, probes = len(scene.publisher.written), 0, 0
    for _ in range(MINUTES):
        clock.shift(60)
        await scene.parking.look()
        trips += len(scene.due)
        before = len(scene.sender.received)
        await scene.bring_back()
        probes += len(scene.sender.received) - before
    assert MINUTES / 12 <= probes == trips <= MINUTES / 10 + 10, "one per pause of ten minutes"
    assert len(scene.publisher.written) - told == trips
    assert len(scene.holds.rows) == 50


async def test_a_parked_one_waits_for_its_account_at_most_until_it_expires(scene: Scene) -> None:
    await scene.park("d-1", expires_at=a.NOON + 7000)
    (row,) = scene.holds.rows.values()
    assert (row.due, row.hold.account) == (a.NOON + 7000, "email/smtp")
    assert row.hold.record.due is None, "it may be decided before"


async def test_when_the_probe_is_answered_all_come_back_in_slices_the_urgent_and_the_old_first(
    scene: Scene, clock: time_machine.Traveller
) -> None:
    await scene.park("young", accepted_at=a.NOON - 1)
    await scene.park("old", accepted_at=a.NOON - 9000)
    await scene.park("low", priority=Priority.LOW, accepted_at=a.NOON - 90_000)
    await scene.park("urgent", priority=Priority.URGENT)
    await scene.park("high", priority=Priority.HIGH)
    clock.shift(PAUSE)
    scene.sender.outcome = lambda _: Sent()
    await scene.parking.look()
    assert await scene.bring_back() == ["urgent"], "one probe"
    assert scene.state() is AccountState.CLOSED
    released = []
    for _ in range(4):
        await scene.parking.look()
        released.append(await scene.bring_back())
        clock.shift(1)
    assert [sorted(slice_) for slice_ in released] == [["high", "old", "young"], ["low"], [], []]
    assert scene.state() is None, "what is healthy has no row"
    assert not scene.holds.rows
    sent = [delivery.id for delivery in scene.sender.received]
    assert sorted(sent[-5:]) == ["high", "low", "old", "urgent", "young"]


async def test_two_processes_send_one_probe_and_share_the_slices(scene: Scene, clock: time_machine.Traveller) -> None:
    await scene.park(*(f"d-{number}" for number in range(9)))
    clock.shift(PAUSE)
    others = [scene.another() for _ in range(3)]
    await asyncio.gather(*(each.look() for each in others))
    assert len(scene.due) == 1
    scene.sender.outcome = lambda _: Sent()
    await scene.bring_back()
    await asyncio.gather(*(each.look() for each in others))
    assert len(scene.due) == SLICE


@pytest.mark.parametrize("why", ["expired", "unrenderable", "over its share"])
async def test_a_probe_that_is_not_sent_is_followed_by_another_at_once(
    scene: Scene, clock: time_machine.Traveller, why: str
) -> None:
    """It says nothing about its account, and nobody waits a minute to hear that."""
    await scene.park("d-1", "d-2", expires_at=a.NOON + 3_600_000)
    clock.shift(PAUSE)
    await scene.parking.look()
    ((name, row),) = [(name, row) for name, row in scene.holds.rows.items() if row.due <= now_ms()]
    del scene.holds.rows[name]
    probe = row.hold.record.subject
    received = a.received(id=probe, pass_=1)
    job = Job(received, gives_way=why == "over its share")
    if why == "expired":
        received = a.received(id=probe, pass_=1, notification=a.notification(expires_at=a.NOON + 1))
    if why == "unrenderable":
        scene.sender.outcome = _unrenderable
    await scene.worker.deliver(received, job)
    assert scene.state() is AccountState.OPEN, "it has not answered"
    await scene.parking.look()
    assert [subject for subject in scene.due if subject != probe]


def _unrenderable(_: object) -> Sent:
    raise RenderFailed("UndefinedError")


async def test_with_nobody_waiting_the_next_that_comes_is_the_probe(
    scene: Scene, clock: time_machine.Traveller
) -> None:
    await scene.park("d-1")
    scene.holds.rows.clear()
    clock.shift(PAUSE)
    await scene.parking.look()
    scene.sender.outcome = lambda _: Sent()
    await scene.deliver(a.received(id="fresh"))
    assert [delivery.id for delivery in scene.sender.received] == ["d-1", "fresh"]
    assert scene.state() is AccountState.CLOSED


async def test_what_is_parked_after_its_account_has_closed_is_not_left_behind(scene: Scene) -> None:
    """The worker was slow between its look and its hold: all that waited had been released before it."""
    result_of = await scene.worker._sending.send(a.delivery(), AskedAccounts(), crashed=False, send_before=1e12)
    scene.accounts.rows.clear()
    await scene.worker._write([derive_effects(scene.worker._topics, a.received(), result_of)])
    (row,) = scene.holds.rows.values()
    assert row.due <= a.NOON


async def test_a_parked_one_comes_back_as_it_was_one_pass_on(scene: Scene) -> None:
    await scene.park("d-1")
    (row,) = scene.holds.rows.values()
    record = row.hold.record
    assert (record.pass_, record.subject) == (1, "d-1")
    assert record.delivery is not None
    assert record.delivery.attempts == 0, "no attempt was used up"
    assert decode_record(encode(record)) == record


async def test_a_start_probes_the_channels_account_at_once(scene: Scene) -> None:
    """Whoever mended the setting and started again does not wait for ten minutes."""
    await scene.park("d-1", "d-2")
    stop = asyncio.Event()
    running = asyncio.create_task(scene.parking.run(stop))
    await turns_until(lambda: len(scene.due) == 1, what="the probe")
    stop.set()
    await running


async def test_an_account_that_failed_long_ago_is_forgotten(scene: Scene) -> None:
    failing = unknown("email/smtp", Channel.EMAIL, now_ms())
    for failed_at, known in ((now_ms() - 1000, True), (now_ms() - QUIET - 1, False)):
        scene.accounts.rows.clear()
        await scene.accounts.swap(None, msgspec.structs.replace(failing, failing_since=1, failed_at=failed_at))
        await scene.parking.look()
        assert bool(scene.accounts.rows) is known


async def test_while_mongodb_is_unavailable_it_waits(scene: Scene, clock: time_machine.Traveller) -> None:
    await scene.park("d-1")
    clock.shift(PAUSE)
    scene.accounts.outages.add(2)
    scene.holds.outages.add(2, after_effect=True)
    stop = asyncio.Event()
    running = asyncio.create_task(scene.parking.run(stop))
    await turns_until(lambda: len(scene.due) == 1, what="the probe")
    stop.set()
    await running
    assert scene.accounts.outages.met
    assert scene.holds.outages.met
