"""What ends one member of a digest does not end the others, be it the one that holds it."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine

from shared.model.channels import Channel
from shared.model.records import Kind, Record
from shared.model.steps import ChannelChoice, ChannelStep, DigestStep
from shared.model.tenants import Stop, TenantSettings
from tests.support import samples as a
from tests.support.twins.catalog import MemoryCatalog
from tests.unit.router.runs import Runs
from tests.unit.router.scenes import at, carry, new
from tests.unit.router.test_runs import HOUR, about, items_of, workflow

pytestmark = pytest.mark.usefixtures("clock")
SHOW = ChannelStep(key="show", channels=(Channel.IN_APP,))
GATHER = DigestStep(key="gather", seconds=3600)


async def gathered(clock: time_machine.Traveller, **of_first: Any) -> Runs:
    """A digest of three, the first of which has something to it."""
    runs = Runs(clock, workflow(GATHER, SHOW))
    await runs.send(0, **about(0), **of_first)
    for number in (1, 2):
        await runs.send(number, **about(number))
    return runs


async def ended(runs: Runs) -> list[list[int]]:
    while await runs.release(a.NOON + HOUR):
        pass
    return [items_of(delivery.digest) for delivery in runs.sent.values()]


async def cancel(runs: Runs, key: str) -> None:
    runs.stores.history.cancel_counts[key] = await runs.stores.cancellations.cancel("acme", key)


async def test_nothing_happened_to_any(clock: time_machine.Traveller) -> None:
    assert await ended(await gathered(clock, cancellation_key="k")) == [[0, 1, 2]]


async def test_the_one_that_holds_it_is_cancelled(clock: time_machine.Traveller) -> None:
    runs = await gathered(clock, cancellation_key="k")
    await cancel(runs, "k")
    assert await ended(runs) == [[1, 2]]


async def test_all_of_it_is_cancelled(clock: time_machine.Traveller) -> None:
    runs = Runs(clock, workflow(GATHER, SHOW))
    await runs.send(0, 1, cancellation_key="k")
    await cancel(runs, "k")
    assert await ended(runs) == []
    assert runs.statuses("n-0") == ["held", "cancelled"]


async def test_the_one_that_holds_it_expires_by_its_producers_word(clock: time_machine.Traveller) -> None:
    runs = await gathered(clock, expires_for_good=True, expires_at=a.NOON + 1000)
    assert await ended(runs) == [[1, 2]]


async def test_the_one_that_holds_it_is_replaced_by_another_in_it(clock: time_machine.Traveller) -> None:
    runs = await gathered(clock, collapse_key="k")
    await runs.send(3, **about(3), collapse_key="k")
    assert await ended(runs) == [[1, 2, 3]]


async def test_what_a_cancelled_one_held_waits_on_for_quiet_hours(clock: time_machine.Traveller) -> None:
    """It is cancelled when the digest has closed, and only a channel of it waits."""
    mail = ChannelStep(key="mail", channels=(Channel.EMAIL,))
    runs = Runs(clock, workflow(GATHER, mail))
    clock.move_to((a.NIGHT - HOUR) / 1000)
    for number in range(2):
        key = {"cancellation_key": "k"} if not number else {}
        await runs.send(number, **about(number), **key, user="eve")  # type: ignore[arg-type]
    await runs.release(a.NIGHT)
    (hold,) = runs.stores.holds.held
    assert (hold.record.channel, hold.record.digest is None) == (Channel.EMAIL, False)
    await cancel(runs, "k")
    await runs.release(a.MORNING)
    (delivery,) = runs.sent.values()
    assert items_of(delivery.digest) == [1]


async def test_what_was_stopped_before_it_was_looked_at_still_replaces_an_older_one(
    clock: time_machine.Traveller,
) -> None:
    runs = Runs(clock, workflow(SHOW))
    runs.stores.tenants.put(TenantSettings(tenant="acme", version=1, stops=(Stop(),)))
    await runs.send(1, collapse_key="k", event_time=a.NOON - 5)
    runs.stores.tenants.put(TenantSettings(tenant="acme", version=2))
    runs.decider = runs.stores.decider()
    await runs.send(0, collapse_key="k", event_time=a.NOON - 10)
    await runs.stores.holds.bring_forward([], [("acme", "n-1")])  # as a resume does
    await runs.release(a.NOON + 1)
    assert [one.notification.id for one in runs.sent.values()] == ["n-0", "n-1"]
    assert [one.replaces for one in runs.sent.values()] == [None, "n-0"]


async def test_what_comes_after_the_end_of_one_opens_another(clock: time_machine.Traveller) -> None:
    """An opt-out ends all of it, its holder too; who opts in again gets what comes then."""
    runs = await gathered(clock)
    runs.stores.profiles.put(a.profile(version=8, mute_until=a.NOON + 2 * HOUR))
    runs.decider = runs.stores.decider()
    assert await runs.release(a.NOON + HOUR) == 1
    assert runs.statuses("n-0") == ["held", "suppressed"]
    runs.stores.profiles.put(a.profile(version=9))
    runs.decider = runs.stores.decider()
    await runs.send(9, **about(9))
    await runs.release(a.NOON + 2 * HOUR)
    assert [items_of(delivery.digest) for delivery in runs.sent.values()] == [[9]]


async def test_one_is_replaced_in_the_chunk_that_closes(clock: time_machine.Traveller) -> None:
    runs = Runs(clock, workflow(GATHER, SHOW))
    await runs.send(0, **about(0))
    await runs.send(1, **about(1), collapse_key="k")
    clock.move_to((a.NOON + HOUR) / 1000)
    (hold,) = runs.stores.holds.rows.values()
    runs.stores.holds.rows.clear()
    newer = [new(200 + number, id=f"n-{number}", **about(number), collapse_key="k") for number in (2, 3)]
    chunk = [*newer, at(210, hold.hold.record)]
    await carry(runs.decider, *chunk)
    runs.decider = runs.stores.decider()
    await carry(runs.decider, *chunk)
    assert [items_of(one.digest) for one in runs.deliveries] == [[0, 3], [0, 3]]


async def test_what_a_closed_one_had_is_said_again_though_an_item_is_cancelled_meanwhile(
    clock: time_machine.Traveller,
) -> None:
    runs = await gathered(clock, cancellation_key="k")
    await runs.release(a.NOON + HOUR)
    await cancel(runs, "k")
    await runs.crash_and_replay(1)
    assert [items_of(one.digest) for one in runs.deliveries] == [[0, 1, 2], [0, 1, 2]]


async def test_so_is_what_joined_in_the_chunk_that_closed_it(clock: time_machine.Traveller) -> None:
    runs = Runs(clock, workflow(GATHER, SHOW))
    await runs.send(0, **about(0), cancellation_key="k")
    clock.move_to((a.NOON + HOUR) / 1000)
    (hold,) = runs.stores.holds.rows.values()
    runs.stores.holds.rows.clear()
    chunk = [new(201, id="n-1", **about(1), cancellation_key="l"), at(202, hold.hold.record)]
    runs.stores.history.outages.add(2)  # it cannot be read, then it is decided but not written
    await carry(runs.decider, *chunk)
    for key in ("k", "l"):
        await cancel(runs, key)
    for _ in range(2):
        runs.decider = runs.stores.decider()
        await carry(runs.decider, *chunk)
    assert [items_of(one.digest) for one in runs.deliveries] == [[0, 1]] * 3


async def test_nothing_joins_one_that_nobody_holds_any_more(clock: time_machine.Traveller) -> None:
    """Its holder ended with a version that is gone, of which nobody knows that it gathers."""
    runs = Runs(clock, workflow(GATHER, SHOW))
    await runs.send(0, **about(0))
    runs.stores.catalog = MemoryCatalog()
    runs.stores.catalog.publish("acme", workflow(GATHER, SHOW, version=4))
    runs.decider = runs.stores.decider()
    await runs.release(a.NOON + HOUR)
    clock.move_to((a.NOON + 3 * HOUR) / 1000)
    await runs.send(1, **about(1), version=4)
    await runs.release(a.NOON + 5 * HOUR)
    assert [items_of(one.digest) for one in runs.sent.values()] == [[1]]


async def test_a_fallback_that_waits_for_quiet_hours_has_all_of_it(clock: time_machine.Traveller) -> None:
    channels = (Channel.WEBHOOK, Channel.EMAIL)
    runs = Runs(clock, workflow(GATHER, ChannelStep(key="first", channels=channels, deliver=ChannelChoice.FIRST)))
    clock.move_to((a.NIGHT - HOUR) / 1000)
    for number in range(2):
        await runs.send(number, **about(number), user="eve")
    await runs.release(a.NIGHT)
    (hook,) = runs.deliveries
    failed = Record(kind=Kind.FAILED, tenant="acme", user="eve", subject="failed-1", delivery=hook, format=2)
    await runs.send_records(failed)
    await runs.release(a.MORNING)
    assert [(one.channel, items_of(one.digest)) for one in runs.deliveries] == [
        (Channel.WEBHOOK, [0, 1]),
        (Channel.EMAIL, [0, 1]),
    ]
