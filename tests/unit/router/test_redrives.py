"""A redrive through `decide`: said three times it is one delivery, and it goes on as any other from there."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import time_machine

from services.console.letters.core.redriving import redrive_of, redrive_output
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.outputs import KafkaRecord
from shared.model.records import Kind, decode_delivery
from shared.model.steps import ChannelChoice, ChannelStep
from tests.support import samples as a
from tests.support.letters import dead_letter_row
from tests.unit.router.scenes import QUIET, TOPICS, DecideStores, carry, new

FIRST = ChannelStep(key="notify", channels=(Channel.EMAIL, Channel.WEBHOOK), deliver=ChannelChoice.FIRST)


@pytest.fixture
def stores() -> DecideStores:
    return DecideStores()


def redriven(offset: int, *, forced: bool = False, data: bytes | None = None, **changes: Any) -> KafkaRecord:
    """What the console writes of a dead letter."""
    row = dead_letter_row(1, **changes)
    row["redrive"] = redrive_of(row, by="key", at=a.NOON, forced=forced, data=data)
    output = redrive_output(TOPICS, row)
    assert output is not None
    return a.record(output.value, topic=TOPICS.notifications, partition=1, offset=offset, headers=[])


def mails(stores: DecideStores) -> list[Delivery]:
    return [decode_delivery(output.value) for output in stores.publisher.on(TOPICS.deliveries(Channel.EMAIL))]


async def decided_first(stores: DecideStores, **about: Any) -> Delivery:
    """The delivery as it was decided before it died."""
    await carry(stores.decider(), new(1, **about))
    (found,) = mails(stores)
    stores.publisher.written.clear()
    return found


def like(delivery: Delivery) -> dict[str, Any]:
    return {name: getattr(delivery, name) for name in ("id", "notification", "step", "channel", "address", "endpoint")}


@time_machine.travel(a.NOON / 1000, tick=False)
async def test_said_three_times_and_replayed_it_is_one_delivery(stores: DecideStores) -> None:
    known = like(await decided_first(stores))
    for offset in (10, 11, 12, 10):  # the last one is a replay
        await carry(stores.decider(), redriven(offset, attempts=3, **known))
    first, replayed = mails(stores)
    assert first == replayed
    assert (first.id, first.generation, first.pass_, first.attempts) == (known["id"], 1, 0, 0)
    said = [dict(output.headers)["ce_type"] for output in stores.publisher.on(TOPICS.statuses)]
    assert said == [b"carillon.delivery.routed"] * 2
    body = msgspec.json.decode(stores.publisher.on(TOPICS.statuses)[0].value or b"")
    assert (body["kind"], body["generation"]) == (Kind.REDRIVE, 1)


@time_machine.travel(a.NOON / 1000, tick=False)
async def test_other_data_are_those_of_the_delivery_alone(stores: DecideStores) -> None:
    known = like(await decided_first(stores))
    await carry(stores.decider(), redriven(10, data=b'{"order":"B8"}', **known))
    (delivery,) = mails(stores)
    assert bytes(delivery.notification.data) == b'{"order":"B8"}'
    assert delivery.notification.id == known["notification"].id


@pytest.mark.parametrize(("forced", "sent"), [(False, 0), (True, 1)])
async def test_what_expired_ends_as_expired_unless_it_was_forced(stores: DecideStores, forced: bool, sent: int) -> None:
    with time_machine.travel(a.NOON / 1000, tick=False):
        known = like(await decided_first(stores))
    with time_machine.travel((a.NOON + a.DAY) / 1000, tick=False):
        row = dead_letter_row(1, **known)
        row["redrive"] = redrive_of(row, by="key", at=a.NOON + a.DAY, forced=forced)
        output = redrive_output(TOPICS, row)
        assert output is not None
        record = a.record(output.value, topic=TOPICS.notifications, partition=1, offset=9, headers=[])
        await carry(stores.decider(), record)
    assert len(mails(stores)) == sent
    (status,) = stores.publisher.on(TOPICS.statuses)
    said = b"carillon.delivery.routed" if forced else b"carillon.delivery.expired"
    assert dict(status.headers)["ce_type"] == said


@time_machine.travel(a.NIGHT / 1000, tick=False)
async def test_in_quiet_hours_it_waits_and_comes_back_as_the_same_generation(stores: DecideStores) -> None:
    about = a.notification(user=QUIET.user, expires_at=a.NIGHT + a.DAY)
    await carry(stores.decider(), redriven(10, notification=about, forced=True))
    (hold,) = [row.hold for row in stores.holds.rows.values()]
    assert (hold.record.kind, hold.record.generation, hold.record.pass_) == (Kind.RETRY, 1, 1)
    assert (hold.due, hold.record.forced) == (a.MORNING, True)
    assert mails(stores) == []
