"""Unit tests open no sockets and take seconds: HYPOTHESIS_PROFILE=deep looks ten times as long."""

from __future__ import annotations

import os
import socket

import pytest
from hypothesis import settings

settings.register_profile("quick", max_examples=30, deadline=None)
settings.register_profile("deep", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture(autouse=True)
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever needs a network is no unit."""

    def refuse(*_: object) -> None:
        raise AssertionError("a unit test wanted a socket; put it into tests/integration")

    for name in ("connect", "bind", "listen"):
        monkeypatch.setattr(socket.socket, name, refuse)
