from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.live.frames import text_frame
from services.gateway.live.outbox import Outbox
from tests.support.sockets import read_frames

LIMIT = 300


def test_the_bound_is_in_bytes_and_counts_what_waits_here():
    outbox = Outbox(lambda: 0, limit=100)
    assert outbox.put(b"x" * 500)  # alone, any size may go
    assert not outbox.put(b"x")
    outbox.take()
    assert outbox.put(b"x" * 60)
    assert not outbox.put(b"x" * 60)


def test_the_bound_counts_what_was_written_and_has_not_left():
    backlog = 90
    outbox = Outbox(lambda: backlog, limit=100)
    assert not outbox.put(b"x" * 60)
    backlog = 10
    assert outbox.put(b"x" * 60)


def test_the_bound_counts_whole_frames():
    outbox = Outbox(lambda: 0, limit=10)
    assert [outbox.put(b"") for _ in range(6)] == [True] * 5 + [False]
    assert len(b"".join(outbox.take())) == 10


def test_all_that_waits_is_taken_at_once():
    outbox = Outbox(lambda: 0)
    assert outbox.put(b"1")
    assert outbox.put(b"2")
    assert len(outbox) == 2
    assert list(outbox.take()) == [text_frame(b"1"), text_frame(b"2")]
    assert len(outbox) == 0
    assert not outbox.take()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 2 * LIMIT)),
        st.tuples(st.just("put"), st.integers(0, LIMIT // 4)),
        st.tuples(st.just("take"), st.just(0)),
        st.tuples(st.just("send"), st.integers(1, LIMIT)),
        st.tuples(st.just("close"), st.just(0)),
    ),
    max_size=60,
)


@given(STEPS)
def test_never_above_the_bound_in_order_and_nothing_after_the_end(steps):
    unsent = queued = 0
    closed = False
    taken, written = [], b""
    outbox = Outbox(lambda: unsent, limit=LIMIT)
    for number, (step, size) in enumerate(steps):
        if step == "put":
            payload = f"{number}:".encode() + b"x" * size
            waiting = unsent + queued
            fits = not closed and (waiting == 0 or waiting + len(text_frame(payload)) <= LIMIT)
            assert outbox.put(payload) is fits
            if fits:
                queued += len(text_frame(payload))
                taken.append(payload)
        elif step == "take":
            data = b"".join(outbox.take())
            assert len(data) == queued
            written += data
            unsent, queued = unsent + queued, 0
        elif step == "send":
            unsent = max(0, unsent - size)
        else:
            outbox.close()
            closed = True
            if queued:  # what waited is dropped
                taken = taken[: len(read_frames(written))]
            queued = 0
    written += b"".join(outbox.take())
    assert [bytes(frame.data) for frame in read_frames(written)] == taken
