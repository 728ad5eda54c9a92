"""What a redirected delivery meets is the one address's own: it says nothing of the recipient, and keeps nobody else up."""

from __future__ import annotations

import pytest

from services.delivery.channels.own_endpoint import endpoint_of
from services.delivery.channels.stub import StubSender
from services.delivery.core.attempts import Failed, Outcome, Rejected
from services.delivery.core.effects import derive_effects
from shared.model.callback_links import callback_link, read_callback, sign_callback
from shared.model.channels import Channel
from shared.model.deliveries import DeliveryResult, DeliveryState, ReceivedDelivery
from shared.model.owners import address_ids
from shared.model.reasons import Reason
from shared.model.staging import SendMode, Staging
from tests.support import samples as a
from tests.unit.delivery.scenes import TOPICS, WorkerScene

pytestmark = pytest.mark.usefixtures("clock")
QA, HOOK = "qa@acme.example", "https://qa.acme.example/hook"
DEAD = Rejected(reason=Reason.DEAD_ADDRESS, code="550 5.1.1")


def a_test(name: str = "d-1", **changes: object) -> ReceivedDelivery:
    return a.received(id=name, notification=a.notification(test=True), **changes)


def redirecting(outcome: Outcome, channel: Channel = Channel.EMAIL) -> WorkerScene:
    scene = WorkerScene(
        sender=StubSender(lambda _: outcome),
        channel=channel,
        endpoint_of=endpoint_of if channel is Channel.WEBHOOK else None,
    )
    scene.staging = Staging(redirect={"email": QA, "webhook": HOOK})
    return scene


async def test_that_the_one_address_is_dead_suppresses_neither() -> None:
    scene = redirecting(DEAD)
    await scene.deliver(a_test())
    assert scene.sender.received[0].address == QA
    wanted = address_ids({"email": "ada@example.com"}) + address_ids({"email": QA})
    assert await scene.suppressions.of_addresses({"acme": wanted}) == {}


@pytest.mark.parametrize(("mode", "told"), [(None, 1), (SendMode.REDIRECTED, 0)])
def test_no_device_leaves_a_profile_and_no_endpoint_is_called_disabled(mode: SendMode | None, told: int) -> None:
    token = a.received(channel=Channel.PUSH, address=f"fcm:{'t' * 20}", profile_version=1)
    dead = DeliveryResult(state=DeliveryState.DEAD, at=a.NOON, attempts=1, reason=Reason.DEAD_ADDRESS, mode=mode)
    assert (derive_effects(TOPICS, token, dead).removal is not None) == bool(told)
    gone = DeliveryResult(state=DeliveryState.DEAD, at=a.NOON, attempts=1, reason=Reason.ENDPOINT_GONE, mode=mode)
    types = [dict(each.headers).get("ce_type") for each in derive_effects(TOPICS, a.received(), gone).outputs]
    assert types.count(b"carillon.endpoint.disabled") == told


async def test_what_waits_for_the_one_endpoint_is_parked_under_that_and_stays_there() -> None:
    """Parked under the recipient's own, which is well, it would come back at once, and so for ever."""
    scene = redirecting(Failed(code="refused", cool_down=True), Channel.WEBHOOK)
    for number in range(2):
        await scene.deliver(a_test(f"d-{number}", channel=Channel.WEBHOOK, address=f"https://{number}.example/"))
    first, second = (row.hold for row in scene.holds.rows.values())
    assert (first.account, second.account) == (None, next(iter(scene.accounts.rows)))
    assert scene.holds.rows[second.id].due > a.NOON


async def test_what_bounces_from_the_one_address_suppresses_nothing() -> None:
    scene = redirecting(DEAD)
    await scene.deliver(a_test())
    secret = b"s" * 24
    links = [
        read_callback(sign_callback(callback_link(each, with_address=known), secret), [secret])
        for each in scene.sender.received
        for known in (True, False)
    ]
    assert [link is not None and link.redirected for link in links] == [True, True]
    usual = read_callback(sign_callback(callback_link(a.delivery()), secret), [secret])
    assert usual is not None
    assert not usual.redirected


async def test_what_nobody_gets_takes_no_turn_from_those_who_do() -> None:
    scene = WorkerScene(rates="email=1/10s")
    for number in range(3):
        await scene.deliver(a_test(f"d-{number}"))
    await scene.deliver(a.received(id="d-live"))
    assert [each.id for each in scene.sender.received] == ["d-live"]
    assert not scene.holds.rows


async def test_the_one_address_has_a_limit_of_its_own() -> None:
    scene = WorkerScene(rates="email@recipient=1/10s")
    scene.staging = Staging(redirect={"email": QA})
    for number in range(2):
        await scene.deliver(a_test(f"d-{number}", address=f"{number}@example.com"))
    assert [each.id for each in scene.sender.received] == ["d-0"]
    assert len(scene.holds.rows) == 1
