"""Holds: inserted once, claimed by one when due, deleted by whoever holds the lease, hastened by a cancel."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from shared.model.channels import Channel
from shared.model.holds import Cause, Hastening, Hold
from shared.model.notifications import Priority
from shared.model.records import Kind, Record, decode_record
from shared.mongo.holds import Holds
from shared.process.clock import now_ms
from tests.support import samples as a
from tests.support.twins.holds import MemoryHolds

MINUTE = timedelta(minutes=1)
ENDED = timedelta(seconds=-1)
HOUR_MS = 3_600_000


@pytest.fixture
def holds(implementation: str, request: pytest.FixtureRequest) -> Any:
    return MemoryHolds() if implementation == "twin" else Holds(request.getfixturevalue("database"))


def hold(subject: str, late_ms: int = 1000, **about: Any) -> Hold:
    """A hold that was due `late_ms` ago."""
    notification = a.notification(**about)
    due = now_ms() - late_ms
    record = Record(
        kind=Kind.RELEASE, tenant="acme", user="ada", subject=subject, due=due, notification=notification,
        generation=1, pass_=2,
    )  # fmt: skip
    return Hold(cause=Cause.QUIET_HOURS, due=due, record=record)


async def claim(holds: Any, most: int = 100, lease: timedelta = MINUTE) -> tuple[str, list[str]]:
    token, won = await holds.claim(most=most, lease=lease)
    return token, [decode_record(one.record).subject for one in won]


async def test_what_comes_back_is_what_was_held(holds: Any) -> None:
    held = hold("s", late_ms=2000)
    await holds.insert([held])
    _, (won,) = await holds.claim(most=1, lease=MINUTE)
    assert decode_record(won.record) == held.record
    assert (won.id, won.tenant, won.user) == (held.id, "acme", "ada")
    assert 2 <= won.late_seconds < 60


async def test_the_same_hold_twice_is_one_and_the_first_stays(holds: Any) -> None:
    first = hold("s")
    await holds.insert([first])
    await holds.insert([msgspec.structs.replace(first, due=now_ms() + HOUR_MS), hold("other")])
    assert await holds.count() == 2
    assert sorted((await claim(holds))[1]) == ["other", "s"]


async def test_the_due_come_oldest_first_and_the_others_wait(holds: Any) -> None:
    await holds.insert([hold("late", 1000), hold("ahead", -HOUR_MS), hold("latest", 5000), hold("later", 3000)])
    assert (await claim(holds))[1] == ["latest", "later", "late"]


async def test_no_more_are_claimed_than_asked_for(holds: Any) -> None:
    await holds.insert([hold(f"s{number}", 60_000 * number) for number in range(5)])
    assert (await claim(holds, most=2))[1] == ["s4", "s3"]
    assert (await claim(holds, most=2))[1] == ["s2", "s1"]


async def test_what_is_marked_while_it_is_claimed_comes_back_so(holds: Any) -> None:
    """Also when others beside it are not."""
    marked, other = hold("marked", -HOUR_MS), hold("other")
    await holds.insert([marked, other])
    await holds.hasten_users({"acme:ada": Hastening()})
    _, won = await holds.claim(most=9, lease=MINUTE)
    dues = {decode_record(one.record).subject: decode_record(one.record).due for one in won}
    assert dues["marked"] is None
    assert set(dues) == {"marked", "other"}


async def test_a_claimed_one_is_nobody_elses_until_its_lease_ends(holds: Any) -> None:
    await holds.insert([hold("s")])
    assert (await claim(holds, lease=ENDED))[1] == ["s"]
    assert (await claim(holds))[1] == ["s"]
    assert (await claim(holds))[1] == []


async def test_releasing_deletes_what_is_claimed_and_nothing_else(holds: Any) -> None:
    await holds.insert([hold("s")])
    token, _ = await claim(holds, lease=ENDED)
    await holds.insert([hold("ahead", -HOUR_MS)])
    later, won = await claim(holds, lease=ENDED)
    assert won == ["s"]
    await holds.release(token)
    assert (await claim(holds, lease=ENDED))[1] == ["s"], "the lease was lost: the hold stays"
    await holds.release(later)
    final, _ = await claim(holds)
    await holds.release(final)
    assert (await claim(holds))[1] == []
    assert await holds.seconds_to_next(7200) > 3500, "the one that waits is still there"


async def test_how_long_until_the_next(holds: Any) -> None:
    assert await holds.seconds_to_next(5) == 5
    await holds.insert([hold("ahead", -HOUR_MS)])
    assert await holds.seconds_to_next(5) == 5
    assert 3500 < await holds.seconds_to_next(7200) <= 3600
    await holds.insert([hold("due")])
    assert await holds.seconds_to_next(5) == 0


async def test_a_cancel_hastens_what_was_accepted_before_it(holds: Any) -> None:
    ahead = -HOUR_MS
    await holds.insert(
        [
            hold("before", ahead, cancellation_key="k", cancel_count=1),
            hold("after", ahead, cancellation_key="k", cancel_count=2),
            hold("other key", ahead, cancellation_key="k2", cancel_count=1),
            hold("no key", ahead),
        ]
    )
    assert await holds.hasten("another", "k", cancel_count=2) == 0
    assert await holds.hasten("acme", "k", cancel_count=2) == 1
    _, (won,) = await holds.claim(most=100, lease=MINUTE)
    assert decode_record(won.record).subject == "before"
    assert won.late_seconds < 60, "it was never due: no fifty years late in the metric"


def parked(subject: str, account: str = "email/smtp", late_ms: int = -HOUR_MS, **about: Any) -> Hold:
    return msgspec.structs.replace(hold(subject, late_ms, **about), account=account)


async def test_the_parked_are_found_by_their_account_the_urgent_and_the_old_first(holds: Any) -> None:
    await holds.insert(
        [
            parked("young", accepted_at=9),
            parked("old", accepted_at=1),
            parked("low", priority=Priority.LOW, accepted_at=0),
            parked("urgent", priority=Priority.URGENT, accepted_at=9),
            parked("high", priority=Priority.HIGH, accepted_at=9),
            parked("another's", account="sms"),
            parked("due", late_ms=1000),
            hold("not parked", -HOUR_MS),
        ]
    )
    found = await holds.parked(["email/smtp"], most=10)
    assert [each.delivery for each in found] == ["urgent", "high", "old", "young", "low"]
    assert [each.delivery for each in await holds.parked(["email/smtp"], most=2)] == ["urgent", "high"]


async def test_the_parked_of_several_accounts_are_found_together(holds: Any) -> None:
    both = "sms/twilio+vonage"
    await holds.insert([parked("young", "sms/twilio", accepted_at=9), parked("old", both, accepted_at=1)])
    await holds.insert([parked("of another", "sms/vonage"), parked("of a channel like it", "sms-bulk/twilio")])
    found = await holds.parked(["sms/twilio", both], most=9)
    assert [each.delivery for each in found] == ["old", "young"]
    assert await holds.parked_under(Channel.WEBHOOK) == set()


async def test_what_the_operators_accounts_have_parked_is_known_by_channel(holds: Any) -> None:
    """Once a channel was its only account; endpoints of recipients have ids of their own."""
    await holds.insert([parked("now", "email/smtp"), parked("then", "email"), parked("both", "email/a+b")])
    await holds.insert([parked("another's", "email-bulk/smtp"), parked("an endpoint's", "5f0c"), hold("free", 0)])
    assert await holds.parked_under(Channel.EMAIL) == {"email", "email/smtp", "email/a+b"}


async def test_the_parked_of_some_tenants_are_found(holds: Any) -> None:
    other = parked("theirs", accepted_at=1)
    await holds.insert([parked("ours", accepted_at=9), parked("elsewhere", "email/a+b")])
    await holds.insert([msgspec.structs.replace(other, record=msgspec.structs.replace(other.record, tenant="theirs"))])
    assert await holds.parked_tenants("email/smtp") == {"acme", "theirs"}
    assert [each.delivery for each in await holds.parked(["email/smtp"], most=9, of={"acme"})] == ["ours"]
    assert [each.delivery for each in await holds.parked(["email/smtp"], most=9)] == ["theirs", "ours"]


async def test_what_a_newer_version_has_parked_is_counted_and_left_to_it(holds: Any) -> None:
    newer = parked("newer")
    await holds.insert(
        [parked("a"), msgspec.structs.replace(newer, record=msgspec.structs.replace(newer.record, format=a.NEWER))]
    )
    assert [each.delivery for each in await holds.parked(["email/smtp"], most=9)] == ["a"]
    assert await holds.count_parked({"email/smtp"}, most=9) == 2


async def test_the_parked_are_counted_by_their_accounts(holds: Any) -> None:
    await holds.insert([parked("a"), parked("b"), parked("c", account="sms"), parked("due", late_ms=1000)])
    assert await holds.count_parked({"email/smtp"}, most=9) == 2
    assert await holds.count_parked({"email/smtp", "sms", "another"}, most=9) == 3
    assert await holds.count_parked({"email/smtp", "sms"}, most=2) == 2, "and no further"
    assert await holds.count_parked(set(), most=9) == 0


async def test_what_is_made_due_is_claimed_and_found_no_more(holds: Any) -> None:
    await holds.insert([parked("a"), parked("b"), hold("latest", 5000)])
    (first, _) = await holds.parked(["email/smtp"], most=2)
    await holds.make_due([first.id, "gone"])
    await holds.make_due([])
    assert [each.delivery for each in await holds.parked(["email/smtp"], most=2)] == ["b"]
    assert (await claim(holds))[1] == ["latest", "a"]


async def test_what_is_made_due_goes_back_in_this_order(holds: Any) -> None:
    await holds.insert([parked(name) for name in "bdacfe"])
    by_name = {each.delivery: each.id for each in await holds.parked(["email/smtp"], most=9)}
    await holds.make_due([by_name[name] for name in "fedcba"])
    _, won = await holds.claim(most=9, lease=MINUTE)
    assert [decode_record(one.record).subject for one in won] == list("fedcba")


async def test_nothing_is_nothing(holds: Any) -> None:
    await holds.insert([])
    assert (await claim(holds))[1] == []
    await holds.release("nobody")


async def test_what_a_newer_version_held_is_left_to_a_newer_scheduler(holds: Any) -> None:
    """And nobody looks for it again and again, as for something that is due."""
    late = hold("newer")
    late = msgspec.structs.replace(late, record=msgspec.structs.replace(late.record, format=a.NEWER))
    await holds.insert([late, hold("s")])
    token, won = await claim(holds)
    assert won == ["s"]
    await holds.release(token)
    assert (await claim(holds))[1] == []
    assert await holds.seconds_to_next(7) == 7
    assert (await holds.newer(10), await holds.newer(0 + 1)) == (1, 1)
