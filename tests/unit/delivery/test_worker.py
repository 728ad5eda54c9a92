"""From claim to durable outputs over twins: every claim, lost leases, crashes, and failures at every step."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.delivery.channels.stub import StubSender
from services.delivery.core.attempts import Failed, LeaseTooShort, Outcome, Rejected, Sent
from services.delivery.core.effects import derive_effects
from services.delivery.core.jobs import Job
from services.delivery.freshness import Freshness
from services.delivery.send import AfterCrash, Schedule, Sending
from services.delivery.worker import Worker
from shared.model.channels import Channel
from shared.model.dead_letters import UnreadableRecord
from shared.model.deliveries import Delivery, DeliveryResult, DeliveryState, ReceivedDelivery
from shared.model.errors import InvalidRecord
from shared.model.outputs import Output
from shared.model.topics import Topics
from tests.support import samples as a
from tests.support.twins.cancellations import MemoryCancellations
from tests.support.twins.catalog import MemoryCatalog
from tests.support.twins.holds import MemoryHolds
from tests.support.twins.ledger import MemoryLedger, MemoryLedgerRow
from tests.support.twins.profiles import MemoryProfiles
from tests.support.twins.publisher import MemoryPublisher

pytestmark = pytest.mark.usefixtures("clock")
TOPICS = Topics()
SOON = 5
LEASE = timedelta(seconds=60)
ENDED = timedelta(seconds=-1)
SENT = DeliveryResult(state=DeliveryState.SENT, at=a.NOON, attempts=1)


class Scene:
    """A worker and its stores; `ledger(token)` is another process's view of the same rows."""

    def __init__(
        self,
        *,
        sender: StubSender | None = None,
        after_crash: AfterCrash = AfterCrash.SEND_AGAIN,
        lease: timedelta = LEASE,
        slots: int = 4,
    ) -> None:
        self.rows: dict[str, MemoryLedgerRow] = {}
        self.mine = self.ledger("mine", lease)
        self.sender = sender or StubSender(lambda _: Sent())
        self.publisher = MemoryPublisher()
        self.holds = MemoryHolds()
        catalog = MemoryCatalog()
        catalog.publish("acme", a.workflow())
        freshness = Freshness(
            versions=MemoryProfiles(a.profile()).versions, cancellations=MemoryCancellations(), stale_after_ms=60_000
        )
        sending = Sending(
            sender=self.sender,
            catalog=catalog,
            freshness=freshness,
            schedule=Schedule(retries=(1000,), probe=30_000),
            after_crash=after_crash,
        )
        self.worker = Worker(
            channel=Channel.EMAIL,
            ledger=self.mine,
            sending=sending,
            publisher=self.publisher,
            holds=self.holds,
            topics=TOPICS,
            slots=slots,
            lease=LEASE,
        )

    def ledger(self, token: str, lease: timedelta = LEASE) -> MemoryLedger:
        return MemoryLedger(self.rows, token=token, lease=lease)

    async def deliver(self, received: ReceivedDelivery | None = None) -> Job:
        given = received or a.received()
        job = Job(given)
        async with asyncio.timeout(SOON):
            await self.worker.deliver(given, job)
        return job


@pytest.fixture
def scene() -> Scene:
    return Scene()


def follows(result: DeliveryResult, received: ReceivedDelivery | None = None) -> list[Output]:
    return derive_effects(TOPICS, received or a.received(), result).outputs


async def test_claimed_it_is_sent_recorded_and_told(scene: Scene) -> None:
    job = await scene.deliver()
    assert job.claimed
    assert scene.sender.received == [a.delivery()]
    assert scene.rows[a.delivery().id].result == SENT
    assert scene.publisher.written == follows(SENT)


async def test_a_retry_is_held_and_a_dead_letter_is_written(scene: Scene) -> None:
    scene.sender.outcome = lambda _: Failed(code="421")
    await scene.deliver()
    (hold,) = scene.holds.held
    assert hold.record.pass_ == 1
    scene.sender.outcome = lambda _: Rejected(code="550")
    await scene.deliver(a.received(id="d-2"))
    assert [output.topic for output in scene.publisher.written] == [
        TOPICS.statuses,
        TOPICS.statuses,
        TOPICS.deliveries_dlq(Channel.EMAIL),
    ]


async def test_a_recorded_one_is_told_again_and_not_sent(scene: Scene) -> None:
    other = scene.ledger("other")
    result = DeliveryResult(state=DeliveryState.RETRYING, at=a.NOON - 5, attempts=1, due=a.NOON + 5)
    await other.claim([a.received()])
    await other.record([(a.delivery(), result)])
    await scene.deliver()
    assert not scene.sender.received
    assert scene.publisher.written == follows(result)
    assert [hold.due for hold in scene.holds.held] == [a.NOON + 5]


async def test_an_obsolete_one_is_neither_sent_nor_told(scene: Scene) -> None:
    await scene.ledger("other").claim([a.received(pass_=1)])
    job = await scene.deliver()
    assert job.claimed
    assert not scene.sender.received
    assert not scene.publisher.written


async def test_a_busy_one_waits_without_a_slot_and_may_be_dropped() -> None:
    scene = Scene(slots=1)
    await scene.ledger("other").claim([a.received()])
    job = Job(a.received())
    waiting = asyncio.create_task(scene.worker.deliver(a.received(), job))
    async with asyncio.timeout(SOON):
        for claimed in (True, False):
            while job.claimed is not claimed:  # noqa: ASYNC110  # the loop's turns
                await asyncio.sleep(0)
    await scene.deliver(a.received(id="d-2"))
    assert [delivery.id for delivery in scene.sender.received] == ["d-2"], "the only slot is free"
    assert not job.claimed
    waiting.cancel()
    await asyncio.wait({waiting})


async def test_a_busy_one_is_looked_at_again_when_its_lease_has_ended(scene: Scene) -> None:
    other = scene.ledger("other", timedelta(milliseconds=20))
    await other.claim([a.received()])
    waiting = asyncio.create_task(scene.deliver())
    await other.record([(a.delivery(), SENT)])
    await waiting
    assert not scene.sender.received
    assert scene.publisher.written == follows(SENT)


async def test_when_the_lease_is_too_short_it_is_claimed_again(scene: Scene) -> None:
    answers: list[Outcome | LeaseTooShort] = [LeaseTooShort(), LeaseTooShort(), Sent()]
    scene.sender.outcome = lambda _: answers.pop(0)
    await scene.deliver()
    assert not answers
    assert scene.publisher.written == follows(SENT)


async def test_over_which_a_worker_died_is_sent_again() -> None:
    scene = Scene(after_crash=AfterCrash.SEND_AGAIN)
    await scene.ledger("dead", ENDED).claim([a.received()])
    await scene.deliver()
    assert scene.sender.received == [a.delivery()]
    assert scene.publisher.written == follows(SENT)


async def test_over_which_a_worker_died_stops_where_the_channel_says_so() -> None:
    scene = Scene(after_crash=AfterCrash.STOP)
    await scene.ledger("dead", ENDED).claim([a.received()])
    await scene.deliver()
    assert not scene.sender.received
    assert scene.rows[a.delivery().id].state is DeliveryState.UNCONFIRMED
    assert [dict(output.headers)["ce_type"] for output in scene.publisher.written] == [b"carillon.delivery.unconfirmed"]


class TakenOver(StubSender):
    """While it sends, another process takes the claim over."""

    heir: MemoryLedger

    async def send(self, delivery: Delivery, *more: Any) -> Outcome | LeaseTooShort:
        await self.heir.claim([a.received()])
        return await super().send(delivery, *more)


async def test_who_lost_the_claim_tells_nothing() -> None:
    sender = TakenOver(lambda _: Sent())
    scene = Scene(sender=sender, lease=ENDED)
    sender.heir = scene.ledger("heir")
    await scene.deliver()
    assert not scene.publisher.written
    assert scene.rows[a.delivery().id].state is DeliveryState.CLAIMED
    assert scene.rows[a.delivery().id].token == "heir"


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", ["mine", "holds", "publisher"])
async def test_a_failure_at_any_step_is_waited_out_and_sent_is_once(
    scene: Scene, step: str, after_effect: bool
) -> None:
    scene.sender.outcome = lambda _: Failed(code="421")
    undisturbed = Scene()
    undisturbed.sender.outcome = scene.sender.outcome
    await undisturbed.deliver()
    outages = getattr(scene, step).outages
    outages.add(2, after_effect=after_effect)
    await scene.deliver()
    assert outages.met, "the step was passed"
    assert len(scene.sender.received) == 1
    assert scene.rows == undisturbed.rows
    assert scene.holds.held == undisturbed.holds.held
    assert len(scene.holds.held) == 1
    times = 3 if step == "publisher" and after_effect else 1
    assert scene.publisher.written == undisturbed.publisher.written * times


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
async def test_a_failure_to_record_does_not_send_again(scene: Scene, after_effect: bool) -> None:
    def fail_to_record(_: Delivery) -> Outcome:
        scene.mine.outages.add(2, after_effect=after_effect)
        return Sent()

    scene.sender.outcome = fail_to_record
    await scene.deliver()
    assert scene.mine.outages.met
    assert len(scene.sender.received) == 1
    assert scene.publisher.written == follows(SENT)


async def test_nothing_is_told_before_its_hold_is_stored(scene: Scene) -> None:
    scene.sender.outcome = lambda _: Failed(code="421")
    scene.holds.outages.add(1000)
    delivering = asyncio.create_task(scene.worker.deliver(a.received(), Job(a.received())))
    while not scene.rows or next(iter(scene.rows.values())).result is None:  # noqa: ASYNC110  # the loop's turns
        await asyncio.sleep(0)
    assert not scene.publisher.written
    delivering.cancel()
    await asyncio.wait({delivering})


async def test_no_more_are_claimed_than_there_are_slots() -> None:
    gate = asyncio.Event()

    class Slow(StubSender):
        async def send(self, *given: Any) -> Outcome | LeaseTooShort:
            await gate.wait()
            return await super().send(*given)

    scene = Scene(sender=Slow(lambda _: Sent()), slots=2)
    running = [asyncio.create_task(scene.deliver(a.received(id=f"d-{number}"))) for number in range(5)]
    while len(scene.rows) < 2:  # noqa: ASYNC110  # the loop's turns
        await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(scene.rows) == 2
    gate.set()
    await asyncio.gather(*running)
    assert {row.state for row in scene.rows.values()} == {DeliveryState.SENT}
    assert len(scene.rows) == 5


async def test_what_cannot_be_read_is_a_dead_letter(scene: Scene) -> None:
    scene.publisher.outages.add()
    await scene.worker.refuse(UnreadableRecord(a.record(), InvalidRecord("unreadable_delivery", "no JSON")))
    (letter,) = scene.publisher.written
    assert letter.topic == TOPICS.deliveries_dlq(Channel.EMAIL)
    assert dict(letter.headers)["error_code"] == b"unreadable_delivery"
    assert not scene.rows
