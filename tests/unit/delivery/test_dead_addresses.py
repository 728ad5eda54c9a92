"""What nothing reaches any more goes on the suppression list; a replay puts it there again, and harms nobody."""

from __future__ import annotations

from typing import Any

import pytest

from services.delivery.channels.stub import StubSender
from services.delivery.core.attempts import Outcome, Rejected
from services.delivery.core.dead_addresses import suppression
from services.delivery.core.effects import derive_effects
from shared.model.channels import Channel
from shared.model.deliveries import DeliveryResult, DeliveryState
from shared.model.owners import address_ids
from shared.model.reasons import Reason
from shared.model.suppressions import Suppression, SuppressionReason
from tests.support import samples as a
from tests.unit.delivery.scenes import TOPICS, WorkerScene

pytestmark = pytest.mark.usefixtures("clock")
GONE = Rejected(reason=Reason.DEAD_ADDRESS, code="550 5.1.1")
DEAD = DeliveryResult(state=DeliveryState.DEAD, at=a.NOON, attempts=1, reason=Reason.DEAD_ADDRESS, code="550 5.1.1")
(ADA,) = address_ids({"email": "ada@example.com"})


def scene(outcome: Outcome = GONE, channel: Channel = Channel.EMAIL) -> WorkerScene:
    return WorkerScene(sender=StubSender(lambda _: outcome), channel=channel)


async def entries(found: WorkerScene, address: str = ADA) -> list[Suppression]:
    return (await found.suppressions.of_addresses({"acme": [address]})).get(("acme", address), [])


async def test_it_is_on_the_list_with_the_account_that_said_so() -> None:
    found = scene()
    await found.deliver()
    assert await entries(found) == [
        Suppression(tenant="acme", address=ADA, reason=SuppressionReason.BOUNCED, created_at=a.NOON, by="email/smtp")
    ]


async def test_a_replay_puts_it_there_again_which_changes_nothing() -> None:
    found = scene()
    await found.deliver()
    before = await entries(found)
    await found.deliver()
    assert await entries(found) == before
    assert len(found.sender.received) == 1


async def test_a_crash_before_it_was_put_there_loses_nothing() -> None:
    found = scene()
    other = found.ledger("died")
    await other.claim([a.received()])
    await other.record([(a.delivery(), DEAD)])
    await found.deliver()
    assert len(await entries(found)) == 1
    assert not found.sender.received


async def test_it_is_tried_again_while_mongodb_is_unavailable() -> None:
    found = scene()
    found.suppressions.outages.add(2, after_effect=True)
    await found.deliver()
    assert found.suppressions.outages.met
    assert len(await entries(found)) == 1


async def test_who_told_one_provider_to_stop_hears_from_no_other() -> None:
    found = scene(Rejected(reason=Reason.ADDRESS_SUPPRESSED, code="21610"))
    await found.deliver()
    (entry,) = await entries(found)
    assert entry.reason is SuppressionReason.UNSUBSCRIBED


OTHERS = [reason for reason in Reason if reason not in (Reason.DEAD_ADDRESS, Reason.ADDRESS_SUPPRESSED)]


@pytest.mark.parametrize("reason", OTHERS)
async def test_nothing_else_is_a_dead_address(reason: Reason) -> None:
    found = scene(Rejected(reason=reason, code="550"))
    await found.deliver()
    assert await entries(found) == []


ADDRESSES: dict[Channel, str] = {
    Channel.SMS: "+4915112345678",
    Channel.WHATSAPP: "+4915112345678",
    Channel.TELEGRAM: "7",
    Channel.PUSH: "fcm:token",
    Channel.WEBHOOK: "https://example.com/hook",
}


@pytest.mark.parametrize("channel", [Channel.EMAIL, *ADDRESSES])
def test_who_is_not_on_a_messenger_still_has_the_number(channel: Channel) -> None:
    delivery = a.delivery(channel=channel, address=ADDRESSES.get(channel, "ada@example.com"))
    entry = suppression(delivery, DEAD)
    assert (entry is not None) == (channel in (Channel.EMAIL, Channel.SMS))
    if entry is not None:
        assert entry.by == channel, "nobody was asked"
        assert delivery.address not in repr(entry)


@pytest.mark.parametrize("state", [state for state in DeliveryState if state is not DeliveryState.DEAD])
def test_only_an_end_suppresses(state: DeliveryState) -> None:
    result: Any = DeliveryResult(state=state, at=1, attempts=1, reason=Reason.DEAD_ADDRESS, due=2**41)
    assert derive_effects(TOPICS, a.received(), result).suppression is None
