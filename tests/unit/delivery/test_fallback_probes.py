"""The first that works, with `decide` between the tries: a probe does not put off the time at which the next channel is due."""

from __future__ import annotations

import msgspec
import pytest
import time_machine

from services.router.core.effects import derive_effects
from shared.deciding.items import Deliver
from shared.model.channels import Channel
from shared.model.deliveries import DeliveryState, ReceivedDelivery
from shared.model.records import Kind, Record, decode_delivery
from shared.model.steps import ChannelChoice, ChannelStep
from shared.process.clock import now_ms
from tests.support import samples as a
from tests.unit.delivery.parked import Scene
from tests.unit.delivery.scenes import TOPICS

pytestmark = pytest.mark.usefixtures("clock")
MINUTE = 60_000
STEP = ChannelStep(
    key="notify", channels=(Channel.EMAIL, Channel.WEBHOOK), deliver=ChannelChoice.FIRST, fallback_after_seconds=3600
)
FLOW = a.workflow(steps=(STEP,))
EMAILS, WEBHOOKS = TOPICS.deliveries(Channel.EMAIL), TOPICS.deliveries(Channel.WEBHOOK)


class Product(Scene):
    """The lane of e-mail, whose provider is down, and `decide`."""

    def __init__(self) -> None:
        super().__init__()
        self.went: dict[str, list[int]] = {EMAILS: [], WEBHOOKS: []}

    async def decide(self, record: Record | None = None) -> None:
        delivery = record.delivery if record else None
        about = {} if delivery is None else {"channel": delivery.channel, "step": delivery.step, "delivery": delivery}
        asked = a.routing_input(
            workflow=FLOW,
            now=now_ms(),
            event=record.kind if record else Kind.NOTIFY,
            parked=record is not None and record.due is None,
            **about,
        )
        effects = derive_effects(TOPICS, [a.decision(asked, record)])
        await self.mine.close(effects.closings)
        for output in effects.outputs:
            if output.topic in self.went:
                self.went[output.topic].append(now_ms())
            if output.topic == EMAILS:
                await self.deliver(ReceivedDelivery(delivery=decode_delivery(output.value), record=a.record()))

    async def release(self) -> None:
        """What the scheduler does."""
        for name, row in list(self.holds.rows.items()):
            if row.due <= now_ms():
                del self.holds.rows[name]
                await self.decide(row.hold.record)


async def test_a_provider_that_is_down_for_two_hours_keeps_it_for_one(clock: time_machine.Traveller) -> None:
    product = Product()
    await product.decide()
    for _ in range(120):
        clock.shift(60)
        await product.parking.look()
        await product.release()
    assert len(product.went[EMAILS]) > 3, "control: it was probed meanwhile"
    assert product.went[WEBHOOKS] == [a.NOON + 60 * MINUTE]
    assert not product.holds.rows
    (row,) = product.rows.values()
    assert row.state is DeliveryState.SUPPRESSED


def test_what_is_decided_again_keeps_its_time() -> None:
    at = a.NOON + 5 * MINUTE
    delivery = a.delivery(fallback=(Channel.WEBHOOK,), fallback_at=at)
    asked = a.routing_input(
        workflow=FLOW, event=Kind.RETRY, channel=Channel.EMAIL, step="notify", delivery=delivery, now=a.NOON + MINUTE
    )
    found = [item for item in a.decision(asked).items if isinstance(item, Deliver)]
    assert [(item.channel, item.fallback_at) for item in found] == [(Channel.EMAIL, at)]
    anew = msgspec.structs.replace(asked, delivery=None, event=Kind.RELEASE)
    (item,) = (item for item in a.decision(anew).items if isinstance(item, Deliver))
    assert item.fallback_at == a.NOON + 61 * MINUTE
