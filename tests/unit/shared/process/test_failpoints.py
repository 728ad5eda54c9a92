"""Failpoints, which kill a process where a test asks for it."""

from __future__ import annotations

import signal

import pytest

from shared.process import failpoints
from shared.process.failpoints import Failpoint, arm, failpoint, is_armed


def test_a_failpoint_fires_at_its_pass_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[int] = []
    monkeypatch.setattr(failpoints.os, "kill", lambda _, number: killed.append(number))
    try:
        arm("after_send:2")
        failpoint(Failpoint.AFTER_CLAIM)
        failpoint(Failpoint.AFTER_SEND)
        assert not killed
        assert is_armed(Failpoint.AFTER_SEND)
        failpoint(Failpoint.AFTER_SEND)
        assert killed == [signal.SIGKILL]
        failpoint(Failpoint.AFTER_SEND)
        assert killed == [signal.SIGKILL]
        assert not is_armed(Failpoint.AFTER_SEND)
        with pytest.raises(ValueError, match="nowhere"):
            arm("nowhere")
        arm("after_claim:1:STOP")
        failpoint(Failpoint.AFTER_CLAIM)
        assert killed == [signal.SIGKILL, signal.SIGSTOP]
        arm(None)
        assert not is_armed(Failpoint.AFTER_SEND)
    finally:
        arm(None)
