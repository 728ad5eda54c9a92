"""What waits for producers' senders: who gets it, whose report counts, what a worker that dies leaves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.model.deliveries import DeliveryResult, DeliveryState
from shared.model.formats import NewerFormat
from shared.model.notifications import Priority
from shared.model.pull import PullReport, ReportAnswer, ReportKind, RowPlace, TakenDelivery
from shared.mongo.pull_queue import PullRows
from shared.mongo.pull_senders import PullTaking
from shared.process.clock import now_ms
from tests.support import samples as a
from tests.support.pulled import pulled
from tests.support.twins.pull import MemoryPull, MemoryPullRow

SENT = PullReport(kind=ReportKind.SENT, at=0, code="sm-1")
FAILED = PullReport(kind=ReportKind.FAILED, at=0, code="busy", retry_after_ms=2000)
RETRYING = DeliveryResult(state=DeliveryState.RETRYING, at=1, attempts=1, due=2**41)
DONE = DeliveryResult(state=DeliveryState.SENT, at=1, attempts=1, code="sm-1")
TENANT = "acme"


class Senders:
    """One process of ingest, and workers, on the same rows."""

    def __init__(self, taking: Any, worker: Callable[..., Any]) -> None:
        self.taking = taking
        self.worker = worker
        self.queue = worker()

    async def take(self, most: int = 100, *, lease_seconds: int = 60, **more: Any) -> list[TakenDelivery]:
        found = await self.taking.waiting(TENANT, **{"workflow": None} | more, most=most)
        return await self.taking.take(TENANT, found, lease_seconds=lease_seconds)

    async def one(self, id_: str = "d", **more: Any) -> TakenDelivery:
        await self.queue.insert([pulled(id_)])
        (taken,) = await self.take(**more)
        return taken

    async def report(self, taken: TakenDelivery, report: PullReport = SENT) -> ReportAnswer:
        return await self.taking.report(TENANT, taken.delivery.id, taken.token, report)


@pytest.fixture
def senders(implementation: str, request: pytest.FixtureRequest) -> Senders:
    if implementation == "twin":
        rows: dict[str, MemoryPullRow] = {}
        return Senders(MemoryPull(rows), lambda seconds=30: MemoryPull(rows, look_ms=seconds * 1000))
    database = request.getfixturevalue("database")
    return Senders(PullTaking(database), lambda seconds=30: PullRows(database, look=timedelta(seconds=seconds)))


def ids(found: list[Any]) -> list[str]:
    return [each.delivery.id for each in found]


async def test_the_urgent_go_first_then_the_old(senders: Senders) -> None:
    now = now_ms()
    for name, priority, age in [("low", "low", 9), ("young", "high", 1), ("old", "high", 5), ("now", "urgent", 0)]:
        about = {"priority": Priority(priority), "accepted_at": now - age * 1000}
        assert await senders.queue.insert([pulled(name, about=about)]) == [RowPlace.BEHIND]
    assert ids(await senders.take(3)) == ["now", "old", "young"]
    assert ids(await senders.take(3)) == ["low"]
    assert await senders.take() == []


async def test_a_tenant_gets_its_own_and_a_sender_its_workflow(senders: Senders) -> None:
    await senders.queue.insert(
        [
            pulled("theirs", about={"tenant": "globex"}),
            pulled("mail", about={"workflow": "mail"}),
            pulled("fax", about={"workflow": "fax"}),
        ]
    )
    assert ids(await senders.take(workflow="fax")) == ["fax"]
    assert ids(await senders.take()) == ["mail"]
    theirs = await senders.taking.waiting("globex", workflow=None, most=9)
    assert await senders.taking.take(TENANT, theirs, lease_seconds=60) == []
    assert ids(await senders.taking.take("globex", theirs, lease_seconds=60)) == ["theirs"]


async def test_of_two_that_look_at_once_one_gets_each(senders: Senders) -> None:
    await senders.queue.insert([pulled(f"d{number}") for number in range(4)])
    seen = await senders.taking.waiting(TENANT, workflow=None, most=4)
    first = await senders.taking.take(TENANT, seen[:3], lease_seconds=60)
    second = await senders.taking.take(TENANT, seen, lease_seconds=60)
    assert (ids(first), ids(second)) == (ids(seen)[:3], ids(seen)[3:])
    assert len({each.token for each in [*first, *second]}) == 2


async def test_what_has_expired_is_not_taken(senders: Senders) -> None:
    await senders.queue.insert([pulled(about={"expires_at": now_ms() - 1})])
    assert await senders.take() == []
    (found,) = await senders.queue.claim(most=9)
    assert found.delivery.id == "d"


async def test_a_report_counts_once_and_may_be_repeated(senders: Senders) -> None:
    taken = await senders.one()
    assert await senders.report(taken) is ReportAnswer.RECORDED
    assert await senders.report(taken) is ReportAnswer.REPEATED
    assert await senders.report(taken, FAILED) is ReportAnswer.OTHER
    (found,) = await senders.queue.claim(most=9)
    assert found.report is not None
    assert (found.report.kind, found.report.code) == (ReportKind.SENT, "sm-1")
    assert abs(found.report.at - now_ms()) < 60_000, "by the server's clock"
    assert await senders.queue.record([(found, DONE)]) == {"d"}
    await senders.queue.done([found])
    assert await senders.report(taken) is ReportAnswer.REPEATED, "also when all is told"
    assert await senders.queue.claim(most=9) == []


@pytest.mark.parametrize(
    ("tenant", "delivery", "token", "answer"),
    [
        (TENANT, "d", "somebody", ReportAnswer.LEASE_LOST),
        ("globex", "d", None, ReportAnswer.UNKNOWN),
        (TENANT, "other", None, ReportAnswer.UNKNOWN),
    ],
)
async def test_who_has_not_taken_it_reports_nothing(
    senders: Senders, tenant: str, delivery: str, token: str | None, answer: ReportAnswer
) -> None:
    taken = await senders.one()
    assert await senders.taking.report(tenant, delivery, token or taken.token, SENT) is answer
    assert await senders.taking.extend(tenant, delivery, token or taken.token, lease_seconds=60) is answer
    assert await senders.report(taken) is ReportAnswer.RECORDED


async def test_a_lease_that_is_over_counts_until_it_is_noticed(senders: Senders) -> None:
    late = await senders.one(lease_seconds=0)
    (noticed,) = await senders.queue.claim(most=9)
    assert noticed.lease_until is not None
    assert await senders.report(late) is ReportAnswer.RECORDED
    assert await senders.queue.record([(noticed, RETRYING)]) == set(), "the report was faster"
    (found,) = await senders.queue.claim(most=9)
    assert found.report is not None


async def test_after_a_lease_is_found_over_its_token_is_nobodys(senders: Senders) -> None:
    late = await senders.one(lease_seconds=0)
    (noticed,) = await senders.queue.claim(most=9)
    assert await senders.queue.record([(noticed, RETRYING)]) == {"d"}
    assert await senders.report(late) is ReportAnswer.LEASE_LOST
    await senders.queue.done([noticed])
    assert await senders.queue.insert([pulled(pass_=1, attempts=1)]) == [RowPlace.BEHIND]
    assert await senders.report(late) is ReportAnswer.LEASE_LOST
    (again,) = await senders.take()
    assert (again.delivery.pass_, again.delivery.attempts) == (1, 1)
    assert await senders.report(late) is ReportAnswer.LEASE_LOST
    assert await senders.report(again) is ReportAnswer.RECORDED


async def test_a_lease_can_be_made_longer(senders: Senders) -> None:
    taken = await senders.one(lease_seconds=0)
    until = await senders.taking.extend(TENANT, "d", taken.token, lease_seconds=60)
    assert isinstance(until, int)
    assert until > taken.lease_until
    assert await senders.queue.claim(most=9) == []
    await senders.report(taken)
    assert await senders.taking.extend(TENANT, "d", taken.token, lease_seconds=60) is ReportAnswer.OTHER


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
    taken = await senders.taking.take(TENANT, [each for each in seen if each.delivery.id == "taken"], lease_seconds=60)
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
    assert await senders.taking.take(TENANT, [], lease_seconds=1) == []


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
