"""What waits for producers' senders: who gets it, and whose report counts."""

from __future__ import annotations

import pytest

from shared.model.notifications import Priority
from shared.model.pull import ReportAnswer, ReportKind, RowPlace
from shared.process.clock import now_ms
from tests.contract.pull_scene import DONE, FAILED, RETRYING, SENT, TENANT, Senders, ids
from tests.support.pulled import pulled


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
    assert await senders.taking.take(TENANT, theirs, token="t", lease_seconds=60) == []
    assert ids(await senders.taking.take("globex", theirs, token="t", lease_seconds=60)) == ["theirs"]


async def test_of_two_that_look_at_once_one_gets_each(senders: Senders) -> None:
    await senders.queue.insert([pulled(f"d{number}") for number in range(4)])
    seen = await senders.taking.waiting(TENANT, workflow=None, most=4)
    first = await senders.taking.take(TENANT, seen[:3], token="t1", lease_seconds=60)
    second = await senders.taking.take(TENANT, seen, token="t2", lease_seconds=60)
    assert (ids(first), ids(second)) == (ids(seen)[:3], ids(seen)[3:])


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


async def test_what_a_token_holds_can_be_asked_again(senders: Senders) -> None:
    await senders.queue.insert([pulled("reported"), pulled("held"), pulled("waits", about={"accepted_at": 2**41})])
    seen = await senders.taking.waiting(TENANT, workflow=None, most=2)
    taken = await senders.taking.take(TENANT, seen, token="t", lease_seconds=60)
    assert sorted(ids(await senders.taking.held(TENANT, "t"))) == ["held", "reported"]
    (reported,) = [each for each in taken if each.delivery.id == "reported"]
    await senders.report(reported)
    assert await senders.taking.held(TENANT, "t") == [each for each in taken if each is not reported]
    assert await senders.taking.held("globex", "t") == await senders.taking.held(TENANT, "other") == []
