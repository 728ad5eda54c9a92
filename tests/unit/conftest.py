"""Unit tests open no sockets and take seconds: HYPOTHESIS_PROFILE=deep looks ten times as long."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest
import stamina
import time_machine
from hypothesis import settings

from tests.support import samples as a

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


@pytest.fixture(autouse=True)
def no_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No command meets the stack of who runs the tests, and what one puts into the environment ends with its test."""
    before = dict(os.environ)
    os.environ["CARILLON_STATE"] = str(tmp_path_factory.getbasetemp() / "no-stack")
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(autouse=True)
def no_backoff() -> Iterator[None]:
    """What is retried is retried at once."""
    with stamina.set_testing(True, attempts=1000, cap=True):
        yield


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """The clock stands at NOON until the test moves it; the loop's and the leases' monotonic one goes on."""
    with time_machine.travel(a.NOON / 1000, tick=False) as found:
        yield found
