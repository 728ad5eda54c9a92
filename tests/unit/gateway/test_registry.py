from __future__ import annotations

from services.gateway.live.core.announcement import Announcement
from services.gateway.live.registry import Registry
from tests.unit.gateway.scenes import created

ANN, BOB = b"default:ann", b"default:bob"


class Recorder:
    """A Receiver: what it was told, and how often it was flushed. A deaf one has nothing to write."""

    def __init__(self, *, deaf: bool = False) -> None:
        self.told: list[Announcement] = []
        self.flushed = 0
        self._deaf = deaf
        self.reloaded = 0
        self.replaced = 0

    def announce(self, announcement: Announcement) -> bool:
        self.told.append(announcement)
        return not self._deaf

    def reload(self) -> None:
        self.reloaded += 1

    def replace(self) -> None:
        self.replaced += 1

    def flush(self) -> int:
        self.flushed += 1
        return 1


def test_nobody_is_there():
    registry = Registry()
    registry.deliver(ANN, created(1))
    registry.flush()
    assert ANN not in registry


def test_every_connection_of_the_user_gets_it_and_nobody_else():
    registry, event = Registry(), created(1)
    first, second, other = Recorder(), Recorder(), Recorder()
    registry.add(ANN, first)
    registry.add(ANN, second)
    registry.add(BOB, other)
    registry.deliver(ANN, event)
    assert first.told == second.told == [event]
    assert other.told == []
    registry.flush()
    assert (first.flushed, second.flushed, other.flushed) == (1, 1, 0)


def test_a_connection_is_flushed_once_for_all_that_came_since_the_last_time():
    registry, one = Registry(), Recorder()
    registry.add(ANN, one)
    registry.deliver(ANN, created(1))
    registry.deliver(ANN, created(2))
    assert one.flushed == 0
    registry.flush()
    registry.flush()
    assert one.flushed == 1
    registry.deliver(ANN, created(3))
    registry.flush()
    assert one.flushed == 2


def test_one_with_nothing_to_write_is_not_flushed():
    registry, deaf = Registry(), Recorder(deaf=True)
    registry.add(ANN, deaf)
    registry.deliver(ANN, created(1))
    registry.flush()
    assert (len(deaf.told), deaf.flushed) == (1, 0)


def test_who_has_left_gets_nothing():
    registry, one, other = Registry(), Recorder(), Recorder()
    registry.add(ANN, one)
    registry.add(ANN, one)
    registry.add(ANN, other)
    registry.deliver(ANN, created(1))
    assert len(one.told) == 1
    assert registry.remove(ANN, one)
    assert not registry.remove(ANN, one)
    registry.flush()
    assert (one.flushed, other.flushed) == (0, 1)
    registry.deliver(ANN, created(2))
    assert (len(one.told), len(other.told)) == (1, 2)
    assert ANN in registry
    assert registry.remove(ANN, other)
    assert ANN not in registry


def test_of_more_than_a_user_may_have_the_oldest_goes():
    registry, several, bob = Registry(most_per_user=2), [Recorder() for _ in range(4)], Recorder()
    registry.add(BOB, bob)
    for each in several:
        registry.add(ANN, each)
        registry.add(ANN, each)
    assert [each.replaced for each in (*several, bob)] == [1, 1, 0, 0, 0]
    registry.deliver(ANN, created(1))
    assert [len(each.told) for each in several] == [0, 0, 1, 1]
    assert not registry.remove(ANN, several[0])
    assert registry.remove(ANN, several[3])
