from __future__ import annotations

import pytest
from websockets.frames import Opcode

from services.gateway.live.frames import text_frame
from tests.support.sockets import read_frames


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 100_000])
def test_a_foreign_parser_reads_the_frame(size):
    payload = b"x" * size
    [frame] = read_frames(text_frame(payload))
    assert (frame.fin, frame.opcode, bytes(frame.data)) == (True, Opcode.TEXT, payload)
