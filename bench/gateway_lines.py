"""Programs of `bench-gateway` that take a line and answer with a line, each on a core of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from bench.machine import ROOT
from bench.stage import STATE

CORES: Final = sorted(os.sched_getaffinity(0))
SERVER_CORE: Final = CORES[0]
"""Of the one thing under test; everything else has the last one."""
LOAD_CORE: Final = CORES[-1]
BUILT: Final = (ROOT / STATE / "bench").resolve()
"""Where `make bench-gateway` puts what it compiles."""
LOAD_CLIENT: Final = BUILT / "gateway_load"
CENTRIFUGE: Final = BUILT / "centrifuge"
ANSWER_SECONDS: Final = 120


class Program:
    """The near end."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    def say(self, line: str) -> None:
        """Wants no answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")

    async def ask(self, line: str) -> list[str]:
        """The words of the answer, without the first."""
        self.say(line)
        return await self.heard()

    async def heard(self) -> list[str]:
        assert self._process.stdout is not None
        async with asyncio.timeout(ANSWER_SECONDS):
            words = (await self._process.stdout.readline()).decode().split()
        if not words:
            raise RuntimeError(f"{self.name} ended before it answered; what it said stands above")
        return words[1:]

    async def end(self) -> None:
        """Closes its stdin, and waits until it has ended by itself."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        async with asyncio.timeout(ANSWER_SECONDS):
            await self._process.wait()


@asynccontextmanager
async def program(name: str, core: int, arguments: Sequence[str], env: dict[str, str]) -> AsyncIterator[Program]:
    """Pinned by taskset, and killed at the end; should we be killed, it ends with its stdin."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        "taskset", "-c", str(core), *arguments, cwd=ROOT, env=os.environ | env, stdin=pipe, stdout=pipe
    )  # fmt: skip
    try:
        yield Program(name, process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def pin(pid: int, core: int) -> None:
    """All threads that there are by now; later ones are as the one that starts them."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})


def cpu_us(pid: int) -> float:
    """Processor time of all threads of a process, in microseconds; /proc/PID/stat has only hundredths of seconds."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1000


def check_built() -> None:
    """Raises SystemExit that says what to do."""
    if missing := [path.name for path in (LOAD_CLIENT, CENTRIFUGE) if not path.exists()]:
        raise SystemExit(f"{' and '.join(missing)} are not built. `make bench-gateway` does it, with gcc and Go.")
    if len(CORES) < 2:
        raise SystemExit("One core is for the server and another for the load: this machine has only one.")
