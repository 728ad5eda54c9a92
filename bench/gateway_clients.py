"""The near end of the compiled load client: sockets, and what has come through them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from bench.gateway_lines import LOAD_CLIENT, LOAD_CORE, Program, program

PATIENCE_MS: Final = 10_000
"""Without anything new for so long, the rest is lost."""
SETTLE_MS: Final = 300
"""What comes twice comes soon."""


class Came(NamedTuple):
    """Since the client began."""

    distinct: int
    received: int
    foreign: int
    """Of another user, or with no number that was sent."""
    frames: int
    ended: int
    """Sockets that the server has closed."""


class Latency(NamedTuple):
    """In microseconds, from when a message was due until its bytes were read."""

    count: int
    p50: int
    p99: int
    p999: int
    worst: int


class Clients:
    """Sockets, each of a user of its own, who all read."""

    def __init__(self, load: Program) -> None:
        self._load = load
        self.expected = 0
        """Messages that must have come by now."""

    async def connect(self, count: int) -> None:
        await self._load.ask(f"connect {count}")

    async def came(self, more: int, settle_ms: int = 0) -> Came:
        """Waits for `more` messages than before."""
        self.expected += more
        return Came(*map(int, await self._load.ask(f"got {self.expected} {PATIENCE_MS} {settle_ms}")))

    async def counted(self) -> tuple[int, int]:
        """Lost and doubled since the beginning, once what comes twice has had its time."""
        came = await self.came(0, SETTLE_MS)
        return self.expected - came.distinct, came.received - came.distinct

    async def stop(self, count: int) -> None:
        """The first `count` sockets are not read any more."""
        await self._load.ask(f"stop {count}")

    async def forget(self) -> None:
        await self._load.ask("forget")

    async def latency(self) -> Latency:
        return Latency(*map(int, await self._load.ask("latency")))


@asynccontextmanager
async def clients(
    port: int, dialect: str, tokens: Sequence[str], folder: Path, *, small: int = 0
) -> AsyncIterator[Clients]:
    """A load client with no socket yet; `small` of the first ones will have small buffers."""
    path = folder / f"tokens-{dialect}"
    path.write_text("".join(f"{token}\n" for token in tokens))
    arguments = [str(LOAD_CLIENT), "client", str(port), dialect, str(path), str(small)]
    async with program("the load client", LOAD_CORE, arguments, {}) as load:
        yield Clients(load)
