from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.live.backlog import Backlog
from services.gateway.live.core.hand_over import hand_over
from tests.unit.gateway.live_gateway import LiveGateway
from tests.unit.gateway.test_connection import ANN, SlowInbox, offsets

LIMIT = 8_000
STEP = 1_000


class Peer:
    """A connection: what is written to it waits until it is read."""

    def __init__(self, backlog: Backlog) -> None:
        self.waiting = 0
        self.dropped = False
        self._backlog = backlog
        backlog.add(self)

    def write(self, size: int) -> None:
        if not self.dropped:
            self.waiting += size
            self._backlog.wrote(size)

    def drop_slow(self) -> None:
        self.waiting, self.dropped = 0, True
        self._backlog.discard(self)


def test_the_one_with_the_most_waiting_pays():
    backlog = Backlog(LIMIT)
    quick, slow, slower = Peer(backlog), Peer(backlog), Peer(backlog)
    for _ in range(20):
        quick.write(500)
        quick.waiting = 0
        slow.write(200)
        slower.write(500)
    assert (quick.dropped, slow.dropped, slower.dropped) == (False, False, True)


def test_who_has_left_does_not_count():
    backlog = Backlog(LIMIT)
    gone, here = Peer(backlog), Peer(backlog)
    gone.write(LIMIT - 1)
    backlog.discard(gone)
    here.write(LIMIT - 1)
    assert not here.dropped


async def test_what_waits_until_an_inbox_is_read_counts_until_it_is_told():
    """As while many come back at once, or MongoDB is slow: each client may have half a MiB waiting, none of it written."""
    store = SlowInbox()
    gateway = LiveGateway(store, backlog_bytes=400_000)
    async with gateway.socket() as ann, gateway.socket("bob") as bob:
        await store.asked.wait()
        await gateway.arrive("ann", 1, body="x" * 150_000)
        await gateway.arrive("bob", 1, body="x" * 200_000)
        assert (ann.code, bob.code) == (None, None)
        await gateway.arrive("ann", 2, body="x" * 150_000)
        await ann.until(lambda: ann.code is not None)
        assert (ann.code, ANN in gateway.registry) == (1006, False)
        store.answer.set()
        await bob.next("live")
        bob.transport.unsent = 250_000
        await gateway.arrive("bob", 2, body="x" * 100_000)
        assert (bob.code, offsets(bob)) == (None, [1, 2])


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, STEP)), max_size=200))
def test_never_more_than_the_bound_and_what_is_written_between_two_counts(writes):
    backlog = Backlog(LIMIT)
    peers = [Peer(backlog) for _ in range(10)]
    for peer, size in writes:
        peers[peer].write(size)
        assert sum(one.waiting for one in peers) <= LIMIT + STEP


@given(st.integers(0, 50_000), st.floats(0.1, 600))
def test_a_process_sends_all_away_within_its_drain_time(connections, drain_seconds):
    slices = hand_over(connections, drain_seconds)
    assert sum(slices) == connections
    assert all(size > 0 for size in slices)
    assert (len(slices) - 1) * 0.25 <= max(0.0, drain_seconds * 0.8 - 3)


def test_ten_thousand_are_spread_and_a_few_go_at_once():
    assert len(hand_over(10, 60)) == 1
    assert max(hand_over(10_000, 60)) <= 60
    assert max(hand_over(10_000, 60)) * 4 <= 10_000 / 40
