"""A worker while Kafka or MongoDB fail, before or after the effect of a call: the end is the same, sent is once."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from services.delivery.core.attempts import Failed, Outcome, Sent
from services.delivery.core.jobs import Job
from shared.model.deliveries import Delivery
from tests.support import samples as a
from tests.support.wait import turns, turns_until
from tests.unit.delivery.scenes import SENT, TOPICS, WorkerScene, follows

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def scene() -> WorkerScene:
    return WorkerScene()


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", ["mine", "holds", "publisher"])
async def test_a_failure_at_any_step_is_waited_out_and_sent_is_once(
    scene: WorkerScene, step: str, after_effect: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Rows and statuses say how long an attempt took, which on a busy machine is another millisecond each time.
    monkeypatch.setattr("services.delivery.failover.time", SimpleNamespace(monotonic=lambda: 0.0))
    scene.sender.outcome = lambda _: Failed(code="421")
    undisturbed = WorkerScene()
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
async def test_a_failure_to_record_does_not_send_again(scene: WorkerScene, after_effect: bool) -> None:
    def fail_to_record(_: Delivery) -> Outcome:
        scene.mine.outages.add(2, after_effect=after_effect)
        return Sent()

    scene.sender.outcome = fail_to_record
    await scene.deliver()
    assert scene.mine.outages.met
    assert len(scene.sender.received) == 1
    assert scene.publisher.written == follows(scene.logged(SENT))


async def test_nothing_brings_it_back_before_its_result_is_told(scene: WorkerScene) -> None:
    """Once it is back its row goes on, and a replay of the record after a crash has nothing left to tell."""
    scene.sender.outcome = lambda _: Failed(code="421")
    scene.publisher.outages.add(1000)
    delivering = asyncio.create_task(scene.worker.deliver(a.received(), Job(a.received())))
    await turns_until(lambda: any(row.result for row in scene.rows.values()), what="the result")
    await turns()
    assert not scene.holds.held
    delivering.cancel()
    await asyncio.wait({delivering})


async def test_a_stale_one_is_told_before_it_is_decided_again(scene: WorkerScene) -> None:
    await scene.deliver(a.received(valid_until=a.NOON))
    assert [output.topic for output in scene.publisher.written] == [TOPICS.statuses, TOPICS.notifications]
    assert scene.publisher.calls == 2, "one after the other has been acknowledged"
