"""Children: they die with their parent, are waited for by condition, and end within a bound."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.child import Child, NotReady, settle
from sandbox.process import ROOT

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(99)"
)
PARENT = """
import sys, time
from pathlib import Path
from sandbox.child import Child
child = Child("sleeper", ["sleep", "99"], log=Path(sys.argv[1]))
child.spawn()
print(child.pid, flush=True)
time.sleep(99)
"""


def python(script: str, log: Path) -> Child:
    return Child("script", [sys.executable, "-c", script], log=log)


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Child]:
    child = Child("sleeper", ["sleep", "99"], log=tmp_path / "log")
    child.spawn()
    yield child
    child.kill()


def runs(pid: int) -> bool:
    """Zombies do not: nobody may be there to bury them."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(log: Path, text: str) -> None:
    deadline = time.monotonic() + 30
    while text not in (log.read_text() if log.exists() else ""):
        assert time.monotonic() < deadline, f"{text!r} never came"
        time.sleep(0.01)


SLOW_LEASH = """#!/bin/sh
while [ ! -e {gone} ]; do sleep 0.01; done
exec {setpriv} "$@"
"""


@pytest.mark.parametrize("slow", [False, True], ids=["at_any_time", "before_the_leash_was_on"])
def test_a_child_dies_with_a_parent_that_was_killed(tmp_path: Path, *, slow: bool) -> None:
    env, gone = dict(os.environ), tmp_path / "gone"
    if slow:
        leash = tmp_path / "setpriv"
        leash.write_text(SLOW_LEASH.format(setpriv=shutil.which("setpriv"), gone=gone))
        leash.chmod(0o755)
        env["PATH"] = f"{tmp_path}:{env['PATH']}"
    argv = [sys.executable, "-c", PARENT, str(tmp_path / "log")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=ROOT, text=True, env=env) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert runs(pid)

        parent.kill()
    gone.touch()

    deadline = time.monotonic() + 30
    while runs(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_stop_is_polite_first(sleeper: Child) -> None:
    assert sleeper.stop() == -signal.SIGTERM
    assert not sleeper.alive


def test_stop_kills_what_does_not_listen(tmp_path: Path) -> None:
    child = python(STUBBORN, tmp_path / "log")
    child.spawn()
    wait_for(tmp_path / "log", "deaf")

    assert child.stop(timeout=0.2) == -signal.SIGKILL


def test_a_child_can_be_started_again_but_not_twice_at_once(sleeper: Child) -> None:
    first = sleeper.pid
    with pytest.raises(RuntimeError, match="runs already"):
        sleeper.spawn()
    sleeper.kill()

    sleeper.spawn()

    assert sleeper.pid not in {None, first}


def test_the_end_of_a_child_is_noticed_without_asking(sleeper: Child) -> None:
    assert sleeper.pid is not None
    os.kill(sleeper.pid, signal.SIGKILL)

    assert settle(sleeper.ended()) == -signal.SIGKILL


async def never() -> bool:
    return False


def test_a_child_that_ends_before_it_is_ready_shows_its_log(tmp_path: Path) -> None:
    child = python("import sys; sys.exit('the reason')", tmp_path / "log")
    child.spawn()

    with pytest.raises(NotReady, match=r"ended with code 1 before it was ready(.|\n)*the reason"):
        settle(child.until(never, timeout=30))


def test_waiting_has_a_bound(sleeper: Child) -> None:
    with pytest.raises(NotReady, match=r"not ready within 0\.1 s"):
        settle(sleeper.until(never, timeout=0.1))
