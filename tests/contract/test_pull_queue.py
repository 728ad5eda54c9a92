"""What waits for producers' senders: what a worker looks at, and what one that dies leaves."""

from __future__ import annotations

import pytest

from shared.model.formats import NewerFormat
from shared.model.pull import ReportAnswer, ReportKind, RowPlace
from tests.contract.pull_scene import DONE, FAILED, RETRYING, TENANT, Senders, ids
from tests.support import samples as a
from tests.support.pulled import pulled
from tests.support.twins.pull import MemoryPull


async def test_a_worker_looks_at_what_is_late_and_another_after_it_died(senders: Senders) -> None:
    await senders.queue.insert([pulled("later"), pulled("now", fresh_until=0)])
    dead, heir = senders.worker(0), senders.worker()
    assert ids(await dead.claim(most=9)) == ["now"]
    (found,) = await heir.claim(most=9)
    assert await senders.worker().claim(most=9) == [], "it has time to tell"
    assert await dead.record([(found, DONE)]) == set()
    assert await heir.record([(found, DONE)]) == {"now"}
    assert await heir.record([(found, DONE)]) == {"now"}, "as a call that was repeated"


async def test_what_is_recorded_is_told_by_whoever_finds_it(senders: Senders) -> None:
    taken = await senders.one()
    await senders.report(taken)
    dead = senders.worker(0)
    (found,) = await dead.claim(most=9)
    assert await dead.record([(found, DONE)]) == {"d"}
    (again,) = await senders.queue.claim(most=9)
    assert again.result == DONE
    assert again.received.record == found.received.record
    await senders.queue.done([again])
    assert await senders.queue.claim(most=9) == []
    assert await senders.queue.insert([pulled()]) == [RowPlace.HERE], "a replay"
    assert await senders.take() == []


async def test_what_goes_on_waiting_is_looked_at_when_it_ends(senders: Senders) -> None:
    await senders.queue.insert([pulled("taken", fresh_until=0), pulled("free", fresh_until=0)])
    found = await senders.queue.claim(most=9)
    (taken,) = [each for each in await senders.take() if each.delivery.id == "taken"]
    await senders.queue.keep(found)
    assert await senders.worker().claim(most=9) == []
    assert await senders.report(taken) is ReportAnswer.RECORDED, "keeping has not disturbed it"
    assert ids(await senders.worker().claim(most=9)) == ["taken"]


async def test_what_is_stale_is_sent_back_unless_it_was_taken(senders: Senders) -> None:
    await senders.queue.insert([pulled("free"), pulled("taken")])
    seen = await senders.taking.waiting(TENANT, workflow=None, most=9)
    taken = await senders.taking.take(
        TENANT, [each for each in seen if each.delivery.id == "taken"], token="t", lease_seconds=60
    )
    await senders.taking.send_back(TENANT, seen)
    assert await senders.take() == []
    (found,) = await senders.queue.claim(most=9)
    assert (found.delivery.id, found.report and found.report.kind) == ("free", ReportKind.STALE)
    assert await senders.report(taken[0]) is ReportAnswer.RECORDED


@pytest.mark.parametrize(
    ("at", "place"),
    [
        ((0, 1), RowPlace.HERE),
        ((0, 0), RowPlace.AHEAD),
        ((0, 2), RowPlace.BEHIND),
        ((1, 0), RowPlace.BEHIND),
    ],
)
async def test_a_record_meets_its_row(senders: Senders, at: tuple[int, int], place: RowPlace) -> None:
    await senders.queue.insert([pulled(pass_=1)])
    records = [pulled("other"), pulled(generation=at[0], pass_=at[1])]
    assert await senders.queue.insert(records) == [RowPlace.BEHIND, place]
    goes_on = place is RowPlace.BEHIND
    (found,) = [each for each in await senders.take() if each.delivery.id == "d"]
    assert (found.delivery.generation, found.delivery.pass_) == (at if goes_on else (0, 1))


async def test_what_has_ended_goes_on_only_in_a_new_generation(senders: Senders) -> None:
    taken = await senders.one()
    await senders.report(taken)
    found = await senders.queue.claim(most=9)
    await senders.queue.record([(found[0], DONE)])
    await senders.queue.done(found)
    assert await senders.queue.insert([pulled(pass_=1)]) == [RowPlace.AHEAD]
    assert await senders.queue.insert([pulled(generation=1)]) == [RowPlace.BEHIND]
    assert len(await senders.take()) == 1


async def test_a_late_done_leaves_the_next_pass_alone(senders: Senders) -> None:
    taken = await senders.one()
    await senders.report(taken, FAILED)
    found = await senders.queue.claim(most=9)
    await senders.queue.record([(found[0], RETRYING)])
    await senders.queue.insert([pulled(pass_=1)])
    await senders.queue.done(found)
    assert len(await senders.take()) == 1


async def test_of_an_erased_one_without_an_address_nobody_hears(senders: Senders) -> None:
    await senders.queue.insert([pulled(address="")])
    assert await senders.take() == []
    assert await senders.queue.count(most=9) == 0
    assert ids(await senders.queue.claim(most=9)) == ["d"]


async def test_those_that_wait_are_counted_so_far(senders: Senders) -> None:
    await senders.queue.insert([pulled(f"d{number}") for number in range(4)])
    await senders.take(1)
    assert (await senders.queue.count(most=9), await senders.queue.count(most=2)) == (3, 2)
    assert (await senders.queue.insert([]), await senders.queue.record([])) == ([], set())
    await senders.queue.keep([])
    await senders.queue.done([])
    await senders.taking.send_back(TENANT, [])
    assert await senders.taking.take(TENANT, [], token="t", lease_seconds=1) == []


async def test_a_row_of_a_newer_version_is_left_to_it(senders: Senders, request: pytest.FixtureRequest) -> None:
    await senders.queue.insert([pulled(fresh_until=0)])
    if isinstance(senders.taking, MemoryPull):
        senders.taking.rows["d"].format = a.NEWER
    else:
        rows = request.getfixturevalue("database").deliveries
        await rows.update_one({"_id": "d"}, {"$set": {"format": a.NEWER, "state": "queued"}})
    assert (await senders.take(), await senders.queue.claim(most=9)) == ([], [])
    with pytest.raises(NewerFormat) as newer:
        await senders.queue.insert([pulled("fine"), pulled(pass_=1)])
    assert newer.value.at is not None
    assert ids(await senders.take()) == ["fine"]
