"""What was looked at before a send, after a wait; and what may have been taken without an answer."""

from __future__ import annotations

import time
from math import inf
from typing import Any

import pytest
import time_machine

from services.delivery.channels.stub import StubSender
from services.delivery.core.attempts import Failed, LeaseTooShort, Outcome, Sent
from services.delivery.send import AfterCrash
from shared.model.channels import Channel
from shared.model.deliveries import Delivery, DeliveryResult, DeliveryState
from shared.model.reasons import Reason
from shared.model.workflows import Workflow
from shared.process.metrics import UNCONFIRMED_SENDS
from tests.support import samples as a
from tests.unit.delivery.test_send import LATE, SENT, Scene, brief

pytestmark = pytest.mark.usefixtures("clock")


class Waiting(StubSender):
    """It gets its connection when the test has let `waited` pass."""

    send_before = inf

    async def send(self, delivery: Delivery, workflow: Workflow, send_before: float) -> Outcome | LeaseTooShort:
        self.send_before = send_before
        return await super().send(delivery, workflow, inf)


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        ({}, 60.001),
        ({"notification": a.notification(expires_at=a.NOON + 7_000)}, 7),
        ({"valid_until": a.NOON + 5_000}, 5),
        ({"decided_at": a.NOON - 50_000}, 10.001),
        ({"decided_at": LATE}, 60.001),
        ({"decided_at": LATE, "valid_until": a.NOON + 5_000}, 5),
    ],
)
async def test_what_was_looked_at_counts_until_it_may_have_changed(changes: dict[str, Any], seconds: float) -> None:
    sender = Waiting(lambda _: Sent())
    scene, before = Scene(sender=sender), time.monotonic()
    assert brief(await scene.send(**changes)) == SENT
    assert before + seconds <= sender.send_before <= time.monotonic() + seconds
    await scene.send(send_before=before + 3, **changes)
    assert sender.send_before == before + 3, "the lease is over before"


async def test_after_waiting_for_a_connection_everything_is_looked_at_again(clock: time_machine.Traveller) -> None:
    class Slow(StubSender):
        async def send(self, delivery: Delivery, workflow: Workflow, send_before: float) -> Outcome | LeaseTooShort:
            if not clock_moved:
                clock_moved.append(True)
                clock.shift(30)
                return LeaseTooShort()
            return await super().send(delivery, workflow, send_before)

    for changes, ended in (
        ({"notification": a.notification(expires_at=a.NOON + 20_000)}, (DeliveryState.EXPIRED, 0, Reason.EXPIRED)),
        ({"valid_until": a.NOON + 20_000}, (DeliveryState.STALE, 0, Reason.WAITED_TOO_LONG)),
        ({"decided_at": a.NOON - 50_000, "profile_version": 6}, (DeliveryState.STALE, 0, Reason.WAITED_TOO_LONG)),
        ({"decided_at": a.NOON - 50_000}, SENT),
    ):
        clock.move_to(a.NOON / 1000)
        clock_moved: list[bool] = []
        scene = Scene(sender=Slow(lambda _: Sent()))
        assert brief(await scene.send(**changes)) == ended
        assert clock_moved
        assert bool(scene.sender.received) is (ended == SENT)


async def test_what_may_have_been_taken_is_counted_and_left_where_at_most_once_is_promised() -> None:
    for after_crash, ended in (
        (AfterCrash.SEND_AGAIN, (DeliveryState.RETRYING, 1, Reason.TEMPORARY_FAILURE)),
        (AfterCrash.STOP, (DeliveryState.UNCONFIRMED, 1, Reason.UNCONFIRMED)),
    ):
        counted = UNCONFIRMED_SENDS.labels(Channel.EMAIL, after_crash)
        before = counted._value.get()
        scene = Scene(after_crash)
        scene.sender.outcome = lambda _: Failed(code="no_answer", unconfirmed=True)
        assert brief(await scene.send()) == ended
        scene.sender.outcome = lambda _: Failed(code="450")
        assert brief(await scene.send()) == (DeliveryState.RETRYING, 1, Reason.TEMPORARY_FAILURE)
        assert counted._value.get() == before + 1


@pytest.mark.parametrize("crashed", [False, True])
async def test_what_was_erased_with_its_user_is_not_sent(*, crashed: bool) -> None:
    scene = Scene()
    result = await scene.send(address="", crashed=crashed)
    assert isinstance(result, DeliveryResult)
    assert (result.state, result.reason, result.attempts) == (DeliveryState.SUPPRESSED, Reason.USER_DELETED, 0)
    assert scene.sender.received == []
