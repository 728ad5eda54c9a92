"""Deciding a chunk over twins: what is stored, what follows, replays and changed profiles."""

from __future__ import annotations

import pytest
import time_machine

from shared.model.channels import Channel
from shared.model.claims import Obsolete, Recorded
from shared.model.deliveries import DeliveryResult, DeliveryState, ReceivedDelivery
from shared.model.holds import Cause
from shared.model.outputs import Output
from shared.model.profiles import Preferences
from shared.model.reasons import Reason
from shared.model.records import decode_delivery, profile_changed
from shared.model.steps import ChannelStep, DelayStep
from tests.support import samples as a
from tests.unit.router.scenes import TOPICS, DecideStores, at, carry, new, retry

pytestmark = pytest.mark.usefixtures("clock")
DELIVERIES = [TOPICS.deliveries(channel) for channel in a.ALL]
OPTED_OUT = a.profile(version=8, preferences=Preferences(categories={"orders": False}))


@pytest.fixture
def stores() -> DecideStores:
    return DecideStores()


def topics_of(outputs: list[Output]) -> list[str]:
    return [output.topic for output in outputs]


def types(stores: DecideStores) -> list[str]:
    """The statuses' types, in order."""
    return [dict(status.headers)["ce_type"].decode() for status in stores.publisher.on(TOPICS.statuses)]


async def test_a_decision_is_stored_and_its_deliveries_go_out_in_the_chunks_order(stores: DecideStores) -> None:
    await carry(stores.decider(), new(0), new(1, user="bob"))
    assert [decision.coordinates.offset for decision in stores.decisions.rows.values()] == [0, 1]
    assert topics_of(stores.publisher.written) == [*DELIVERIES, TOPICS.statuses] * 2
    assert [output.key for output in stores.publisher.on(DELIVERIES[0])] == [b"acme:ada", b"acme:bob"]
    delivery = decode_delivery(stores.publisher.on(DELIVERIES[1])[0].value)
    assert (delivery.address, delivery.decided_at, delivery.profile_version) == (a.ADDRESSES["email"], a.NOON, 7)
    assert not stores.holds.held


async def test_the_inputs_that_mattered_are_stored_without_an_address(stores: DecideStores) -> None:
    await carry(stores.decider(), new(0), new(1, user="nobody"))
    known, unknown = (decision.snapshot for decision in stores.decisions.rows.values())
    assert (known["version"], known["addresses"]) == (7, ["email", "webhook"])
    assert "example.com" not in str(known)
    assert dict(unknown) == {"known": False}


async def test_quiet_hours_hold_what_is_noisy(stores: DecideStores, clock: time_machine.Traveller) -> None:
    clock.move_to(a.NIGHT / 1000)
    await carry(stores.decider(), new(0, user="eve"))
    (hold,) = stores.holds.held
    assert (hold.cause, hold.due, hold.record.channel) == (Cause.QUIET_HOURS, a.MORNING, Channel.EMAIL)
    assert topics_of(stores.publisher.written) == [DELIVERIES[0], DELIVERIES[2], TOPICS.statuses]


async def test_what_comes_back_is_decided_as_of_its_time_though_this_clock_is_behind(
    stores: DecideStores, clock: time_machine.Traveller
) -> None:
    clock.move_to(a.NIGHT / 1000)
    await carry(stores.decider(), new(0, user="eve"))
    (hold,) = stores.holds.held
    clock.move_to(a.MORNING / 1000 - 5)
    await carry(stores.decider(), at(1, hold.record))
    (delivery,) = (decode_delivery(output.value) for output in stores.publisher.on(DELIVERIES[1]))
    assert (delivery.pass_, delivery.notification.user) == (1, "eve")
    assert stores.holds.held == [hold]


async def test_a_replay_repeats_what_was_decided_whatever_changed_since(
    stores: DecideStores, clock: time_machine.Traveller
) -> None:
    chunk = [new(0), new(1, user="eve")]
    clock.move_to(a.NIGHT / 1000)
    await carry(stores.decider(), *chunk)
    first, held = list(stores.publisher.written), list(stores.holds.held)
    stores.publisher.written.clear()
    stores.profiles.put(OPTED_OUT)
    clock.shift(3600)
    await carry(stores.decider(), *chunk)
    assert stores.publisher.written == first
    assert stores.holds.held == held


async def test_the_same_record_at_another_place_is_a_duplicate(stores: DecideStores) -> None:
    await carry(stores.decider(), new(0), new(1, id="n-0"))
    before = list(stores.publisher.written)
    assert topics_of(before) == [*DELIVERIES, TOPICS.statuses]
    await carry(stores.decider(), new(2, id="n-0"))
    assert stores.publisher.written == before


async def test_a_changed_profile_counts_for_the_whole_chunk_that_tells_of_it(stores: DecideStores) -> None:
    decider = stores.decider()
    await carry(decider, new(0))
    stores.profiles.put(OPTED_OUT)
    await carry(decider, new(1))
    changed = at(3, profile_changed("acme", "ada"))
    await carry(decider, new(2), changed, new(4), new(5, user="bob"))
    assert types(stores) == [f"carillon.notification.{state}" for state in (
        "routed", "routed", "suppressed", "suppressed", "routed",
    )]  # fmt: skip


async def test_what_cannot_be_read_is_a_dead_letter_and_its_neighbours_go_on(stores: DecideStores) -> None:
    broken = a.record(b"{", topic=TOPICS.notifications, partition=1, offset=1, headers=[("kept", b"1")])
    await carry(stores.decider(), new(0), broken, new(2))
    (letter,) = stores.publisher.on(TOPICS.events_dlq)
    headers = dict(letter.headers)
    assert (letter.key, letter.value) == (broken.key, broken.value)
    assert {name: headers[name] for name in ("kept", "source_topic", "source_offset", "error_code")} == {
        "kept": b"1",
        "source_topic": TOPICS.notifications.encode(),
        "source_offset": b"1",
        "error_code": b"unreadable_record",
    }
    assert types(stores) == ["carillon.notification.routed"] * 2


async def test_a_version_that_is_not_known_here_is_fetched(stores: DecideStores) -> None:
    stores.catalog.publish("acme", a.workflow(version=4))
    await carry(stores.decider(), new(0, version=4), new(1, version=5))
    assert types(stores) == ["carillon.notification.routed", "carillon.notification.suppressed"]


async def test_a_cancel_counts_for_what_was_accepted_before_it(stores: DecideStores) -> None:
    await stores.cancellations.cancel("acme", "k")
    await carry(
        stores.decider(), new(0, cancellation_key="k", cancel_count=0), new(1, cancellation_key="k", cancel_count=1)
    )
    assert types(stores) == ["carillon.notification.cancelled", "carillon.notification.routed"]


async def test_a_delivery_that_ends_here_closes_its_row(stores: DecideStores) -> None:
    failed, back = retry(0, expires_at=a.NOON)
    await stores.ledger.claim([failed])
    await stores.ledger.record([(failed.delivery, DeliveryResult(state=DeliveryState.RETRYING, at=1, attempts=1))])
    await carry(stores.decider(), back)
    again = a.delivery(notification=failed.delivery.notification, pass_=1)
    first, second = await stores.ledger.claim([failed, ReceivedDelivery(delivery=again, record=a.record())])
    assert first == Obsolete()
    assert second == Recorded(
        result=DeliveryResult(state=DeliveryState.EXPIRED, at=a.NOON, attempts=1, reason=Reason.EXPIRED)
    )
    assert types(stores) == ["carillon.delivery.expired"]


async def test_a_delivery_that_goes_on_keeps_its_attempts_and_its_row(stores: DecideStores) -> None:
    failed, back = retry(0)
    await stores.ledger.claim([failed])
    before = dict(stores.ledger.rows)
    await carry(stores.decider(), back)
    delivery = decode_delivery(stores.publisher.on(DELIVERIES[1])[0].value)
    assert (delivery.pass_, delivery.attempts) == (1, 1)
    assert stores.ledger.rows == before


async def test_a_cancel_between_a_decision_and_its_hold_hastens_the_hold(stores: DecideStores) -> None:
    """It found no hold to hasten: without a second look its notification would end at its time, in ten days."""
    far = a.NOON + 10 * a.DAY
    decider = stores.decider()
    prepared = await decider.prepare([new(0, deliver_at=far, expires_at=far + a.DAY, cancellation_key="k")])
    assert await stores.cancellations.cancel("acme", "k") == 1
    assert await stores.holds.hasten("acme", "k", cancel_count=1) == 0
    await decider.finish(prepared)
    (row,) = stores.holds.rows.values()
    assert row.due < far
    await carry(decider, at(1, row.hold.record))
    assert list(stores.decisions.rows.values())[-1].items[0].reason is Reason.CANCELLED


async def test_a_version_of_several_steps_that_it_lacks_is_fetched_and_run(stores: DecideStores) -> None:
    later = ChannelStep(key="later", channels=(Channel.WEBHOOK,))
    wait = DelayStep(key="wait", seconds=60)
    inbox = ChannelStep(key="inbox", channels=(Channel.IN_APP,))
    decider = stores.decider()
    await carry(decider, new(0))
    stores.catalog.publish("acme", a.workflow(version=4, steps=(inbox, wait, later)))
    await carry(decider, new(1, version=4))
    assert [hold.cause for hold in stores.holds.held] == [Cause.DELAY]
    stores.catalog.publish("acme", a.workflow(version=5, steps=(later,)))
    (hold,) = stores.holds.held
    assert (hold.record.notification.version, hold.record.step) == (4, "wait"), "it goes on by its own version"
