"""A child process that dies with its parent, and waiting for it by condition.

The leash is `PR_SET_PDEATHSIG`: the kernel kills the child when the *thread* that spawned it ends, so spawn from
the main thread, or from one that lives as long as the child should.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.05
TAIL_LINES = 15
_UNLESS_ORPHANED = '[ "$PPID" = "$1" ] || exit 1; shift; exec "$@"'


class NotReady(Exception):
    """A child ended, or its time was over, before it was ready; the message ends with its last log lines."""


class Child:
    """One process. Not running until `spawn`; may be spawned again after it ended."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        """`env` None: the parent's. What it prints is appended to `log`."""
        self.name = name
        self.argv = tuple(argv)
        self.log = log
        self._env = env
        self._cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Of the process that runs now, else None."""
        return self._process.pid if self._process is not None and self.alive else None

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        """Of the last run; negative: the signal that ended it."""
        return None if self._process is None else self._process.poll()

    def _arguments(self) -> tuple[str, ...]:
        return (str(os.getpid()), *self.argv) if _leash() else self.argv

    def spawn(self) -> None:
        """Start it; does not wait. Raises `RuntimeError` if it runs already."""
        if self.alive:
            raise RuntimeError(f"{self.name} runs already (pid {self.pid})")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                [*_leash(), *self._arguments()],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self._env,
                cwd=self._cwd,
                start_new_session=True,  # Ctrl-C is for the parent, which then stops its children in order
            )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens if it has ended."""
        if self._process is not None:
            self._process.send_signal(number)

    def stop(self, timeout: float = 20) -> int | None:
        """SIGTERM, and SIGKILL after `timeout` seconds. Blocks until it has ended; returns its code."""
        self.signal(signal.SIGTERM)
        if self._process is not None:
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.returncode

    def kill(self) -> None:
        """SIGKILL. Blocks until it has ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def ended(self) -> int:
        """Wait until it has ended, without polling; returns its code."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was never started")
        if self.alive:
            loop, over = asyncio.get_running_loop(), asyncio.Event()
            watch = os.pidfd_open(self._process.pid)
            loop.add_reader(watch, over.set)
            try:
                await over.wait()
            finally:
                loop.remove_reader(watch)
                os.close(watch)
        return self._process.wait()

    async def until(self, condition: Callable[[], Awaitable[bool]], timeout: float) -> None:
        """Poll `condition` until it holds. Raises `NotReady` when `timeout` seconds are over or the child ended."""
        deadline = time.monotonic() + timeout
        while not await condition():
            if not self.alive:
                raise NotReady(f"{self.name} ended with code {self.returncode} before it was ready.\n{self.tail()}")
            if time.monotonic() > deadline:
                raise NotReady(f"{self.name} was not ready within {timeout:g} s.\n{self.tail()}")
            await asyncio.sleep(POLL_SECONDS)

    def tail(self) -> str:
        """The last lines of the log, under its path."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join([f"The end of {self.log}:", *lines[-TAIL_LINES:]])


def settle(work: Awaitable[T]) -> T:
    """Run to its end what must be awaited, for callers without a loop; leaves the thread's own loop alone."""

    async def whole() -> T:
        return await work

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(whole())
    finally:
        loop.close()


async def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Whether something accepts connections there."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


@cache
def _leash() -> tuple[str, ...]:
    """`setpriv` (util-linux) rather than `preexec_fn`, which can deadlock a parent that has threads.

    A parent that died before the leash was on pulls it no more: then the child has another parent, and ends itself.
    """
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL", "--", "/bin/sh", "-c", _UNLESS_ORPHANED, "leash") if setpriv else ()
