"""The window against a model: offsets that may be committed, each key's order, partitions that go and come back."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.delivery.core.in_flight import InFlight, Queued
from shared.model.outputs import Coordinates, Partition

KEYS = [None, b"a", b"b"]
PLACES: list[Partition] = [("t", 0), ("t", 1), ("x", 0)]


def at(offset: int, place: Partition = ("t", 0)) -> Coordinates:
    return Coordinates(*place, offset)


def test_a_key_waits_for_its_earlier_record() -> None:
    window: InFlight[str] = InFlight()
    assert window.add(at(0), b"a", "first")
    assert not window.add(at(1), b"a", "second")
    assert window.add(at(2), b"b", "other")
    assert window.done(at(2), b"b") is None
    assert window.committable() == {("t", 0): 0}
    assert window.done(at(0), b"a") == Queued(at(1), b"a", "second")
    assert window.committable() == {("t", 0): 1}
    assert window.done(at(1), b"a") is None
    assert window.committable() == {("t", 0): 3}
    assert len(window) == 0


def test_records_without_a_key_wait_for_nobody() -> None:
    window: InFlight[str] = InFlight()
    assert window.add(at(0), None, "first")
    assert window.add(at(1), None, "second")
    assert window.done(at(1), None) is None
    assert window.committable() == {("t", 0): 0}


def test_a_key_in_two_partitions_is_not_held_up_when_one_of_them_goes() -> None:
    window: InFlight[str] = InFlight()
    assert window.add(at(0, ("t", 0)), b"a", "goes")
    assert window.add(at(7, ("t", 1)), b"a", "stays"), "order is kept within a partition"
    window.stop(lambda coordinates: coordinates.partition == 0)
    window.forget({("t", 0)})
    assert not window.add(at(8, ("t", 1)), b"a", "follows")
    assert window.done(at(7, ("t", 1)), b"a") == Queued(at(8, ("t", 1)), b"a", "follows")
    window.done(at(8, ("t", 1)), b"a")
    assert window.committable() == {("t", 1): 9}


def test_behind_a_slow_head_what_is_over_its_share_is_worked_on_out_of_order() -> None:
    window: InFlight[str] = InFlight()
    for offset in range(10):
        slow = offset % 2 == 0
        window.add(at(offset), b"slow" if slow else b"quick", str(offset), 10 if slow else 1)
    assert window.bytes == 55
    taken = window.shorten(2, lambda head: head.key == b"slow")
    assert sorted(entry.at.offset for entry in taken) == [4, 6, 8]
    assert window.shorten(2, lambda head: False, (("t", 0), b"quick")) == []
    for entry in taken:
        assert window.done(entry.at, entry.key) is None, "it has no place in its key any more"
    assert window.committable() == {("t", 0): 0}
    following = window.done(at(0), b"slow")
    assert following is not None
    assert following.at == at(2)
    assert window.bytes == 15
    window.forget({("t", 0)})
    assert window.bytes == 0


def test_of_one_key_no_more_than_its_share_is_held_against_the_window() -> None:
    window: InFlight[str] = InFlight(share=2)
    for offset in range(6):
        window.add(at(offset), b"a" if offset < 5 else b"b", str(offset))
    assert (len(window), window.held) == (6, 3)
    window.done(at(0), b"a")
    assert (len(window), window.held) == (5, 3)
    (taken,) = window.shorten(3, lambda _: True)
    assert (len(window), window.held) == (5, 4), "it is worked on by itself"
    window.done(taken.at, taken.key)
    for offset in (1, 2, 3, 5):
        window.done(at(offset), b"b" if offset == 5 else b"a")
    assert (len(window), window.held) == (0, 0)
    for offset in range(6, 10):
        window.add(at(offset), b"a", str(offset))
    window.stop(lambda _: True)
    window.forget({("t", 0)})
    assert (len(window), window.held) == (0, 0)


def test_what_left_starts_anew_when_it_comes_back() -> None:
    window: InFlight[str] = InFlight()
    window.add(at(0), b"a", "cancelled")
    window.add(at(1), b"a", "never started")
    window.stop(lambda _: True)
    assert window.committable() == {("t", 0): 0}, "what is dropped stays uncommitted"
    window.forget({("t", 0)})
    assert window.committable() == {}
    assert window.add(at(0), b"a", "again")
    assert window.done(at(0), b"a") is None
    assert window.committable() == {("t", 0): 1}


class Lane(RuleBasedStateMachine):
    """Records are read in order and end in any order; partitions leave as `LaneQueue` lets them."""

    @initialize()
    def begin(self) -> None:
        self.window: InFlight[int] = InFlight()
        self.next = dict.fromkeys(PLACES, 0)
        self.started: dict[Coordinates, bytes | None] = {}
        self.open: dict[Coordinates, bytes | None] = {}
        self.finished: set[Coordinates] = set()
        self.log: dict[tuple[Partition, bytes | None], list[int]] = {}

    def start(self, where: Coordinates, key: bytes | None) -> None:
        self.started[where] = key
        self.log.setdefault(((where.topic, where.partition), key), []).append(where.offset)
        rivals = [other for other, k in self.started.items() if k == key and other[:2] == where[:2]]
        assert key is None or rivals == [where], "one of a key at a time"

    @rule(place=st.sampled_from(PLACES), key=st.sampled_from(KEYS), skipped=st.integers(0, 2))
    def read(self, place: Partition, key: bytes | None, skipped: int) -> None:
        where = at(self.next[place] + skipped, place)
        self.next[place] = where.offset + 1
        self.open[where] = key
        if self.window.add(where, key, where.offset):
            self.start(where, key)

    @precondition(lambda self: self.started)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        where = data.draw(st.sampled_from(sorted(self.started)))
        self._end(where)

    def _end(self, where: Coordinates) -> None:
        key = self.started.pop(where)
        del self.open[where]
        self.finished.add(where)
        following = self.window.done(where, key)
        if following is not None:
            assert following.job == following.at.offset
            self.start(following.at, following.key)

    @rule(places=st.sets(st.sampled_from(PLACES), min_size=1), data=st.data())
    def leave(self, places: set[Partition], data: st.DataObject) -> None:
        def leaves(where: Coordinates) -> bool:
            return (where.topic, where.partition) in places

        self.window.stop(leaves)
        for where in sorted(filter(leaves, self.started)):
            if data.draw(st.booleans(), "claimed"):
                before = set(self.started)
                self._end(where)
                assert set(self.started) <= before, "nothing of what leaves starts any more"
            else:
                del self.started[where]
        committed = self.window.committable()
        self.window.forget(places)
        self.open = {where: key for where, key in self.open.items() if not leaves(where)}
        for place in places:
            self.next[place] = committed.get(place, self.next[place])
            self.finished = {where for where in self.finished if where[:2] != place or where.offset < self.next[place]}
            self.log = {name: offsets for name, offsets in self.log.items() if name[0] != place}

    @invariant()
    def nothing_unfinished_is_committed(self) -> None:
        committable = self.window.committable()
        for where in self.open:
            assert committable[where.topic, where.partition] <= where.offset
        for place, offset in committable.items():
            unfinished = [where.offset for where in self.open if where[:2] == place]
            assert offset == min(unfinished, default=self.next[place]), "and all that is finished is"
        assert len(self.window) == len(self.open)

    @invariant()
    def order_is_kept(self) -> None:
        for (_, key), offsets in self.log.items():
            assert key is None or offsets == sorted(offsets)

    @invariant()
    def nobody_waits_for_nobody(self) -> None:
        waiting = {(where[:2], key) for where, key in self.open.items()}
        working = {(where[:2], key) for where, key in self.started.items()}
        assert waiting == working, "the head of each key is under way"


TestLane = Lane.TestCase
TestLane.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


def test_a_topic_that_is_made_again_is_committed_from_its_beginning() -> None:
    """What is still in work of the former log holds nothing back, and nothing of it is committed."""
    found: InFlight[str] = InFlight()
    for offset in (7, 8):
        found.add(Coordinates("t", 0, offset), None, "former")
    found.add(Coordinates("t", 0, 0), None, "new")
    assert found.committable() == {("t", 0): 0}
    found.done(Coordinates("t", 0, 0), None)
    found.done(Coordinates("t", 0, 7), None)
    assert found.committable() == {("t", 0): 1}


def test_of_a_topic_made_again_only_the_new_records_count() -> None:
    window: InFlight[str] = InFlight()
    for offset in range(5, 8):
        window.add(at(offset), None, "of before", 100)
    window.add(at(0), None, "anew", 7)
    assert window.bytes == 7
    assert window.committable() == {("t", 0): 0}
    window.done(at(6), None)
    window.done(at(0), None)
    assert (window.bytes, window.committable()) == (0, {("t", 0): 1})
