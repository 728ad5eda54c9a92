from __future__ import annotations

from collections.abc import Sequence

import pytest

from services.gateway.live.backlog import Backlog
from services.gateway.live.core.announcement import Announcement
from services.gateway.live.registry import Registry
from services.gateway.live.writes import Writes
from tests.unit.gateway.scenes import created

ANN, BOB = b"default:ann", b"default:bob"


class Recorder:
    """A Receiver: what it was told, and how many at once. It adds a write of as many bytes as it was told events."""

    def __init__(self) -> None:
        self.told: list[Announcement] = []
        self.at_once: list[int] = []
        self.written: list[int] = []
        self.reloaded = 0
        self.replaced = 0

    def announce(self, announcements: Sequence[Announcement], writes: Writes) -> None:
        self.told += announcements
        self.at_once.append(len(announcements))
        writes.add(self, [b"x" * len(one.items) for one in announcements])

    def write(self, data: bytes) -> None:
        self.written.append(len(data))

    def reload(self) -> None:
        self.reloaded += 1

    def replace(self) -> None:
        self.replaced += 1


@pytest.fixture
def writes() -> Writes:
    return Writes(Backlog(1 << 30))


def test_nobody_is_there(writes):
    registry = Registry()
    registry.deliver(ANN, [created(1)], writes)
    assert ANN not in registry


def test_every_connection_of_the_user_gets_it_and_nobody_else(writes):
    registry, events = Registry(), [created(1), created(2)]
    first, second, other = Recorder(), Recorder(), Recorder()
    registry.add(ANN, first)
    registry.add(ANN, second)
    registry.add(BOB, other)
    registry.deliver(ANN, events, writes)
    assert first.told == second.told == events
    assert (first.at_once, other.told) == ([2], [])


def test_who_has_left_gets_nothing(writes):
    registry, one, other = Registry(), Recorder(), Recorder()
    registry.add(ANN, one)
    registry.add(ANN, one)
    registry.add(ANN, other)
    registry.deliver(ANN, [created(1)], writes)
    assert len(one.told) == 1
    assert registry.remove(ANN, one)
    assert not registry.remove(ANN, one)
    registry.deliver(ANN, [created(2)], writes)
    assert (len(one.told), len(other.told)) == (1, 2)
    assert ANN in registry
    assert registry.remove(ANN, other)
    assert not registry.remove(ANN, other)
    assert ANN not in registry


def test_of_more_than_a_user_may_have_the_oldest_goes(writes):
    registry, several, bob = Registry(most_per_user=2), [Recorder() for _ in range(4)], Recorder()
    registry.add(BOB, bob)
    for each in several:
        registry.add(ANN, each)
        registry.add(ANN, each)
    assert [each.replaced for each in (*several, bob)] == [1, 1, 0, 0, 0]
    registry.deliver(ANN, [created(1)], writes)
    assert [len(each.told) for each in several] == [0, 0, 1, 1]
    assert not registry.remove(ANN, several[0])
    assert registry.remove(ANN, several[3])
