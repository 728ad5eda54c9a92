"""What a stop holds is released or cancelled in bounded pieces; what something else stops stays."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.model import formats
from shared.model.channels import Channel
from shared.model.holds import Cause, Hold
from shared.model.records import decode_record
from shared.model.tenants import Stop, StopSweep, Swept
from shared.mongo import held_by_stops
from shared.mongo.holds import Holds
from shared.mongo.indexes import INDEXES
from tests.contract.test_holds import ENDED, HOUR_MS, MINUTE, claim, hold
from tests.support import samples as a
from tests.support.twins.holds import MemoryHolds

EVERYTHING = Stop()
OF_EMAIL = Stop(channel=Channel.EMAIL)


@pytest.fixture
def holds(implementation: str, request: pytest.FixtureRequest) -> Any:
    return MemoryHolds() if implementation == "twin" else Holds(request.getfixturevalue("database"))


def stopped(subject: str, *, channel: Channel | None = None, tenant: str = "acme", **about: Any) -> Hold:
    """A hold that waits for an hour unless it is swept."""
    made = hold(subject, late_ms=-HOUR_MS, tenant=tenant, **about)
    record = msgspec.structs.replace(made.record, tenant=tenant, channel=channel, format=Cause.STOPPED.since)
    return msgspec.structs.replace(made, cause=Cause.STOPPED, record=record)


async def test_what_nothing_stops_any_more_is_released_and_decided_as_of_then(holds: Any) -> None:
    await holds.insert([stopped("one"), hold("quiet", -HOUR_MS), stopped("other", tenant="other")])
    assert await holds.sweep_stopped("acme", StopSweep((EVERYTHING,))) == Swept()
    assert (await claim(holds))[1] == []
    assert await holds.sweep_stopped("acme", StopSweep()) == Swept(released=1)
    _, (won,) = await holds.claim(most=9, lease=MINUTE)
    record = decode_record(won.record)
    assert (record.subject, record.due, record.cancelled) == ("one", None, False)
    assert await holds.stopped_tenants() == ["acme", "other"]


async def test_what_another_stop_covers_stays(holds: Any) -> None:
    await holds.insert([
        stopped("whole"), stopped("mail", channel=Channel.EMAIL), stopped("hook", channel=Channel.WEBHOOK),
        stopped("else", workflow="chat.new_message"),
    ])  # fmt: skip
    in_place = (OF_EMAIL, Stop(workflow="chat.new_message"))
    assert await holds.sweep_stopped("acme", StopSweep(in_place)) == Swept(released=2)
    assert sorted((await claim(holds))[1]) == ["hook", "whole"]


async def test_what_is_swept_twice_counts_once(holds: Any) -> None:
    await holds.insert([stopped("one")])
    assert await holds.sweep_stopped("acme", StopSweep()) == Swept(released=1)
    assert await holds.sweep_stopped("acme", StopSweep()) == Swept()


async def test_a_cancel_marks_what_was_accepted_by_then_though_the_stop_stays(holds: Any) -> None:
    await holds.insert([
        stopped("before", accepted_at=a.NOON - 1), stopped("then", accepted_at=a.NOON),
        stopped("later", accepted_at=a.NOON + 1), stopped("else", workflow="chat.new_message", accepted_at=a.NOON),
    ])  # fmt: skip
    workflow = a.notification().workflow
    sweep = StopSweep((EVERYTHING,), (Stop(workflow=workflow, since=a.NOON),))
    assert await holds.sweep_stopped("acme", sweep) == Swept(cancelled=2)
    assert await holds.sweep_stopped("acme", sweep) == Swept(), "again, by the next partition"
    _, won = await holds.claim(most=9, lease=MINUTE)
    found = {record.subject: record for record in (decode_record(one.record) for one in won)}
    assert sorted(found) == ["before", "then"]
    assert all(record.cancelled and record.due is None for record in found.values())
    assert all(record.format >= 2 for record in found.values()), "who does not know of it does not decide it"


async def test_what_was_released_can_still_be_cancelled_but_not_the_other_way_round(holds: Any) -> None:
    await holds.insert([stopped("one", accepted_at=a.NOON)])
    await holds.sweep_stopped("acme", StopSweep())
    assert await holds.sweep_stopped("acme", StopSweep((), (Stop(since=a.NOON),))) == Swept(cancelled=1)
    assert await holds.sweep_stopped("acme", StopSweep()) == Swept()
    _, (won,) = await holds.claim(most=9, lease=MINUTE)
    assert decode_record(won.record).cancelled


async def test_a_cancelled_hold_is_not_claimed_by_who_does_not_know_of_it(
    holds: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stopped("one", accepted_at=a.NOON)
    await holds.insert([msgspec.structs.replace(made, record=msgspec.structs.replace(made.record, format=1))])
    await holds.sweep_stopped("acme", StopSweep((), (Stop(since=a.NOON),)))
    monkeypatch.setattr(formats, "FORMAT", 1)
    assert (await claim(holds))[1] == []


async def test_what_is_claimed_is_left_alone(holds: Any) -> None:
    await holds.insert([stopped("one")])
    await holds.sweep_stopped("acme", StopSweep())
    await holds.claim(most=1, lease=MINUTE)
    assert await holds.sweep_stopped("acme", StopSweep((), (Stop(since=a.NOON * 2),))) == Swept()


async def test_one_piece_is_bounded_and_says_where_the_next_begins(holds: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_by_stops, "MAX_SWEPT", 4)
    await holds.insert([stopped(f"s{number}") for number in range(9)])
    sweep, pieces = StopSweep(), []
    while True:
        swept = await holds.sweep_stopped("acme", sweep)
        pieces.append(swept.released)
        if swept.after is None:
            break
        sweep = sweep._replace(after=swept.after)
    assert pieces == [4, 4, 1]
    assert len((await claim(holds, lease=ENDED))[1]) == 9


async def test_they_are_counted_by_tenant(holds: Any) -> None:
    await holds.insert([stopped("one"), stopped("two"), stopped("three", tenant="other"), hold("quiet", -HOUR_MS)])
    assert await holds.count_stopped("acme", most=9) == 2
    assert await holds.count_stopped(None, most=9) == 3
    assert await holds.count_stopped(None, most=2) == 2


async def test_a_cancel_by_key_ends_what_is_stopped_as_of_now(holds: Any) -> None:
    """Not as of its time, when it expires."""
    await holds.insert([stopped("one", cancellation_key="k", cancel_count=0)])
    assert await holds.hasten("acme", "k", cancel_count=1) == 1
    _, (won,) = await holds.claim(most=1, lease=MINUTE)
    assert decode_record(won.record).due is None


@pytest.mark.real
@pytest.mark.parametrize(
    "sweep",
    [
        StopSweep(),
        StopSweep((EVERYTHING,)),
        StopSweep((OF_EMAIL,), (Stop(workflow="chat.new_message", since=a.NOON),)),
        StopSweep((EVERYTHING,), (Stop(since=a.NOON),)),
        StopSweep((Stop(workflow="chat.new_message"),), (Stop(channel=Channel.EMAIL, since=a.NOON - 1),)),
    ],
)
async def test_what_a_sweep_will_come_to_is_known_before(database: Any, sweep: StopSweep) -> None:
    holds = Holds(database)
    await holds.insert([
        stopped(f"{workflow} {channel} {at}", workflow=workflow, channel=channel, accepted_at=a.NOON + at)
        for workflow in ("orders.shipped", "chat.new_message")
        for channel in (None, Channel.EMAIL, Channel.WEBHOOK)
        for at in (-1, 0, 1)
    ])  # fmt: skip
    await holds.insert([stopped("other", tenant="other"), hold("quiet", -HOUR_MS)])
    counted = await held_by_stops.count_sweepable(database.holds, "acme", sweep)
    assert await holds.sweep_stopped("acme", sweep) == counted


@pytest.mark.real
async def test_a_sweep_reads_what_it_looks_at_and_no_other_hold(database: Any) -> None:
    await database.holds.create_indexes(INDEXES["holds"])
    holds = Holds(database)
    await holds.insert([stopped(f"s{number}") for number in range(5)])
    await holds.insert([hold(f"q{number}", -HOUR_MS) for number in range(50)])
    found = database.holds.find(held_by_stops.STOPPED | {"tenant": "acme", "_id": {"$gt": ""}}).sort("_id", 1).limit(9)
    told = await found.explain()
    assert "SORT" not in str(told["queryPlanner"]["winningPlan"])
    assert told["executionStats"]["totalDocsExamined"] == 5
