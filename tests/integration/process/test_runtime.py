"""A process whose part ends: it says which, drains within its bound, and a signal meanwhile is the first one."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
import pytest

from sandbox.process import ROOT

PROGRAM = """
import asyncio, os
from shared.process.background import run_until_stopped
from shared.process.runtime import Runtime, run
from shared.process.settings import Settings

async def waits_for_ever():
    await asyncio.Event().wait()

async def until(stop):
    await stop.wait()
    await asyncio.Event().wait()

async def breaks():
    raise LookupError("a bug")

async def main(runtime):
    runtime.started = True
    part = breaks() if {broken} else waits_for_ever()
    await run_until_stopped(runtime.stop, until(runtime.stop), [part])

run("test", Settings(drain_seconds={seconds}), main)
"""


@contextmanager
def process(*, broken: bool, seconds: float) -> Iterator[subprocess.Popen[bytes]]:
    argv = [sys.executable, "-c", PROGRAM.format(broken=broken, seconds=seconds)]
    running = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def events(running: subprocess.Popen[bytes], until: str) -> list[dict[str, object]]:
    """What it logs, up to the event `until`."""
    found: list[dict[str, object]] = []
    assert running.stdout is not None
    while not found or found[-1]["event"] != until:
        found.append(orjson.loads(running.stdout.readline()))
    return found


def test_a_part_that_ends_is_named_and_the_drain_is_bounded() -> None:
    with process(broken=True, seconds=0.2) as running:
        said = {str(line["event"]): line for line in events(running, "not_drained")}
        assert (said["part_ended"]["part"], said["part_ended"]["error"]) == ("breaks", "LookupError")
        assert running.wait(30) == 2


def test_a_signal_while_it_drains_by_itself_is_the_first_one() -> None:
    with process(broken=True, seconds=600) as running:
        events(running, "stopping")
        running.send_signal(signal.SIGTERM)
        events(running, "signalled")
        running.send_signal(signal.SIGTERM)
        assert "forced" in {line["event"] for line in events(running, "forced")}
        assert running.wait(30) == 2


def test_the_first_signal_drains_and_the_second_forces() -> None:
    with process(broken=False, seconds=600) as running:
        events(running, "starting")
        running.send_signal(signal.SIGTERM)
        events(running, "stopping")
        running.send_signal(signal.SIGTERM)
        events(running, "forced")
        assert running.wait(30) == 2


SERVER = """
from shared.http.server import serve
from shared.process.runtime import run
from shared.process.settings import Settings

async def app(scope, receive, send):
    pass

async def main(runtime):
    await serve(app, runtime, host="127.0.0.1", port={http}, drain_seconds=1)

run("test", Settings(health_port={health}), main)
"""


@pytest.mark.parametrize("taken", ["http", "health"])
def test_a_port_that_is_taken_is_named_in_one_line_and_the_process_failed(taken: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        ports = {"http": 0, "health": 0} | {taken: other.getsockname()[1]}
        argv = [sys.executable, "-c", SERVER.format(**ports)]
        ended = subprocess.run(argv, cwd=ROOT, stdout=subprocess.PIPE, timeout=60, check=False)
    lines = [orjson.loads(line) for line in ended.stdout.splitlines()]
    said = [line for line in lines if line["event"] == "port_unavailable"]
    assert (len(said), str(ports[taken]) in str(said)) == (1, True)
    assert [line for line in lines if "exception" in line] == []
    assert ended.returncode == 1
