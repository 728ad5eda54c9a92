"""From claim to durable outputs over twins: what each claim leads to, lost leases, crashes, slots."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.delivery.channels.stub import StubSender
from services.delivery.core.attempts import Failed, LeaseTooShort, Outcome, Rejected, Sent
from services.delivery.core.jobs import Job
from services.delivery.send import AfterCrash
from shared.model.channels import Channel
from shared.model.dead_letters import UnreadableRecord
from shared.model.deliveries import Delivery, DeliveryResult, DeliveryState
from shared.model.errors import InvalidRecord
from shared.model.reasons import Reason
from shared.process.metrics import DELIVERY_ATTEMPTS
from tests.support import samples as a
from tests.support.twins.ledger import MemoryLedger
from tests.support.wait import turns, turns_until
from tests.unit.delivery.scenes import SENT, SOON, TOPICS, WorkerScene, follows

pytestmark = pytest.mark.usefixtures("clock")
ENDED = timedelta(seconds=-1)


@pytest.fixture
def scene() -> WorkerScene:
    return WorkerScene()


async def test_claimed_it_is_sent_recorded_and_told(scene: WorkerScene) -> None:
    job = await scene.deliver()
    assert job.claimed
    assert scene.sender.received == [a.delivery()]
    assert scene.rows[a.delivery().id].result == scene.logged(SENT)
    assert [made.account for made in scene.logged(SENT).log] == ["email/smtp"]
    assert scene.publisher.written == follows(scene.logged(SENT))


async def test_a_retry_is_held_and_a_dead_letter_is_written(scene: WorkerScene) -> None:
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


async def test_attempts_are_counted_when_it_has_ended(scene: WorkerScene) -> None:
    def counted(state: DeliveryState) -> tuple[float, float]:
        labels = {"channel": Channel.EMAIL, "state": state}
        samples = {each.name: each.value for each in DELIVERY_ATTEMPTS.collect()[0].samples if each.labels == labels}
        return samples.get("carillon_delivery_attempts_count", 0), samples.get("carillon_delivery_attempts_sum", 0)

    before, dead = counted(DeliveryState.SENT), counted(DeliveryState.DEAD)
    await scene.deliver(a.received(attempts=2))
    scene.sender.outcome = lambda _: Failed(code="421")
    await scene.deliver(a.received(id="d-2"))
    assert counted(DeliveryState.SENT) == (before[0] + 1, before[1] + 3)
    assert counted(DeliveryState.DEAD) == dead


async def test_a_recorded_one_is_told_again_and_not_sent(scene: WorkerScene) -> None:
    other = scene.ledger("other")
    result = DeliveryResult(state=DeliveryState.RETRYING, at=a.NOON - 5, attempts=1, due=a.NOON + 5)
    await other.claim([a.received()])
    await other.record([(a.delivery(), result)])
    await scene.deliver()
    assert not scene.sender.received
    assert scene.publisher.written == follows(result)
    assert [hold.due for hold in scene.holds.held] == [a.NOON + 5]


async def test_an_obsolete_one_is_neither_sent_nor_told(scene: WorkerScene) -> None:
    await scene.ledger("other").claim([a.received(pass_=1)])
    job = await scene.deliver()
    assert job.claimed
    assert not scene.sender.received
    assert not scene.publisher.written


async def test_a_busy_one_waits_without_a_slot_and_may_be_dropped() -> None:
    scene = WorkerScene(slots=1)
    await scene.ledger("other").claim([a.received()])
    job = Job(a.received())
    waiting = asyncio.create_task(scene.worker.deliver(a.received(), job))
    await turns_until(lambda: job.claimed, what="the look at the ledger")
    await turns_until(lambda: not job.claimed, what="the wait for the other's lease")
    await scene.deliver(a.received(id="d-2"))
    assert [delivery.id for delivery in scene.sender.received] == ["d-2"], "the only slot is free"
    assert not job.claimed
    waiting.cancel()
    await asyncio.wait({waiting})


async def test_a_busy_one_is_looked_at_again_when_its_lease_has_ended(scene: WorkerScene) -> None:
    other = scene.ledger("other", timedelta(milliseconds=20))
    await other.claim([a.received()])
    job = Job(a.received())
    waiting = asyncio.create_task(scene.worker.deliver(a.received(), job))
    await turns_until(lambda: job.claimed, what="the look at the ledger")
    await turns_until(lambda: not job.claimed, what="the wait for the other's lease")
    await other.record([(a.delivery(), SENT)])
    async with asyncio.timeout(SOON):
        await waiting
    assert not scene.sender.received
    assert scene.publisher.written == follows(SENT)


async def test_when_the_lease_is_too_short_it_is_claimed_again(scene: WorkerScene) -> None:
    answers: list[Outcome | LeaseTooShort] = [LeaseTooShort(), LeaseTooShort(), Sent()]
    scene.sender.outcome = lambda _: answers.pop(0)
    await scene.deliver()
    assert not answers
    assert scene.publisher.written == follows(scene.logged(SENT))


async def test_over_which_a_worker_died_is_sent_again() -> None:
    scene = WorkerScene(after_crash=AfterCrash.SEND_AGAIN)
    await scene.ledger("dead", ENDED).claim([a.received()])
    await scene.deliver()
    assert scene.sender.received == [a.delivery()]
    assert scene.publisher.written == follows(scene.logged(SENT))


async def test_over_which_a_worker_died_stops_where_the_channel_says_so() -> None:
    scene = WorkerScene(after_crash=AfterCrash.STOP)
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
    scene = WorkerScene(sender=sender, lease=ENDED)
    sender.heir = scene.ledger("heir")
    await scene.deliver()
    assert not scene.publisher.written
    assert scene.rows[a.delivery().id].state is DeliveryState.CLAIMED
    assert scene.rows[a.delivery().id].token == "heir"


async def test_no_more_are_claimed_than_there_are_slots() -> None:
    gate = asyncio.Event()

    class Slow(StubSender):
        async def send(self, *given: Any) -> Outcome | LeaseTooShort:
            await gate.wait()
            return await super().send(*given)

    scene = WorkerScene(sender=Slow(lambda _: Sent()), slots=2)
    running = [asyncio.create_task(scene.deliver(a.received(id=f"d-{number}"))) for number in range(5)]
    await turns_until(lambda: len(scene.rows) == 2, what="two claims")
    await turns()
    assert len(scene.rows) == 2
    gate.set()
    await asyncio.gather(*running)
    assert {row.state for row in scene.rows.values()} == {DeliveryState.SENT}
    assert len(scene.rows) == 5


async def test_what_is_over_its_share_is_parked_without_a_slot() -> None:
    scene = WorkerScene(slots=1)
    job = Job(a.received(pass_=2, attempts=1))
    job.gives_way = True
    async with asyncio.timeout(SOON):
        await scene.worker.deliver(a.received(pass_=2, attempts=1), job)
    assert not scene.sender.received
    row = scene.rows[a.delivery().id]
    assert row.result is not None
    assert (row.state, row.result.reason, row.result.attempts) == (DeliveryState.PARKED, Reason.OVER_SHARE, 1)
    (hold,) = scene.holds.held
    assert hold.due == row.result.due
    assert a.NOON + 30_000 <= hold.due <= a.NOON + 90_000
    assert (hold.account, hold.record.pass_, hold.record.due) == (None, 3, hold.due)


async def test_what_a_worker_died_over_ends_by_its_policy_though_it_is_over_its_share() -> None:
    scene = WorkerScene(after_crash=AfterCrash.STOP)
    await scene.ledger("dead", ENDED).claim([a.received()])
    job = Job(a.received())
    job.gives_way = True
    await scene.worker.deliver(a.received(), job)
    assert scene.rows[a.delivery().id].state is DeliveryState.UNCONFIRMED


async def test_one_silent_host_leaves_slots_to_another() -> None:
    gate = asyncio.Event()

    class Silent(StubSender):
        async def send(self, delivery: Delivery, *more: Any) -> Outcome | LeaseTooShort:
            if delivery.address.startswith("silent"):
                await gate.wait()
            return await super().send(delivery, *more)

    scene = WorkerScene(
        sender=Silent(), slots=16, waiting=500, host_of=lambda delivery: delivery.address.partition("/")[0]
    )
    silent = [
        asyncio.create_task(scene.deliver(a.received(id=f"s-{number}", address=f"silent/{number}")))
        for number in range(150)
    ]
    await turns_until(lambda: len(scene.rows) == 2, what="the silent host's share")
    for number in range(20):
        await scene.deliver(a.received(id=f"h-{number}", address=f"healthy/{number}"))
    assert len(scene.sender.received) == 20
    gate.set()
    await asyncio.gather(*silent)
    assert len(scene.sender.received) == 170


async def test_what_cannot_be_read_is_a_dead_letter(scene: WorkerScene) -> None:
    scene.publisher.outages.add()
    await scene.worker.refuse(UnreadableRecord(a.record(), InvalidRecord("unreadable_delivery", "no JSON")))
    (letter,) = scene.publisher.written
    assert letter.topic == TOPICS.deliveries_dlq(Channel.EMAIL)
    headers = dict(letter.headers)
    assert headers["error_code"] == b"unreadable_delivery"
    assert headers["source_consumer_group"] == b"carillon.delivery-email-normal"
    assert headers["first_failed_at"] == str(a.record().timestamp).encode(), "a replay says the same"
    assert not scene.rows
