"""Who supervises a state folder, and how far its stack is: what `up`, `down` and `status` go by.

A lock in the folder says whether somebody does; it ends with its process, however that ends. Where the folder was moved
away or deleted meanwhile, the process table says it: the supervisor notices, and stops what it started.
"""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final, NamedTuple

from sandbox.stack import Phase, Stack, load

LOCK: Final = "supervisor.lock"
MODULE: Final = "sandbox.supervisor"
KILL_GATEWAY: Final = signal.SIGUSR1
"""Asks a supervisor to kill its gateway, and start it again as whatever ends by itself."""
DELETED: Final = " (deleted)"


class Supervision(NamedTuple):
    """A state folder that this process holds."""

    lock: IO[str]
    state: Path

    def place(self) -> Path | None:
        """Where the folder is now: moved perhaps; None when it was deleted."""
        place = Path(f"/proc/self/fd/{self.lock.fileno()}").readlink()
        return None if place.name.endswith(DELETED) else place.parent


class Seen(NamedTuple):
    """What another process finds in a state folder."""

    phase: Phase
    pid: int | None = None
    """The supervisor; None when nothing runs."""
    stack: Stack | None = None


@contextmanager
def sole_supervisor(state: Path) -> Iterator[Supervision]:
    """Hold the state folder; the lock ends with the process. Raises `BlockingIOError` if it is held."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / LOCK).open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield Supervision(file, state.resolve())


def supervisor_pid(state: Path) -> int | None:
    """Pid of the supervisor of the state folder, also when the folder was taken away from under it; else None."""
    return _holder(state) or _of_a_folder_that_is_gone(state)


def look(state: Path) -> Seen:
    """How far the stack of a state folder is. Raises `UnreadableStack`."""
    held, stack = _holder(state), load(state)
    if held is None:
        pid = _of_a_folder_that_is_gone(state)
        return Seen(Phase.STOPPING if pid else Phase.STOPPED, pid, stack)
    if stack is None or stack.supervisor != held:
        return Seen(Phase.STARTING, held, stack)  # what is written there is of the run before
    return Seen(Phase.STOPPING if stack.phase is Phase.STOPPED else stack.phase, held, stack)


def _holder(state: Path) -> int | None:
    with suppress(FileNotFoundError), (state / LOCK).open() as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                if pid := int(file.read() or 0):
                    return pid
                continue  # it has the lock, and is about to write who it is
            return None
    return None


def _of_a_folder_that_is_gone(state: Path) -> int | None:
    """Supervisors are started with the whole path of their folder."""
    wanted = [b"-m", MODULE.encode(), b"--state", os.fsencode(state.resolve())]
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            argv = (process / "cmdline").read_bytes().split(b"\0")
            if argv[1:5] == wanted and not _is_over(process):
                return int(process.name)
    return None


def _is_over(process: Path) -> bool:
    """A process that ended, and whose parent has not looked yet."""
    return (process / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
