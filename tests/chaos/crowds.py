"""The near end of socket crowds: two processes, half of the users in each."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from sandbox.process import ROOT
from tests.chaos.socket_crowd import Crowd, Report
from tests.support.wait import until


class Crowds:
    """All of them."""

    def __init__(self, processes: list[asyncio.subprocess.Process], users: int) -> None:
        self._processes = processes
        self._users = users
        self._asking = asyncio.Lock()

    async def report(self, *, streams: bool = False) -> Report:
        """Of both together. Raises AssertionError when a client has a fault."""
        async with self._asking:
            found = await asyncio.gather(*(self._ask(process, streams) for process in self._processes))
        whole = Report(
            least=min(one.least for one in found),
            live=sum(one.live for one in found),
            lives=sum(one.lives for one in found),
            resets=sum(one.resets for one in found),
            codes=dict(sum((Counter(one.codes) for one in found), Counter())),
            faults=[fault for one in found for fault in one.faults],
            streams={user: stream for one in found for user, stream in one.streams.items()},
        )
        assert whole.faults == []
        return whole

    async def all_live(self, timeout: float = 120) -> None:
        """Until everybody is told what happens now."""

        async def live() -> bool:
            return (await self.report()).live == self._users

        await until(live, what="every client live", timeout=timeout)

    async def all_had(self, count: int, timeout: float = 900) -> None:
        """Until everybody has had so many items."""

        async def had() -> bool:
            return (await self.report()).least >= count

        await until(had, what=f"{count} items of every client", timeout=timeout)

    async def _ask(self, process: asyncio.subprocess.Process, streams: bool) -> Report:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"end\n" if streams else b"now\n")
        return msgspec.json.decode(await process.stdout.readline(), type=Report)


@asynccontextmanager
async def crowds(port: int, tokens: dict[str, str]) -> AsyncIterator[Crowds]:
    """They come at once, and again and again; gone at the end."""
    users = list(tokens)
    async with AsyncExitStack() as stack:
        processes = []
        for half in (users[::2], users[1::2]):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.chaos.socket_crowd",
                cwd=ROOT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=2**26,
            )
            stack.push_async_callback(_end, process)
            assert process.stdin is not None
            crowd = Crowd(port=port, tokens={user: tokens[user] for user in half})
            process.stdin.write(msgspec.json.encode(crowd) + b"\n")
            processes.append(process)
        yield Crowds(processes, len(users))


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()
