"""Deciding a chunk over twins: what is stored, what follows, replays, changed profiles, and failures at every step."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine

from services.router.decide import Decider
from services.router.inputs import Inputs
from services.router.profile_cache import ProfileCache
from shared.model.channels import Channel
from shared.model.claims import Obsolete, Recorded
from shared.model.deliveries import DeliveryResult, DeliveryState, ReceivedDelivery
from shared.model.holds import Cause
from shared.model.outputs import KafkaRecord, Output
from shared.model.profiles import Preferences
from shared.model.reasons import Reason
from shared.model.records import Kind, Record, decode_delivery, encode, notify, profile_changed
from shared.model.topics import Topics
from shared.process.retries import retry_until_available
from tests.support import samples as a
from tests.support.twins.cancellations import MemoryCancellations
from tests.support.twins.catalog import MemoryCatalog
from tests.support.twins.decisions import MemoryDecisions
from tests.support.twins.holds import MemoryHolds
from tests.support.twins.ledger import MemoryLedger
from tests.support.twins.profiles import MemoryProfiles
from tests.support.twins.publisher import MemoryPublisher

pytestmark = pytest.mark.usefixtures("clock")
TOPICS = Topics()
DELIVERIES = [TOPICS.deliveries(channel) for channel in a.ALL]
OPTED_OUT = a.profile(version=8, preferences=Preferences(categories={"orders": False}))
QUIET = a.profile(user="eve", quiet_hours=a.NIGHTS)


class Stores:
    """What outlives a process."""

    def __init__(self) -> None:
        self.profiles = MemoryProfiles(a.profile(), a.profile(user="bob"), QUIET)
        self.catalog = MemoryCatalog()
        self.catalog.publish("acme", a.workflow())
        self.cancellations = MemoryCancellations()
        self.decisions = MemoryDecisions()
        self.holds = MemoryHolds()
        self.ledger = MemoryLedger()
        self.publisher = MemoryPublisher()

    def decider(self) -> Decider:
        """A process that has just started."""
        profiles = ProfileCache(self.profiles.read_many, size=100, ttl_ms=60_000)
        inputs = Inputs(catalog=self.catalog, profiles=profiles, cancellations=self.cancellations, spread_ms=0)
        return Decider(
            inputs=inputs,
            decisions=self.decisions,
            holds=self.holds,
            ledger=self.ledger,
            publisher=self.publisher,
            topics=TOPICS,
        )


@pytest.fixture
def stores() -> Stores:
    return Stores()


async def carry(decider: Decider, *chunk: KafkaRecord) -> None:
    """As the agent does."""
    prepared = await retry_until_available()(decider.prepare, chunk)
    await retry_until_available()(decider.finish, prepared)


def at(offset: int, record: Record) -> KafkaRecord:
    return a.record(encode(record), topic=TOPICS.notifications, partition=1, offset=offset)


def new(offset: int, **about: Any) -> KafkaRecord:
    return at(offset, notify(a.notification(**{"id": f"n-{offset}"} | about)))


def topics_of(outputs: list[Output]) -> list[str]:
    return [output.topic for output in outputs]


def types(stores: Stores) -> list[str]:
    """The statuses' types, in order."""
    return [dict(status.headers)["ce_type"].decode() for status in stores.publisher.on(TOPICS.statuses)]


def retry(offset: int, **about: Any) -> tuple[ReceivedDelivery, KafkaRecord]:
    """A delivery whose first attempt failed, and its way back to `decide`."""
    earlier = a.delivery(notification=a.notification(**about), attempts=1)
    back = Record(
        kind=Kind.RETRY, tenant="acme", user="ada", subject=earlier.id, pass_=1, due=a.NOON, delivery=earlier
    )  # fmt: skip
    return ReceivedDelivery(delivery=earlier, record=a.record()), at(offset, back)


async def test_a_decision_is_stored_and_its_deliveries_go_out_in_the_chunks_order(stores: Stores) -> None:
    await carry(stores.decider(), new(0), new(1, user="bob"))
    assert [decision.coordinates.offset for decision in stores.decisions.rows.values()] == [0, 1]
    assert topics_of(stores.publisher.written) == [*DELIVERIES, TOPICS.statuses] * 2
    assert [output.key for output in stores.publisher.on(DELIVERIES[0])] == [b"acme:ada", b"acme:bob"]
    delivery = decode_delivery(stores.publisher.on(DELIVERIES[1])[0].value)
    assert (delivery.address, delivery.decided_at, delivery.profile_version) == (a.ADDRESSES["email"], a.NOON, 7)
    assert not stores.holds.held


async def test_the_inputs_that_mattered_are_stored_without_an_address(stores: Stores) -> None:
    await carry(stores.decider(), new(0), new(1, user="nobody"))
    known, unknown = (decision.snapshot for decision in stores.decisions.rows.values())
    assert (known["version"], known["addresses"]) == (7, ["email", "webhook"])
    assert "example.com" not in str(known)
    assert unknown == {"known": False}


async def test_quiet_hours_hold_what_is_noisy(stores: Stores, clock: time_machine.Traveller) -> None:
    clock.move_to(a.NIGHT / 1000)
    await carry(stores.decider(), new(0, user="eve"))
    (hold,) = stores.holds.held
    assert (hold.cause, hold.due, hold.record.channel) == (Cause.QUIET_HOURS, a.MORNING, Channel.EMAIL)
    assert topics_of(stores.publisher.written) == [DELIVERIES[0], DELIVERIES[2], TOPICS.statuses]


async def test_what_comes_back_is_decided_as_of_its_time_though_this_clock_is_behind(
    stores: Stores, clock: time_machine.Traveller
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
    stores: Stores, clock: time_machine.Traveller
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


async def test_the_same_record_at_another_place_is_a_duplicate(stores: Stores) -> None:
    await carry(stores.decider(), new(0), new(1, id="n-0"))
    before = list(stores.publisher.written)
    assert topics_of(before) == [*DELIVERIES, TOPICS.statuses]
    await carry(stores.decider(), new(2, id="n-0"))
    assert stores.publisher.written == before


STEPS = ["profiles", "catalog", "cancellations", "decisions", "holds", "ledger", "publisher"]


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
async def test_a_failure_at_any_step_is_waited_out(
    stores: Stores, clock: time_machine.Traveller, step: str, after_effect: bool
) -> None:
    """The end is the same; only what was in doubt is on the log twice."""
    clock.move_to(a.NIGHT / 1000)
    undisturbed = Stores()
    failed, back = retry(2, id="n-2", expires_at=a.NIGHT)
    chunk = [new(0), new(1, user="eve"), back]
    for each in (undisturbed, stores):
        await each.ledger.claim([failed])
        await each.ledger.record([(failed.delivery, DeliveryResult(state=DeliveryState.RETRYING, at=1, attempts=1))])
    await carry(undisturbed.decider(), *chunk)
    outages = getattr(stores, step).outages
    outages.add(after_effect=after_effect)
    await carry(stores.decider(), *chunk)
    assert outages.met, "the step was passed"
    assert stores.decisions.rows == undisturbed.decisions.rows
    assert stores.holds.held == undisturbed.holds.held
    assert len(stores.holds.held) == 1
    assert stores.ledger.rows == undisturbed.ledger.rows
    times = 2 if step == "publisher" and after_effect else 1
    assert stores.publisher.written == undisturbed.publisher.written * times


@pytest.mark.parametrize("step", ["profiles", "catalog", "cancellations", "decisions"])
async def test_nothing_goes_out_before_its_decision_is_stored(stores: Stores, step: str) -> None:
    getattr(stores, step).outages.add()
    with pytest.raises(Exception, match="asked to fail"):
        await stores.decider().prepare([new(0)])
    assert not stores.publisher.written
    assert not stores.decisions.rows


@pytest.mark.parametrize("step", ["holds", "ledger"])
async def test_nothing_goes_out_before_what_must_not_be_lost(stores: Stores, step: str) -> None:
    decider = stores.decider()
    prepared = await decider.prepare([new(0)])
    getattr(stores, step).outages.add()
    with pytest.raises(Exception, match="asked to fail"):
        await decider.finish(prepared)
    assert not stores.publisher.written


async def test_a_changed_profile_counts_for_the_whole_chunk_that_tells_of_it(stores: Stores) -> None:
    decider = stores.decider()
    await carry(decider, new(0))
    stores.profiles.put(OPTED_OUT)
    await carry(decider, new(1))
    changed = at(3, profile_changed("acme", "ada"))
    await carry(decider, new(2), changed, new(4), new(5, user="bob"))
    assert types(stores) == [f"carillon.notification.{state}" for state in (
        "routed", "routed", "suppressed", "suppressed", "routed",
    )]  # fmt: skip


async def test_what_cannot_be_read_is_a_dead_letter_and_its_neighbours_go_on(stores: Stores) -> None:
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


async def test_a_version_that_is_not_known_here_is_fetched(stores: Stores) -> None:
    stores.catalog.publish("acme", a.workflow(version=4))
    await carry(stores.decider(), new(0, version=4), new(1, version=5))
    assert types(stores) == ["carillon.notification.routed", "carillon.notification.suppressed"]


async def test_a_cancel_counts_for_what_was_accepted_before_it(stores: Stores) -> None:
    await stores.cancellations.cancel("acme", "k")
    await carry(
        stores.decider(), new(0, cancellation_key="k", cancel_count=0), new(1, cancellation_key="k", cancel_count=1)
    )
    assert types(stores) == ["carillon.notification.cancelled", "carillon.notification.routed"]


async def test_a_delivery_that_ends_here_closes_its_row(stores: Stores) -> None:
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


async def test_a_delivery_that_goes_on_keeps_its_attempts_and_its_row(stores: Stores) -> None:
    failed, back = retry(0)
    await stores.ledger.claim([failed])
    before = dict(stores.ledger.rows)
    await carry(stores.decider(), back)
    delivery = decode_delivery(stores.publisher.on(DELIVERIES[1])[0].value)
    assert (delivery.pass_, delivery.attempts) == (1, 1)
    assert stores.ledger.rows == before
