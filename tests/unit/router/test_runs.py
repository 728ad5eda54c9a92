"""Runs over twins, from step to step: digests that lose and double nothing, counts that replay, what replaces what."""

from __future__ import annotations

import msgspec
import pytest
import time_machine

from shared.deciding.history import StepOutcome
from shared.model.channels import Channel
from shared.model.claims import Recorded
from shared.model.digests import Digest
from shared.model.records import Kind, Record
from shared.model.steps import ChannelChoice, ChannelStep, DelayStep, DigestStep, Step, ThrottleStep, WaitForReadStep
from shared.model.workflows import Workflow
from tests.support import samples as a
from tests.unit.router.runs import Runs
from tests.unit.router.scenes import at, carry, new

pytestmark = pytest.mark.usefixtures("clock")
SHOW = ChannelStep(key="show", channels=(Channel.IN_APP,))
MAIL = ChannelStep(key="mail", channels=(Channel.EMAIL,))
HOUR = 3_600_000


def workflow(*steps: Step, **more: object) -> Workflow:
    return a.workflow(steps=steps, **more)


def items_of(digest: Digest | None) -> list[int]:
    """The numbers of the events in a digest."""
    assert digest is not None
    assert digest.count == len(digest.items)
    return [msgspec.json.decode(item)["n"] for item in digest.items]


def about(number: int) -> dict[str, object]:
    return {"data": msgspec.Raw(b'{"n":%d}' % number)}


async def test_a_digest_has_every_item_once_whatever_the_chunks_and_is_one_message(
    clock: time_machine.Traveller,
) -> None:
    runs = Runs(clock, workflow(DigestStep(key="gather", seconds=3600, max_items=1000), SHOW))
    for number in range(50):
        await runs.send(number, **about(number))
    assert not runs.deliveries
    assert [runs.statuses(f"n-{number}") for number in (0, 1, 49)] == [["held"], ["digested"], ["digested"]]
    assert await runs.release(a.NOON + HOUR) == 1
    (delivery,) = runs.deliveries
    assert delivery.notification.id == "n-0"
    assert items_of(delivery.digest) == list(range(50))
    assert delivery.format == 2, "a worker of before would send it without its items"
    await runs.send(50, **about(50))
    assert len(runs.stores.holds.held) == 1, "the next one opens another"


@pytest.mark.parametrize("again", [1, 2, 7, 30])
async def test_a_crash_anywhere_changes_no_digest(clock: time_machine.Traveller, again: int) -> None:
    runs = Runs(clock, workflow(DigestStep(key="gather", seconds=3600, max_items=8), SHOW))
    for number in range(30):
        await runs.send(number, **about(number))
        if number % 3 == 0:
            await runs.crash_and_replay(min(again, len(runs.log)))
    await runs.release(a.NOON + HOUR)
    await runs.crash_and_replay(min(again, len(runs.log)))
    while await runs.release(a.NOON + 3 * HOUR):
        pass
    found = [number for delivery in runs.sent.values() for number in items_of(delivery.digest)]
    assert sorted(found) == list(range(30))
    assert len(runs.sent) == 4
    assert {len(items_of(delivery.digest)) for delivery in runs.sent.values()} == {8, 6}
    doubled = [delivery for delivery in runs.deliveries if delivery != runs.sent[delivery.id]]
    assert not doubled, "what is said again is the same"


async def test_in_one_chunk_the_same_comes_out(clock: time_machine.Traveller) -> None:
    runs = Runs(clock, workflow(DigestStep(key="gather", seconds=3600, max_items=8), SHOW))
    await runs.send(*range(30))
    await runs.release(a.NOON + 1)
    await runs.release(a.NOON + HOUR)
    assert sorted(one.digest.count for one in runs.sent.values() if one.digest) == [6, 8, 8, 8]


async def test_what_joins_in_the_chunk_that_closes_is_in_it(clock: time_machine.Traveller) -> None:
    runs = Runs(clock, workflow(DigestStep(key="gather", seconds=3600), SHOW))
    await runs.send(0, **about(0))
    clock.move_to((a.NOON + HOUR) / 1000)
    (hold,) = runs.stores.holds.rows.values()
    runs.stores.holds.rows.clear()
    chunk = [new(201, id="n-1", **about(1)), at(202, hold.hold.record), new(203, id="n-2", **about(2))]
    await carry(runs.decider, *chunk)
    (delivery,) = runs.sent.values()
    assert items_of(delivery.digest) == [0, 1]
    runs.decider = runs.stores.decider()
    await carry(runs.decider, *chunk)
    assert [items_of(one.digest) for one in runs.deliveries] == [[0, 1], [0, 1]]
    await runs.release(a.NOON + 3 * HOUR)
    assert [items_of(one.digest) for one in runs.sent.values()] == [[0, 1], [2]]


async def test_a_throttle_counts_across_chunks_and_replays_once(clock: time_machine.Traveller) -> None:
    runs = Runs(clock, workflow(ThrottleStep(key="limit", most=3, seconds=3600), SHOW))
    await runs.send(0, 1)
    await runs.crash_and_replay(2)
    await runs.send(2, 3)
    await runs.crash_and_replay(4)
    await runs.send(4)
    assert [delivery.notification.id for delivery in runs.sent.values()] == ["n-0", "n-1", "n-2"]
    assert runs.statuses("n-4") == ["suppressed"]
    clock.move_to((a.NOON + HOUR + 1) / 1000)
    await runs.send(5)
    assert [delivery.notification.id for delivery in runs.sent.values()][-1] == "n-5"


async def test_a_run_goes_on_where_it_stood_and_its_row_says_where(clock: time_machine.Traveller) -> None:
    runs = Runs(clock, workflow(SHOW, DelayStep(key="wait", seconds=7 * 86_400), MAIL))
    await runs.send(0)
    place, run = runs.stores.history.runs["n-0"]
    assert (place, run.state, run.step, run.due) == ((0, 0), "waiting", "wait", a.NOON + 7 * a.DAY)
    assert await runs.release(a.NOON + 7 * a.DAY - 1) == 0
    assert await runs.release(a.NOON + 7 * a.DAY) == 1
    assert [delivery.channel for delivery in runs.deliveries] == [Channel.IN_APP, Channel.EMAIL]
    place, run = runs.stores.history.runs["n-0"]
    assert (place, run.state, run.step) == ((0, 1), "ended", None)
    assert runs.statuses("n-0") == ["routed", "routed"]


async def test_read_meanwhile_nothing_escalates(clock: time_machine.Traveller) -> None:
    runs = Runs(clock, workflow(SHOW, WaitForReadStep(key="wait", seconds=60), MAIL))
    await runs.send(0, 1)
    runs.stores.history.outcomes["n-0"] = {"show": StepOutcome(sent=True, read=True)}
    assert await runs.release(a.NOON + 60_000) == 2
    assert [(one.notification.id, one.channel) for one in runs.deliveries[2:]] == [("n-1", Channel.EMAIL)]


async def test_a_newer_one_ends_what_is_held_and_an_older_one_comes_too_late(clock: time_machine.Traveller) -> None:
    runs = Runs(clock, workflow(DelayStep(key="wait", seconds=3600), SHOW))
    await runs.send(0, collapse_key="k", event_time=a.NOON - 500)
    await runs.send(1, collapse_key="k", event_time=a.NOON - 400)
    await runs.send(2, collapse_key="k", event_time=a.NOON - 450)
    await runs.send(3, collapse_key="other", event_time=a.NOON - 450)
    assert runs.statuses("n-2") == ["superseded"]
    assert await runs.release(a.NOON + 1) == 1, "the older one is brought forward"
    assert runs.statuses("n-0") == ["held", "superseded"]
    await runs.release(a.NOON + HOUR)
    assert {(one.notification.id, one.replaces) for one in runs.sent.values()} == {("n-1", "n-0"), ("n-3", None)}


async def test_a_channel_that_failed_gives_way_once(clock: time_machine.Traveller) -> None:
    first = ChannelStep(key="first", channels=(Channel.EMAIL, Channel.WEBHOOK), deliver=ChannelChoice.FIRST)
    runs = Runs(clock, workflow(first))
    await runs.send(0)
    (mail,) = runs.deliveries
    assert (mail.fallback, mail.format) == ((Channel.WEBHOOK,), 2)
    failed = Record(kind=Kind.FAILED, tenant="acme", user="ada", subject="failed-1", delivery=mail, format=2)
    await runs.send_records(failed, failed)
    await runs.crash_and_replay(3)
    assert [one.channel for one in runs.sent.values()] == [Channel.EMAIL, Channel.WEBHOOK]
    assert runs.deliveries[-1].address == a.ADDRESSES["webhook"]
    assert not any(isinstance(claim, Recorded) for claim in runs.stores.ledger.rows.values())


async def test_a_plain_workflow_keeps_no_history(clock: time_machine.Traveller) -> None:
    runs = Runs(clock)
    await runs.send(0)
    history = runs.stores.history
    assert not [
        kept for kept in (history.counters, history.slots, history.members, history.newest, history.runs) if kept
    ]
    (stored,) = runs.stores.decisions.rows.values()
    assert (stored.format, stored.context) == (1, {})
