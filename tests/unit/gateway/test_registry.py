from __future__ import annotations

from services.gateway.live.registry import Member, Outcome, Registry
from tests.unit.gateway.scenes import created, live

ANN, BOB = b"default:ann", b"default:bob"


def member(*, limit: int = 1_000, owed: list[int] | None = None) -> Member:
    debt = owed or [0]
    return Member(live(), backlog=lambda: debt[0], limit=limit)


def test_nobody_is_there():
    assert Registry().deliver(ANN, created(1)).outcome is Outcome.NOT_CONNECTED


def test_every_session_of_the_user_gets_it_and_nobody_else():
    registry = Registry()
    first, second, other = member(), member(), member()
    registry.add(ANN, first)
    registry.add(ANN, second)
    registry.add(BOB, other)
    assert registry.deliver(ANN, created(1)).outcome is Outcome.DELIVERED
    assert first.frames == second.frames != []
    assert other.frames == []
    assert registry.take_ready() == [first, second]
    assert registry.take_ready() == []


def test_one_write_carries_all_that_waits():
    registry, one = Registry(), member()
    registry.add(ANN, one)
    registry.deliver(ANN, created(1))
    registry.deliver(ANN, created(2))
    frames = list(one.frames)
    assert len(frames) == 2
    assert one.take() == b"".join(frames)
    assert one.take() == b""


def test_a_replayed_event_is_delivered_as_nothing():
    registry, one = Registry(), member()
    registry.add(ANN, one)
    registry.deliver(ANN, created(2))
    one.take()
    registry.deliver(ANN, created(2))
    registry.deliver(ANN, created(1))
    assert one.frames == []


def test_who_does_not_read_is_named_and_the_others_get_it():
    registry = Registry()
    owed = [0]
    slow, quick = member(limit=300, owed=owed), member(limit=300)
    registry.add(ANN, slow)
    registry.add(ANN, quick)
    registry.deliver(ANN, created(1))
    owed[0] = len(slow.take())
    quick.take()
    owed[0] += 200
    result = registry.deliver(ANN, created(2))
    assert (result.outcome, result.slow) == (Outcome.QUEUE_FULL, (slow,))
    assert len(quick.frames) == 1
    assert slow.frames == []


def test_the_bound_is_in_bytes_and_counts_what_waits_here():
    one = member(limit=100)
    assert one.offer(b"x" * 500)  # alone, any size may go
    assert not one.offer(b"x")
    one.take()
    assert one.offer(b"x" * 60)
    assert not one.offer(b"x" * 60)


def test_who_has_left_gets_nothing():
    registry, one = Registry(), member()
    registry.add(ANN, one)
    registry.add(ANN, one)
    assert list(registry) == [one]
    assert registry.remove(ANN, one)
    assert not registry.remove(ANN, one)
    assert ANN not in registry
    assert registry.deliver(ANN, created(1)).outcome is Outcome.NOT_CONNECTED
