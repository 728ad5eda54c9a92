"""A changed profile hastens what waits of its user, a bounded piece at a time."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.model import formats
from shared.model.holds import Cause, Hastening, Hold
from shared.model.records import Kind, Record, decode_record
from shared.mongo import hastening
from shared.mongo.holds import Holds
from shared.process.clock import now_ms
from tests.contract.test_holds import HOUR_MS, MINUTE, claim, hold
from tests.support import samples
from tests.support.twins.holds import MemoryHolds


@pytest.fixture
def holds(implementation: str, request: pytest.FixtureRequest) -> Any:
    return MemoryHolds() if implementation == "twin" else Holds(request.getfixturevalue("database"))


def quiet(number: int, user: str = "ada") -> Hold:
    """A hold for an hour from now."""
    made = hold(f"{user}-{number}", late_ms=-HOUR_MS)
    return msgspec.structs.replace(made, record=msgspec.structs.replace(made.record, user=user))


async def hasten_all(holds: Any, changes: dict[str, Hastening]) -> int:
    """Until nobody has more; returns the number of calls."""
    calls = 0
    while changes:
        changes = await holds.hasten_users(changes)
        calls += 1
        assert calls < 99, "it ends"
    return calls


async def test_one_call_looks_at_a_bounded_number_and_says_how_to_go_on(
    holds: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hastening, "MAX_LOOKED_AT", 4)
    monkeypatch.setattr(hastening, "MIN_SHARE", 1)
    await holds.insert([quiet(number) for number in range(9)])
    more = await holds.hasten_users({"acme:ada": Hastening(7)})
    assert more["acme:ada"].life == 7
    _, first = await claim(holds)
    assert len(first) == 4
    assert await hasten_all(holds, more) == 2
    _, rest = await claim(holds)
    assert sorted(first + rest) == [f"ada-{number}" for number in range(9)]


async def test_a_user_with_many_holds_keeps_no_other_waiting(holds: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hastening, "MAX_LOOKED_AT", 6)
    monkeypatch.setattr(hastening, "MIN_SHARE", 1)
    await holds.insert([quiet(number) for number in range(9)] + [quiet(0, "bob"), quiet(0, "eve")])
    more = await holds.hasten_users({f"acme:{user}": Hastening() for user in ("ada", "bob", "eve")})
    assert list(more) == ["acme:ada"]
    assert {"bob-0", "eve-0"} <= set((await claim(holds))[1])


async def test_what_is_held_again_meanwhile_makes_no_circle(holds: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call meets as many as it looks at, whatever comes back: it ends all the same."""
    monkeypatch.setattr(hastening, "MAX_LOOKED_AT", 4)
    await holds.insert([quiet(number) for number in range(20)])
    changes, calls = {"acme:ada": Hastening()}, 0
    while changes:
        changes = await holds.hasten_users(changes)
        calls += 1
        token, won = await holds.claim(most=99, lease=MINUTE)
        again = [decode_record(one.record) for one in won]
        await holds.release(token)
        await holds.insert([
            msgspec.structs.replace(quiet(0), record=msgspec.structs.replace(record, pass_=record.pass_ + 1))
            for record in again
        ])  # fmt: skip
        assert calls < 20
    assert calls > 1


async def test_what_is_due_already_keeps_its_place(holds: Any) -> None:
    """A user who changes his mind again and again does not push his own holds back."""
    await holds.insert([hold("older", 9000), msgspec.structs.replace(hold("newer", 5000), cause=Cause.SCHEDULED)])
    await holds.hasten_users({"acme:ada": Hastening()})
    assert (await claim(holds))[1] == ["older", "newer"]


async def test_a_changed_profile_hastens_quiet_hours_and_earlier_lives(holds: Any) -> None:
    ahead = -HOUR_MS
    scheduled = [
        msgspec.structs.replace(hold(name, ahead, life=life), cause=Cause.SCHEDULED)
        for name, life in (("first life", 0), ("second life", 1))
    ]
    await holds.insert([hold("quiet", ahead, life=1), *scheduled])
    await holds.hasten_users({"acme:bob": Hastening(1), "other:ada": Hastening(1)})
    assert (await claim(holds))[1] == []
    await holds.hasten_users({"acme:ada": Hastening()})
    token, (won,) = await holds.claim(most=9, lease=MINUTE)
    record = decode_record(won.record)
    assert (record.subject, record.due) == ("quiet", None), "decided as of then"
    await holds.release(token)
    await holds.hasten_users({"acme:ada": Hastening(1)})
    assert (await claim(holds))[1] == ["first life"]


async def test_a_changed_profile_hastens_what_a_newer_version_held(holds: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = hold("newer", late_ms=-HOUR_MS)
    waits = msgspec.structs.replace(waits, record=msgspec.structs.replace(waits.record, format=samples.NEWER))
    await holds.insert([waits])
    await holds.hasten_users({"acme:ada": Hastening()})
    assert await holds.newer(10) == 1
    monkeypatch.setattr(formats, "FORMAT", samples.NEWER)
    _, (won,) = await holds.claim(most=1, lease=MINUTE)
    assert decode_record(won.record) == msgspec.structs.replace(waits.record, due=None)


async def test_a_changed_profile_leaves_what_is_claimed_alone(holds: Any) -> None:
    """It is on its way with the time it had: changed under its holder, it would be deleted and sent as it was."""
    await holds.insert([hold("claimed")])
    await holds.claim(most=1, lease=MINUTE)
    await holds.hasten_users({"acme:ada": Hastening(1)})
    rows = holds.rows.values() if isinstance(holds, MemoryHolds) else [row async for row in holds._rows.find()]
    (row,) = rows
    assert row.hold.record.due is not None if isinstance(holds, MemoryHolds) else "hastened" not in row


async def test_what_a_digest_only_waits_for_is_not_brought_forward_for_one_of_its_items(holds: Any) -> None:
    about, due = samples.notification(cancellation_key="k"), now_ms() + HOUR_MS
    run = Record(
        kind=Kind.RELEASE, tenant="acme", user="ada", subject=about.id, notification=about, digest="d-1", due=due,
        pass_=1, format=2,
    )  # fmt: skip
    alone = msgspec.structs.replace(run, subject="alone", digest=None)
    await holds.insert([Hold(cause=Cause.DELAY, due=due, record=record) for record in (run, alone)])
    await holds.bring_forward([], [("other", about.id)])
    assert (await holds.claim(most=10, lease=MINUTE))[1] == [], "another tenant has named it"
    await holds.bring_forward([], [("acme", about.id)])
    await holds.hasten("acme", "k", cancel_count=1)
    _, won = await holds.claim(most=10, lease=MINUTE)
    assert [decode_record(one.record).subject for one in won] == ["alone"]
