from __future__ import annotations

from collections.abc import Sequence

from services.gateway.live.core.announcement import Announcement
from services.gateway.live.registry import Registry
from tests.unit.gateway.scenes import created

ANN, BOB = b"default:ann", b"default:bob"


class Recorder:
    """A Receiver: what it was told, and how many at once."""

    def __init__(self) -> None:
        self.told: list[Announcement] = []
        self.at_once: list[int] = []
        self.reloaded = 0
        self.replaced = 0

    def announce(self, announcements: Sequence[Announcement]) -> int:
        self.told += announcements
        self.at_once.append(len(announcements))
        return len(announcements)

    def reload(self) -> None:
        self.reloaded += 1

    def replace(self) -> None:
        self.replaced += 1


def test_nobody_is_there():
    registry = Registry()
    assert registry.deliver(ANN, [created(1)]) == 0
    assert ANN not in registry


def test_every_connection_of_the_user_gets_it_and_nobody_else():
    registry, events = Registry(), [created(1), created(2)]
    first, second, other = Recorder(), Recorder(), Recorder()
    registry.add(ANN, first)
    registry.add(ANN, second)
    registry.add(BOB, other)
    assert registry.deliver(ANN, events) == 4
    assert first.told == second.told == events
    assert (first.at_once, other.told) == ([2], [])
    assert registry.deliver(BOB, events[:1]) == 1


def test_who_has_left_gets_nothing():
    registry, one, other = Registry(), Recorder(), Recorder()
    registry.add(ANN, one)
    registry.add(ANN, one)
    registry.add(ANN, other)
    registry.deliver(ANN, [created(1)])
    assert len(one.told) == 1
    assert registry.remove(ANN, one)
    assert not registry.remove(ANN, one)
    registry.deliver(ANN, [created(2)])
    assert (len(one.told), len(other.told)) == (1, 2)
    assert ANN in registry
    assert registry.remove(ANN, other)
    assert not registry.remove(ANN, other)
    assert ANN not in registry


def test_one_that_leaves_while_it_is_written_to_takes_nobody_with_it():
    class Leaving(Recorder):
        def announce(self, announcements: Sequence[Announcement]) -> int:
            registry.remove(ANN, self)
            registry.remove(ANN, next_)
            return super().announce(announcements)

    registry, leaving, next_, last = Registry(), Leaving(), Recorder(), Recorder()
    for each in (leaving, next_, last):
        registry.add(ANN, each)
    registry.deliver(ANN, [created(1)])
    assert [len(each.told) for each in (leaving, last)] == [1, 1]


def test_of_more_than_a_user_may_have_the_oldest_goes():
    registry, several, bob = Registry(most_per_user=2), [Recorder() for _ in range(4)], Recorder()
    registry.add(BOB, bob)
    for each in several:
        registry.add(ANN, each)
        registry.add(ANN, each)
    assert [each.replaced for each in (*several, bob)] == [1, 1, 0, 0, 0]
    registry.deliver(ANN, [created(1)])
    assert [len(each.told) for each in several] == [0, 0, 1, 1]
    assert not registry.remove(ANN, several[0])
    assert registry.remove(ANN, several[3])
