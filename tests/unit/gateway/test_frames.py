from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from services.gateway.live.core.cursor import Cursor, Cursors
from services.gateway.live.frames import text_frame
from services.gateway.rate_limit import Pace


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 100_000])
def test_a_foreign_parser_reads_the_frame(size):
    payload = b"x" * size
    reader = StreamReader()
    reader.feed_data(text_frame(payload))
    parser = Frame.parse(reader.read_exact, mask=False)
    with pytest.raises(StopIteration) as parsed:
        next(parser)
    frame = parsed.value.value
    assert (frame.fin, frame.opcode, bytes(frame.data)) == (True, Opcode.TEXT, payload)
    assert not reader.buffer


@given(st.integers(-1, 2**62), st.integers(0, 2**62), st.text(max_size=20), st.binary(max_size=40))
def test_a_cursor_comes_back_as_it_was_written(offset, token, epoch, key):
    cursors = Cursors(epoch, key)
    assert cursors.read(cursors.write(offset, token)) == Cursor(offset, token)


def test_cursors_of_other_epochs_and_users_are_unknown():
    word = Cursors("e1", b"default:ann").write(7, 1)
    assert Cursors("e2", b"default:ann").read(word) is None
    assert Cursors("e1", b"default:bob").read(word) is None


@given(st.text(max_size=300))
def test_no_text_breaks_the_reading_of_a_cursor(text):
    assert Cursors("e", b"k").read(text) is None


def test_pace_allows_a_burst_then_the_rate():
    pace = Pace(rate=2, burst=3)
    assert [pace.take(10.0) for _ in range(4)] == [True, True, True, False]
    assert pace.take(10.4) is False
    assert pace.take(10.5) is True
    assert [pace.take(100.0) for _ in range(4)] == [True, True, True, False]
