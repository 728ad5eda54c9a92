"""Slots by tenant and host: the silent hold few, the quick are not held up, nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from services.delivery.core.shares import SLOW_SECONDS, Group, Shares, Slot, wait_for_share_ms
from services.delivery.slots import Slots
from tests.support.wait import turns

SLOTS = 96
SILENT = Group("acme", "silent.example")


def grown(shares: Shares, group: Group, answers: int) -> None:
    for _ in range(answers):
        shares.note(group, 0.01)


def fill(shares: Shares, group: Group) -> list[Slot]:
    """As many of the group as may start."""
    started: list[Slot] = []
    while shares.may_start(group):
        started.append(shares.start(group))
    return started


def count(shares: Shares, group: Group) -> int:
    return len(fill(shares, group))


def test_a_host_that_never_answered_holds_an_eighth() -> None:
    assert count(Shares(SLOTS), SILENT) == 12


def test_quick_answers_widen_its_share_and_a_slow_one_takes_it_back() -> None:
    shares = Shares(SLOTS)
    grown(shares, SILENT, 200)
    started = fill(shares, SILENT)
    assert len(started) == 72, "the others keep a quarter"
    shares.note(SILENT, 15.0)
    assert not shares.may_start(SILENT)
    for slot in started[:60]:
        shares.end(slot)
    assert not shares.may_start(SILENT)
    shares.end(started[60])
    assert shares.may_start(SILENT)


def test_a_tenant_leaves_an_eighth_to_the_others() -> None:
    shares = Shares(SLOTS)
    assert count(shares, Group("acme", None)) == 84
    assert count(shares, Group("other", None)) == 12


def test_a_few_slots_are_enough() -> None:
    for slots in (1, 2, 3, 4):
        shares = Shares(slots)
        assert count(shares, SILENT) >= 1
        assert count(shares, Group("other", None)) + 1 <= slots or slots == 1


def test_a_host_is_slow_while_a_send_to_it_takes_long() -> None:
    shares = Shares(SLOTS)
    slot = shares.start(SILENT)
    assert not shares.is_slow(SILENT, 1000.0), "we wait for something of our own"
    slot.asked.since = 10.0
    assert not shares.is_slow(SILENT, 10.0 + SLOW_SECONDS)
    assert shares.is_slow(SILENT, 10.1 + SLOW_SECONDS)
    shares.note(SILENT, 0.1)
    shares.end(slot)
    assert not shares.is_slow(SILENT, 1000.0)


def test_who_gives_way_waits_longer_each_time_and_not_together() -> None:
    waits = [wait_for_share_ms(f"d-{number}", 0) for number in range(200)]
    assert 7_000 < min(waits) < 9_000
    assert 20_000 < max(waits) < 23_000
    assert wait_for_share_ms("d", 4) > 100_000
    assert wait_for_share_ms("d", 99) <= 900_000


def silent_hosts(tenant: str, many: int = 40) -> list[Group]:
    return [Group(tenant, f"silent-{number}.{tenant}.example") for number in range(many)]


def test_a_tenants_silent_hosts_however_many_leave_half_to_the_others() -> None:
    shares = Shares(SLOTS)
    assert sum(count(shares, group) for group in silent_hosts("acme")) == 48
    assert count(shares, Group("acme", None)) == 36, "what is sent to others of its own, up to its seven eighths"


def test_silent_hosts_of_all_tenants_leave_a_quarter_to_the_quick() -> None:
    shares = Shares(SLOTS)
    quick = Group("zeta", "quick.example")
    shares.note(quick, 0.01)
    assert sum(count(shares, group) for tenant in ("acme", "beta", "gamma") for group in silent_hosts(tenant)) == 72
    assert not shares.may_start(Group("zeta", "unknown.example"))
    assert count(shares, quick) == 13


def test_a_tenant_is_held_up_while_its_hosts_are_mostly_slow_or_were_of_late() -> None:
    shares = Shares(8)
    slots = [shares.start(group) for group in silent_hosts("acme", 4)]
    assert not shares.is_held_up("acme", 1000.0), "we wait for something of our own"
    for slot in slots:
        slot.asked.since = 10.0
    assert not shares.is_held_up("acme", 10.0 + SLOW_SECONDS)
    assert shares.is_held_up("acme", 10.1 + SLOW_SECONDS)
    assert not shares.is_held_up("other", 1000.0)
    for slot in slots:
        shares.end(slot)
    assert not shares.is_held_up("acme", 1000.0)
    for _ in range(20):
        shares.note(SILENT, 15.0)
    assert shares.is_held_up("acme", 1000.0)
    grown(shares, Group("acme", "quick.example"), 20)
    assert not shares.is_held_up("acme", 1000.0)


async def test_of_a_tenant_with_many_silent_hosts_most_give_way_but_not_those_for_the_quick_ones() -> None:
    slots, quick = Slots(8, waiting=3), Group("acme", "quick.example")
    slots.note(quick, 0.01)
    for _ in range(20):
        slots.note(SILENT, 15.0)
    slots.note(quick, 0.01)
    takers = {group: asyncio.create_task(slots.take(group)) for group in silent_hosts("acme")}
    await turns()
    gone = [group for group, task in takers.items() if task.done() and task.result() is None]
    assert gone == silent_hosts("acme")[10:], "4 are sent, 6 wait"
    assert await asyncio.wait_for(slots.take(quick), 1) is not None
    assert await asyncio.wait_for(slots.take(Group("other", "silent.other.example")), 1) is not None
    for task in takers.values():
        task.cancel()
    await asyncio.wait(takers.values())


async def test_those_of_a_tenant_that_waited_before_its_hosts_were_known_to_be_slow_give_way_later() -> None:
    slots = Slots(8, waiting=3)
    takers = [asyncio.create_task(slots.take(group)) for group in silent_hosts("acme")]
    await turns()
    assert sum(task.done() for task in takers) == 4
    assert slots.make_room() == 0
    for _ in range(20):
        slots.note(SILENT, 15.0)
    assert slots.make_room() == 30
    await turns()
    assert [task.done() for task in takers] == [True] * 4 + [False] * 6 + [True] * 30, "the newest"
    for task in takers:
        task.cancel()
    await asyncio.wait(takers)


async def test_150_addresses_of_one_silent_host_do_not_hold_a_healthy_one() -> None:
    slots = Slots(SLOTS, waiting=400)
    silent = [asyncio.create_task(slots.take(SILENT)) for _ in range(150)]
    await turns()
    assert sum(task.done() for task in silent) == 12
    healthy = Group("acme", "healthy.example")
    for _ in range(3):
        slot = await asyncio.wait_for(slots.take(healthy), 1)
        assert slot is not None
        slots.note(healthy, 0.01)
        slots.give_back(slot)
    for task in silent:
        task.cancel()
    await asyncio.wait(silent)


async def test_what_is_over_the_share_of_a_slow_host_gives_way() -> None:
    slots = Slots(8, waiting=3)
    slots.note(SILENT, 15.0)
    takers = [asyncio.create_task(slots.take(SILENT)) for _ in range(10)]
    await turns()
    answers = [task.result() for task in takers if task.done()]
    assert len(answers) == 7
    assert answers.count(None) == 6, "one has the slot, three wait"
    for task in takers:
        task.cancel()
    await asyncio.wait(takers)


async def test_those_that_waited_before_it_was_known_to_be_slow_give_way_later() -> None:
    slots = Slots(8, waiting=3)
    takers = [asyncio.create_task(slots.take(SILENT)) for _ in range(10)]
    await turns()
    assert slots.make_room() == 0
    slots.note(SILENT, 15.0)
    assert slots.make_room() == 6
    await turns()
    assert [task.done() for task in takers] == [True] + [False] * 3 + [True] * 6, "the newest"
    for task in takers:
        task.cancel()
    await asyncio.wait(takers)


async def test_a_cancelled_one_gives_its_slot_to_the_next() -> None:
    slots = Slots(1, waiting=8)
    first = await slots.take(SILENT)
    assert first is not None
    second, third = (asyncio.create_task(slots.take(SILENT)) for _ in range(2))
    await turns()
    slots.give_back(first)
    second.cancel()  # it has been given the slot, and has not run since
    assert await asyncio.wait_for(third, 1) is not None
    assert second.cancelled()


GROUPS = st.builds(Group, st.sampled_from(["a", "b"]), st.sampled_from([None, "x", "y", "z"]))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.lists(st.tuples(GROUPS, st.sampled_from(["quick", "slow", "cancel"])), max_size=60))
def test_never_more_than_there_are_and_everybody_gets_one(
    slots_there_are: int, wanted: list[tuple[Group, str]]
) -> None:
    async def play() -> None:
        slots, held, most = Slots(slots_there_are, waiting=100), Counter[Group](), 0

        async def use(group: Group, then: str) -> None:
            nonlocal most
            slot = await slots.take(group)
            assert isinstance(slot, Slot)
            held[group] += 1
            most = max(most, held.total())
            try:
                await asyncio.sleep(0)
                slots.note(group, 0.1 if then == "quick" else 9.0)
            finally:
                held[group] -= 1
                slots.give_back(slot)

        tasks = [asyncio.create_task(use(*each)) for each in wanted]
        await asyncio.sleep(0)
        for task, (_, then) in zip(tasks, wanted, strict=True):
            if then == "cancel":
                task.cancel()
        if tasks:
            async with asyncio.timeout(5):
                await asyncio.gather(*tasks, return_exceptions=True)
        assert most <= slots_there_are
        assert held.total() == 0
        assert all(task.cancelled() or task.exception() is None for task in tasks)

    asyncio.run(play())
