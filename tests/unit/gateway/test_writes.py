from __future__ import annotations

from services.gateway.live.backlog import Backlog
from services.gateway.live.writes import TEXT_FRAMES, Writes
from tests.support.sockets import FakeSocket
from tests.unit.gateway.test_backlog import LIMIT, STEP, Peer


def test_nothing_is_written_before_all_is_put_together_and_then_once():
    first, second = FakeSocket().transport, FakeSocket().transport
    writes = Writes(Backlog(LIMIT))
    writes.add(first, [b"1", b"2"])
    writes.add(second, [b"3"])
    writes.add(first, [b"4"])
    assert writes.size == 4
    assert first.writes == second.writes == []
    for _ in range(2):
        writes.flush()
        assert (first.writes, second.writes, writes.size) == ([b"12", b"4"], [b"3"], 0)


def test_what_is_written_counts_in_the_backlog():
    backlog = Backlog(LIMIT)
    peer, transport, writes = Peer(backlog), FakeSocket().transport, Writes(backlog)
    peer.waiting = LIMIT + 1
    writes.add(transport, [b"x" * (STEP - 1)])
    writes.flush()
    assert not peer.dropped
    writes.add(transport, [b"x"])
    writes.flush()
    assert peer.dropped


def test_the_metric_counts_messages_and_not_writes():
    transport, writes, before = FakeSocket().transport, Writes(Backlog(LIMIT)), TEXT_FRAMES._value.get()
    writes.add(transport, [b"1", b"2"])
    writes.add(transport, [b"3"])
    for _ in range(2):
        writes.flush()
        assert TEXT_FRAMES._value.get() == before + 3


def test_what_waits_elsewhere_counts_in_the_backlog_once():
    backlog = Backlog(LIMIT)
    peer, writes = Peer(backlog), Writes(backlog)
    peer.waiting = LIMIT + 1
    writes.held = STEP - 1
    writes.flush()
    writes.flush()
    assert not peer.dropped
    writes.held = 1
    writes.flush()
    assert peer.dropped
