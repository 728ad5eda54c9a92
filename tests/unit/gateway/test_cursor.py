from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.live.core.cursor import MAX_TOKEN, Cursor, Cursors


@given(st.integers(-1, 2**62), st.integers(0, MAX_TOKEN), st.text(max_size=20), st.binary(max_size=40))
def test_a_cursor_comes_back_as_it_was_written(offset, token, epoch, key):
    cursors = Cursors(epoch, key)
    assert cursors.read(cursors.write(offset, token)) == Cursor(offset, token)


def test_cursors_of_other_epochs_and_users_are_unknown():
    text = Cursors("e1", b"default:ann").write(7, 1)
    assert Cursors("e2", b"default:ann").read(text) is None
    assert Cursors("e1", b"default:bob").read(text) is None


@given(st.integers(MAX_TOKEN + 1, 2**63 - 1), st.integers(-1, 2**62))
def test_a_cursor_of_no_time_that_there_can_be_is_unknown(token, offset):
    cursors = Cursors("e", b"k")
    assert cursors.read(cursors.write(offset, token)) is None


@given(st.text(max_size=300))
def test_no_text_breaks_the_reading_of_a_cursor(text):
    assert Cursors("e", b"k").read(text) is None
