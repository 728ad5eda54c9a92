"""Due holds go back to `decide`, over twins: what is released, and what a crash or a failure leaves."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import time_machine

from services.scheduler.release import MAX_UNDER_WAY, Releases
from shared.model.errors import KafkaUnavailable, MongoUnavailable
from shared.model.holds import Cause, Hold
from shared.model.outputs import Output
from shared.model.records import Kind, Record, encode
from shared.model.topics import Topics
from tests.support import samples as a
from tests.support.twins.holds import MemoryHolds
from tests.support.twins.publisher import MemoryPublisher
from tests.support.wait import turns

pytestmark = pytest.mark.usefixtures("clock")
TOPICS = Topics()
LEASE = timedelta(seconds=10)


@pytest.fixture
def holds() -> MemoryHolds:
    return MemoryHolds()


@pytest.fixture
def publisher() -> MemoryPublisher:
    return MemoryPublisher()


def hold(number: int, due: int = a.NOON, user: str = "ada") -> Hold:
    record = Record(
        kind=Kind.RELEASE, tenant="acme", user=user, subject=f"s-{number}", due=due,
        notification=a.notification(user=user),
    )  # fmt: skip
    return Hold(cause=Cause.SCHEDULED, due=due, record=record)


def back(*holds: Hold) -> list[Output]:
    """Their records on the way to `decide`."""
    return [
        Output(TOPICS.notifications, f"acme:{hold.record.user}".encode(), encode(hold.record), []) for hold in holds
    ]


async def release(holds: MemoryHolds, publisher: MemoryPublisher, batch: int = 10) -> int:
    """One batch, to its end."""
    releases = Releases(holds, publisher, TOPICS, batch=batch, lease=LEASE)
    count = await releases.begin()
    await releases.finish()
    return count


async def test_the_due_go_back_oldest_first_and_are_no_more(holds: MemoryHolds, publisher: MemoryPublisher) -> None:
    due, older, ahead = hold(1), hold(2, a.NOON - 5, user="bob"), hold(3, a.NOON + 1)
    await holds.insert([due, older, ahead])
    assert await release(holds, publisher) == 2
    assert publisher.written == back(older, due)
    assert holds.held == [ahead]
    assert await release(holds, publisher) == 0
    assert publisher.written == back(older, due)


async def test_no_more_at_once_than_a_batch(holds: MemoryHolds, publisher: MemoryPublisher) -> None:
    await holds.insert([hold(number) for number in range(5)])
    assert [await release(holds, publisher, batch=2) for _ in range(4)] == [2, 2, 1, 0]
    assert sorted(publisher.written) == sorted(back(*(hold(number) for number in range(5))))


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
async def test_what_may_not_be_on_the_log_stays_and_comes_free_with_its_lease(
    holds: MemoryHolds, publisher: MemoryPublisher, clock: time_machine.Traveller, after_effect: bool
) -> None:
    await holds.insert([hold(1)])
    publisher.outages.add(after_effect=after_effect)
    with pytest.raises(KafkaUnavailable):
        await release(holds, publisher)
    assert await release(holds, publisher) == 0, "its lease is still running"
    assert holds.held == [hold(1)]
    clock.shift(LEASE.total_seconds() + 1)
    assert await release(holds, publisher) == 1
    assert publisher.written == back(hold(1)) * (2 if after_effect else 1)
    assert not holds.held


async def test_a_claim_in_doubt_comes_free_with_its_lease(
    holds: MemoryHolds, publisher: MemoryPublisher, clock: time_machine.Traveller
) -> None:
    await holds.insert([hold(1)])
    holds.outages.add(after_effect=True)
    with pytest.raises(MongoUnavailable):
        await release(holds, publisher)
    assert not publisher.written
    clock.shift(LEASE.total_seconds() + 1)
    assert await release(holds, publisher) == 1
    assert publisher.written == back(hold(1))


async def test_what_could_not_be_deleted_is_released_again(holds: MemoryHolds, clock: time_machine.Traveller) -> None:
    """`decide` drops the second one."""

    class ThenAway(MemoryPublisher):
        async def publish(self, outputs: object) -> None:
            await super().publish(outputs)
            holds.outages.add()

    publisher = ThenAway()
    await holds.insert([hold(1)])
    with pytest.raises(MongoUnavailable):
        await release(holds, publisher)
    assert publisher.written == back(hold(1))
    assert holds.held == [hold(1)]
    clock.shift(LEASE.total_seconds() + 1)
    assert await release(holds, MemoryPublisher()) == 1
    assert not holds.held


class Gated(MemoryPublisher):
    """A log that acknowledges once it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.acknowledges = asyncio.Event()
        self.asked = 0

    async def publish(self, outputs: object) -> None:
        self.asked += 1
        await self.acknowledges.wait()
        await super().publish(outputs)


async def test_batches_are_produced_side_by_side_and_no_more_are_claimed_than_that(holds: MemoryHolds) -> None:
    log = Gated()
    releases = Releases(holds, log, TOPICS, batch=2, lease=LEASE)
    await holds.insert([hold(number) for number in range(20)])
    assert [await releases.begin() for _ in range(MAX_UNDER_WAY)] == [2] * MAX_UNDER_WAY
    waiting = asyncio.create_task(releases.begin())
    await turns()
    assert not waiting.done()
    assert log.asked == MAX_UNDER_WAY
    log.acknowledges.set()
    assert await waiting == 2
    await releases.finish()
    assert len(log.written) == 2 * (MAX_UNDER_WAY + 1)
    assert len(holds.held) == 20 - len(log.written)


async def test_what_an_earlier_batch_met_is_told_and_the_others_go_on(
    holds: MemoryHolds, publisher: MemoryPublisher
) -> None:
    releases = Releases(holds, publisher, TOPICS, batch=1, lease=LEASE)
    await holds.insert([hold(number, a.NOON - 10 + number) for number in range(3)])
    publisher.outages.add()
    assert await releases.begin() == 1
    await turns()
    with pytest.raises(KafkaUnavailable):
        await releases.begin()
    assert [await releases.begin(), await releases.begin(), await releases.begin()] == [1, 1, 0]
    await releases.finish()
    assert publisher.written == back(hold(1, a.NOON - 9), hold(2, a.NOON - 8))
    assert holds.held == [hold(0, a.NOON - 10)]
