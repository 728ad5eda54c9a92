"""A partition goes while a claim is under way that comes to nothing: nobody waits for what is not claimed after all."""

from __future__ import annotations

import asyncio

import pytest

from services.delivery.core.jobs import Job
from shared.model.deliveries import ReceivedDelivery
from shared.model.formats import NewerFormat
from shared.model.outputs import Coordinates
from tests.support import samples as a
from tests.support.wait import turns_until
from tests.unit.delivery.lanes import SOON, TOPIC, Hands, Running, log_of, read
from tests.unit.delivery.scenes import WorkerScene

AT = Coordinates(TOPIC, 0, 0)


class OldHands(Hands):
    """Its claim meets a row that only a newer version can read, once the test says so."""

    async def deliver(self, received: ReceivedDelivery, job: Job) -> None:
        await super().deliver(received, job)
        raise NewerFormat("ledger row", a.NEWER, received.record.coordinates)


@pytest.mark.parametrize("how", ["revoked", "stopped"])
async def test_a_claim_that_is_left_to_a_newer_version_holds_up_nobody(how: str) -> None:
    """It would wait for that version for ever, and with it the rebalance: the whole group stands."""
    log, hands = log_of(read(0)), OldHands()
    running = Running(hands, log)
    await hands.until(1)
    leaving = asyncio.create_task(running.queue.revoke(log, {(TOPIC, 0)})) if how == "revoked" else running.task
    if how == "stopped":
        running.stop.set()
    await asyncio.sleep(0)
    hands.end(0)
    async with asyncio.timeout(SOON):
        await leaving
    running.stop.set()
    await running.ended()
    assert log.committed.get((TOPIC, 0), 0) == 0, "nobody has delivered it"


async def test_a_claim_that_somebody_else_holds_is_not_waited_for_when_its_partition_goes() -> None:
    """Its lease may run for a minute more; whoever has the partition then waits for it."""
    scene = WorkerScene()
    received = a.received()
    await scene.ledger("theirs").claim([received])
    job = Job(received)
    delivering = asyncio.create_task(scene.worker.deliver(received, job))
    await turns_until(lambda: job.claimed, what="its claim is under way")
    job.leaves = True
    async with asyncio.timeout(SOON):
        await asyncio.wait([delivering])
    assert delivering.cancelled()
    assert not job.claimed
