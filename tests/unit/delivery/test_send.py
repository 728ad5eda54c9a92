"""What speaks against sending, right before the send; and what comes of it."""

from __future__ import annotations

import time
from math import inf
from typing import Any

import pytest
import time_machine

from services.delivery.channels.stub import StubSender
from services.delivery.core.attempts import Failed, LeaseTooShort, Outcome, ProviderUnavailable, Sent
from services.delivery.rendering.liquid import RenderFailed
from services.delivery.send import AfterCrash
from shared.model.deliveries import Delivery, DeliveryResult, DeliveryState
from shared.model.reasons import Reason
from shared.model.workflows import Workflow
from tests.support import samples as a
from tests.unit.delivery.sendings import LATE, Scene, brief

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def scene() -> Scene:
    return Scene()


SENT = (DeliveryState.SENT, 1, None)


async def test_it_is_sent_with_its_workflow(scene: Scene) -> None:
    scene.sender.outcome = lambda _: Sent(receipt="250 ok")
    assert brief(await scene.send()) == SENT
    assert scene.sender.received == [a.delivery()]


async def test_at_its_expiry_it_ends_and_burns_no_attempt(scene: Scene) -> None:
    ended = await scene.send(notification=a.notification(expires_at=a.NOON), attempts=2)
    assert brief(ended) == (DeliveryState.EXPIRED, 2, Reason.EXPIRED)
    assert not scene.sender.received
    assert brief(await scene.send(notification=a.notification(expires_at=a.NOON + 1))) == SENT


async def test_at_the_next_quiet_hours_it_is_stale(scene: Scene) -> None:
    stale = (DeliveryState.STALE, 0, Reason.WAITED_TOO_LONG)
    assert brief(await scene.send(valid_until=a.NOON)) == stale
    assert not scene.sender.received
    assert brief(await scene.send(valid_until=a.NOON + 1)) == SENT


@pytest.mark.parametrize(
    ("changes", "stale"),
    [
        ({"decided_at": LATE}, False),
        ({"decided_at": LATE, "profile_version": 6}, True),
        ({"decided_at": LATE + 1, "profile_version": 6}, False),
        ({"decided_at": LATE, "notification": a.notification(user="nobody"), "profile_version": 0}, False),
        ({"decided_at": LATE, "notification": a.notification(user="nobody"), "profile_version": 1}, True),
        ({"decided_at": LATE, "notification": a.notification(cancellation_key="k", cancel_count=0)}, True),
        ({"decided_at": LATE, "notification": a.notification(cancellation_key="k", cancel_count=1)}, False),
        ({"decided_at": LATE + 1, "notification": a.notification(cancellation_key="k", cancel_count=0)}, False),
    ],
)
async def test_decided_long_ago_it_is_stale_if_something_changed_since(
    scene: Scene, changes: dict[str, Any], stale: bool
) -> None:
    await scene.cancellations.cancel("acme", "k")
    result = await scene.send(**changes)
    assert brief(result) == ((DeliveryState.STALE, 0, Reason.WAITED_TOO_LONG) if stale else SENT)
    assert bool(scene.sender.received) is not stale


async def test_who_cannot_know_whether_it_is_stale_waits(scene: Scene) -> None:
    scene.profiles.outages.add(3)
    scene.cancellations.outages.add()
    assert brief(await scene.send(decided_at=LATE, profile_version=6)) == (
        DeliveryState.STALE,
        0,
        Reason.WAITED_TOO_LONG,
    )
    assert scene.profiles.outages.met
    assert scene.cancellations.outages.met


async def test_a_version_that_is_not_known_here_is_fetched_for_as_long_as_it_takes(scene: Scene) -> None:
    scene.catalog.outages.add(3)
    assert brief(await scene.send()) == SENT
    assert scene.catalog.outages.met


async def test_a_version_that_does_not_exist_is_a_dead_letter(scene: Scene) -> None:
    dead = await scene.send(notification=a.notification(version=9))
    assert brief(dead) == (DeliveryState.DEAD, 1, Reason.UNKNOWN_WORKFLOW)
    assert not scene.sender.received


async def test_what_cannot_be_rendered_is_a_dead_letter(scene: Scene) -> None:
    def fail(_: object) -> Sent:
        raise RenderFailed("LiquidSyntaxError")

    scene.sender.outcome = fail
    result = await scene.send()
    assert brief(result) == (DeliveryState.DEAD, 1, Reason.RENDER_FAILED)
    assert isinstance(result, DeliveryResult)
    assert result.code == "LiquidSyntaxError"


async def test_after_its_time_nothing_is_sent(scene: Scene) -> None:
    class Hasty(StubSender):
        async def send(self, delivery: Delivery, workflow: Workflow, send_before: float) -> Outcome | LeaseTooShort:
            return await super().send(delivery, workflow, inf)

    hasty = Scene(sender=Hasty(lambda _: Sent()))
    assert await hasty.send(send_before=time.monotonic()) == LeaseTooShort()
    assert not hasty.sender.received
    scene.sender.outcome = lambda _: LeaseTooShort()
    assert await scene.send() == LeaseTooShort(), "the sender waited for a connection"


async def test_a_provider_that_answers_nobody_is_left_alone_by_all(scene: Scene) -> None:
    scene.sender.outcome = lambda _: ProviderUnavailable(code="refused")
    parked = (DeliveryState.PARKED, 0, Reason.PROVIDER_DOWN)
    first = await scene.send()
    assert brief(first) == parked
    assert isinstance(first, DeliveryResult)
    assert (first.due, first.account) == (a.NOON + a.DAY, "email/smtp"), (
        "it waits for the account, at most until it expires"
    )
    assert brief(await scene.send(id="d-2", address="somebody@example.com")) == parked
    assert len(scene.sender.received) == 1, "the second one was not tried"


async def test_an_endpoint_that_does_not_answer_is_left_alone_and_others_are_not() -> None:
    scene = Scene(endpoint_of=lambda delivery: delivery.address)
    scene.sender.outcome = lambda delivery: (
        Failed(code="timeout", cool_down=True) if delivery.address == "a" else Sent()
    )  # fmt: skip
    assert brief(await scene.send(address="a")) == (DeliveryState.RETRYING, 1, Reason.TEMPORARY_FAILURE)
    assert brief(await scene.send(id="d-2", address="a")) == (DeliveryState.PARKED, 0, Reason.PROVIDER_DOWN)
    assert brief(await scene.send(address="b")) == SENT
    assert [delivery.address for delivery in scene.sender.received] == ["a", "b"]


async def test_a_failure_that_is_an_answer_cools_nothing_down(scene: Scene) -> None:
    scene.sender.outcome = lambda _: Failed(code="503")
    for attempts in (0, 1):
        result = await scene.send(attempts=attempts)
        assert brief(result) == (DeliveryState.RETRYING, attempts + 1, Reason.TEMPORARY_FAILURE)
    assert brief(await scene.send(attempts=2)) == (DeliveryState.DEAD, 3, Reason.ATTEMPTS_EXHAUSTED)
    assert len(scene.sender.received) == 3


async def test_after_a_crash_the_channels_policy_decides() -> None:
    again, stop = Scene(AfterCrash.SEND_AGAIN), Scene(AfterCrash.STOP)
    assert brief(await again.send(crashed=True)) == SENT
    assert brief(await stop.send(crashed=True)) == (DeliveryState.UNCONFIRMED, 1, Reason.UNCONFIRMED)
    assert not stop.sender.received
    assert brief(await stop.send()) == SENT


async def test_how_long_sending_took_shows_in_the_result(scene: Scene, clock: time_machine.Traveller) -> None:
    def slow(_: object) -> Sent:
        clock.shift(2)
        return Sent()

    scene.sender.outcome = slow
    result = await scene.send()
    assert isinstance(result, DeliveryResult)
    assert result.at == a.NOON + 2000
