"""The next channel of a step: `decide` is told once a delivery is dead, or its provider has been down too long."""

from __future__ import annotations

import pytest
import time_machine

from services.delivery.core.attempts import Rejected, Sent
from services.delivery.core.effects import derive_effects
from shared.model import ids
from shared.model.channels import Channel
from shared.model.deliveries import DeliveryResult, DeliveryState, ReceivedDelivery
from shared.model.holds import Cause
from shared.model.outputs import KafkaRecord, Output
from shared.model.reasons import Reason
from shared.model.records import Kind, Record, decode_record, encode
from shared.process import failpoints
from shared.process.clock import now_ms
from shared.process.failpoints import Failpoint
from tests.support import samples as a
from tests.unit.delivery.parked import PAUSE, Scene
from tests.unit.delivery.scenes import TOPICS, WorkerScene
from tests.unit.delivery.test_inbox_writer import TOPIC
from tests.unit.delivery.test_inbox_writer import Scene as InboxScene

pytestmark = pytest.mark.usefixtures("clock")
NEXT = (Channel.WEBHOOK,)
MINUTE = 60_000
ENDS = [state for state in DeliveryState if state not in (DeliveryState.CLAIMED, DeliveryState.DEAD)]


class Killed(Exception):
    """Where the process would be gone."""


def mail(**changes: object) -> ReceivedDelivery:
    return a.received(**{"fallback": NEXT, "generation": 1, "pass_": 2, **changes})


def told(outputs: list[Output]) -> list[Record]:
    records = [decode_record(output.value) for output in outputs if output.topic == TOPICS.notifications]
    return [record for record in records if record.kind is Kind.FAILED]


def after(state: DeliveryState, received: ReceivedDelivery) -> list[Record]:
    result = DeliveryResult(state=state, at=a.NOON, attempts=1, due=a.NOON + 5, reason=Reason.REJECTED)
    return told(derive_effects(TOPICS, received, result).outputs)


def test_a_dead_one_tells_decide_which_delivery_it_was() -> None:
    (record,) = after(DeliveryState.DEAD, mail())
    assert record.delivery == mail().delivery
    assert (record.subject, record.generation, record.pass_) == (ids.fallback_id(a.delivery().id), 1, 0)
    assert (record.tenant, record.user, record.format) == ("acme", "ada", 2)
    assert after(DeliveryState.DEAD, mail()) == [record], "a replay repeats it"


def test_the_last_channel_of_a_step_tells_nothing() -> None:
    assert after(DeliveryState.DEAD, mail(fallback=())) == []


def test_what_a_newer_version_wrote_stays_for_those_who_read_that() -> None:
    assert [record.format for record in after(DeliveryState.DEAD, mail(format=2))] == [2]


@pytest.mark.parametrize("state", ENDS)
def test_nothing_else_falls_back_from_here(state: DeliveryState) -> None:
    """What may have been sent, and what nobody wants any more, has no other channel."""
    assert after(state, mail()) == []


async def test_a_provider_that_says_never_is_dead_and_told() -> None:
    scene = WorkerScene()
    scene.sender.outcome = lambda _: Rejected(code="550")
    await scene.deliver(mail())
    assert [record.delivery for record in told(scene.publisher.written)] == [mail().delivery]


async def test_killed_between_record_and_emit_it_is_told_by_whoever_reads_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def killed(*_: object) -> None:
        raise Killed

    first, second = WorkerScene(), WorkerScene()
    second.rows = first.rows
    second.mine.rows = first.rows
    first.sender.outcome = lambda _: Rejected(code="550")
    with monkeypatch.context() as armed:
        armed.setattr(failpoints.os, "kill", killed)
        failpoints.arm(Failpoint.AFTER_RECORD)
        with pytest.raises(Killed):
            await first.deliver(mail())
    failpoints.arm(None)
    assert first.publisher.written == []
    await second.deliver(mail())
    assert second.sender.received == [], "it is not tried again"
    assert len(told(second.publisher.written)) == 1


async def test_an_inbox_row_that_cannot_be_written_tells_it_too() -> None:
    scene = InboxScene()
    await scene.writer.write([_row(fallback=NEXT), _row(fallback=())])
    (record,) = told(scene.publisher.written)
    assert record.delivery is not None
    assert record.delivery.fallback == NEXT


def _row(fallback: tuple[Channel, ...]) -> KafkaRecord:
    of_no_version = a.notification(version=99)
    delivery = a.delivery(channel=Channel.IN_APP, address="ada", notification=of_no_version, fallback=fallback)
    return a.record(encode(delivery), topic=TOPIC, partition=1, offset=7)


@pytest.mark.parametrize(("fallback_in", "due_in"), [(10, 10), (90, 60), (None, 60)])
async def test_a_parked_one_comes_back_when_its_next_channel_is_due(fallback_in: int | None, due_in: int) -> None:
    scene = Scene()
    at = None if fallback_in is None else a.NOON + fallback_in * MINUTE
    lasting = a.notification(expires_at=a.NOON + 60 * MINUTE)
    await scene.deliver(mail(fallback_at=at, notification=lasting))
    (row,) = scene.holds.rows.values()
    assert (row.due, row.hold.cause, row.hold.account) == (a.NOON + due_in * MINUTE, Cause.PROVIDER_DOWN, "email/smtp")


async def test_a_provider_that_is_down_for_an_hour_keeps_it_for_ten_minutes(clock: time_machine.Traveller) -> None:
    scene, at = Scene(), a.NOON + 10 * MINUTE
    await scene.park("other")  # waits for its expiry, and is a probe from time to time
    await scene.deliver(mail(id="first", fallback_at=at))
    back: dict[int, Record] = {}
    for minute in range(1, 61):
        clock.shift(60)
        await scene.parking.look()
        for row in [row for row in scene.holds.rows.values() if row.due <= now_ms()]:
            record = row.hold.record
            if record.delivery is not None and (record.delivery.fallback_at or now_ms() + 1) <= now_ms():
                back.setdefault(minute, record)
                del scene.holds.rows[row.hold.id]  # `decide` takes the next channel, and closes its row
        await scene.bring_back()
    assert list(back) == [10], "once, and when it was said"
    (record,) = back.values()
    assert record.delivery is not None
    assert (record.kind, record.subject, record.delivery.fallback) == (Kind.RETRY, "first", NEXT)
    assert record.delivery.attempts == 0, "no attempt was burned"
    assert told(scene.publisher.written) == []
    assert [row.hold.record.subject for row in scene.holds.rows.values()] == ["other"]


async def test_a_provider_that_answers_in_time_gets_it(clock: time_machine.Traveller) -> None:
    scene = Scene()
    await scene.deliver(mail(id="first", fallback_at=a.NOON + 10 * MINUTE))
    scene.sender.outcome = lambda _: Sent()
    clock.shift(PAUSE)
    await scene.parking.look()
    assert await scene.bring_back() == ["first"]
    assert scene.rows["first"].state is DeliveryState.SENT


async def test_down_again_past_its_time_it_waits_for_nothing_more() -> None:
    """It was let through late, as a probe, which failed: the other channel is due."""
    scene = Scene()
    await scene.deliver(mail(fallback_at=a.NOON - MINUTE))
    assert scene.due == [mail().delivery.id]
