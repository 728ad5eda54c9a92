"""A client in a process of its own that answers a JSON line with a JSON line."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec

from bench.machine import ROOT

T = TypeVar("T")
LINE_BYTES = 2**24


class Talker:
    """The near end."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def ask(self, question: Any, answer: type[T]) -> T:
        return msgspec.json.decode(await self.line(question), type=answer)

    async def line(self, question: Any) -> bytes:
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("no pipes")
        self.process.stdin.write(msgspec.json.encode(question) + b"\n")
        found = await self.process.stdout.readline()
        if not found:
            raise RuntimeError("a client ended before it answered; what it said stands above")
        return found


@asynccontextmanager
async def talker(module: str) -> AsyncIterator[Talker]:
    """`python -m module`, ended at the end."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, cwd=ROOT, stdin=pipe, stdout=pipe, limit=LINE_BYTES
    )
    try:
        yield Talker(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
