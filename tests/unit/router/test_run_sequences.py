"""Sequences that lost, doubled or hurried something: what comes twice in a chunk, what is brought forward, who moves."""

from __future__ import annotations

import pytest
import time_machine

from shared.model.channels import Channel
from shared.model.holds import Hastening
from shared.model.local_times import LocalTime
from shared.model.notifications import Contact
from shared.model.records import decode_record
from shared.model.steps import ChannelStep, DelayStep, DigestStep, Step, WaitForReadStep
from tests.support import samples as a
from tests.unit.router.runs import Runs
from tests.unit.router.scenes import TOPICS
from tests.unit.router.test_digest_members import cancel
from tests.unit.router.test_runs import HOUR, MAIL, SHOW, about, items_of, workflow

pytestmark = pytest.mark.usefixtures("clock")
GATHER = DigestStep(key="gather", seconds=3600)


async def test_what_comes_twice_in_one_chunk_joins_its_digest_once(clock: time_machine.Traveller) -> None:
    runs = Runs(clock, workflow(GATHER, SHOW))
    await runs.send(0, 0, 1, 1, 2, **about(7))
    while await runs.release(a.NOON + HOUR):
        pass
    (delivery,) = runs.sent.values()
    assert items_of(delivery.digest) == [7, 7, 7]


async def test_nor_does_it_hold_one_whose_first_went_at_once(clock: time_machine.Traveller) -> None:
    runs = Runs(clock, workflow(DigestStep(key="gather", seconds=3600, first_at_once=True), SHOW))
    await runs.send(0, 0, 1)
    while await runs.release(a.NOON + HOUR):
        pass
    assert sorted(one.notification.id for one in runs.sent.values()) == ["n-0", "n-1"]


@pytest.mark.parametrize("wait", [DelayStep(key="wait", seconds=3600), WaitForReadStep(key="wait", seconds=3600)])
@pytest.mark.parametrize("how", ["replaced", "cancelled"])
async def test_a_digest_goes_on_in_its_time_though_one_of_its_items_is_taken_out(
    clock: time_machine.Traveller, wait: Step, how: str
) -> None:
    runs = Runs(clock, workflow(GATHER, wait, SHOW))
    await runs.send(0, **about(0), collapse_key="k", cancellation_key="c")
    await runs.send(1, **about(1))
    await runs.release(a.NOON + HOUR)
    if how == "replaced":
        await runs.send(2, **about(2), collapse_key="k")
    else:
        await cancel(runs, "c")
        await runs.stores.holds.hasten("acme", "c", cancel_count=1)
    await runs.release(a.NOON + HOUR + 1)
    assert not runs.sent
    await runs.release(a.NOON + 2 * HOUR)
    assert [items_of(one.digest) for one in runs.sent.values()][:1] == [[1]]


async def test_a_digest_whose_holder_is_cancelled_is_held_again_once(clock: time_machine.Traveller) -> None:
    runs = Runs(clock, workflow(GATHER, SHOW))
    await runs.send(0, **about(0), cancellation_key="c")
    await runs.send(1, **about(1))
    await cancel(runs, "c")
    await runs.stores.holds.hasten("acme", "c", cancel_count=1)
    assert [await runs.release(a.NOON + 1) for _ in range(3)] == [1, 0, 0]
    await runs.release(a.NOON + HOUR)
    assert [items_of(one.digest) for one in runs.sent.values()] == [[1]]


async def test_who_moves_west_while_a_channel_waits_gets_the_others_no_second_time(
    clock: time_machine.Traveller,
) -> None:
    both = ChannelStep(key="both", channels=(Channel.WEBHOOK, Channel.EMAIL))
    runs = Runs(clock, workflow(both))
    clock.move_to(a.NIGHT / 1000)
    await runs.send(1, user="eve", deliver_local=LocalTime(date="2026-01-05", time="23:00"))
    runs.stores.profiles.put(a.profile(user="eve", version=9, zone="America/New_York"))
    runs.decider = runs.stores.decider()
    await runs.stores.holds.hasten_users({"acme:eve": Hastening()})
    assert await runs.release(a.NIGHT + HOUR) == 1
    assert [one.channel for one in runs.deliveries] == [Channel.WEBHOOK]
    while await runs.release(a.NIGHT + 9 * HOUR):
        pass
    assert [one.channel for one in runs.deliveries] == [Channel.WEBHOOK, Channel.EMAIL]


async def test_who_moves_west_while_the_run_waits_gets_nothing_a_second_time(clock: time_machine.Traveller) -> None:
    runs = Runs(clock, workflow(SHOW, DelayStep(key="wait", seconds=3600), MAIL))
    clock.move_to(a.NIGHT / 1000)
    await runs.send(1, deliver_local=LocalTime(date="2026-01-05", time="23:00"))
    runs.stores.profiles.put(a.profile(version=9, zone="America/New_York"))
    runs.decider = runs.stores.decider()
    await runs.release(a.NIGHT + HOUR)
    while await runs.release(a.NIGHT + 9 * HOUR):
        pass
    assert [one.channel for one in runs.deliveries] == [Channel.IN_APP, Channel.EMAIL]


async def test_an_inline_person_who_becomes_a_user_gets_what_was_sent_no_second_time(
    clock: time_machine.Traveller,
) -> None:
    hook = ChannelStep(key="hook", channels=(Channel.WEBHOOK,))
    runs = Runs(clock, workflow(MAIL, DelayStep(key="wait", seconds=3600), hook))
    contact = Contact(addresses={"email": "new@example.com", "webhook": "https://hooks.example.com/new"})
    await runs.send(1, user="inline", contact=contact)
    runs.stores.profiles.put(a.profile(user="zoe", addresses=dict(contact.addresses)))
    while await runs.release(a.NOON + HOUR):
        pass
    runs.decider = runs.stores.decider()
    again = [decode_record(one.value) for one in runs.stores.publisher.on(TOPICS.notifications)]
    await runs.send_records(*again)
    while await runs.release(a.NOON + 2 * HOUR):
        pass
    assert [one.channel for one in runs.deliveries] == [Channel.EMAIL, Channel.WEBHOOK]


async def test_nor_is_a_digest_lost_whose_holder_becomes_a_user(clock: time_machine.Traveller) -> None:
    runs = Runs(clock, workflow(GATHER, MAIL))
    contact = Contact(addresses={"email": "new@example.com"})
    for number in range(3):
        await runs.send(number, **about(number), user="inline", contact=contact)
    runs.stores.profiles.put(a.profile(user="zoe", addresses=dict(contact.addresses)))
    await runs.release(a.NOON + HOUR)
    runs.decider = runs.stores.decider()
    again = [decode_record(one.value) for one in runs.stores.publisher.on(TOPICS.notifications)]
    if again:
        await runs.send_records(*again)
    while await runs.release(a.NOON + 3 * HOUR):
        pass
    assert [items_of(one.digest) for one in runs.sent.values()] == [[0, 1, 2]]


async def test_a_digest_does_not_take_the_place_of_what_is_newer_than_one_of_its_items(
    clock: time_machine.Traveller,
) -> None:
    runs = Runs(clock, workflow(GATHER, DelayStep(key="wait", seconds=3600), SHOW))
    await runs.send(0, **about(0), collapse_key="k")
    await runs.send(1, **about(1))
    await runs.release(a.NOON + HOUR)
    await runs.send(2, **about(2), collapse_key="k")
    await runs.release(a.NOON + 2 * HOUR)
    assert [(items_of(one.digest), one.replaces) for one in runs.sent.values()] == [([1], None)]
