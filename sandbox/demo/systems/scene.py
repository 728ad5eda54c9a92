"""What a play stands on: the stack, as its product sees it, and what was received so far."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from uuid import uuid4

import aiohttp
from rich.table import Table
from rich.text import Text

from carillon.client import AsyncClient
from sandbox.demo.received import token
from sandbox.demo.steps import DemoStep, Steps
from sandbox.stack import Stack
from shared.model.timestamps import to_datetime
from shared.process.clock import now_ms

PATIENCE: Final = 60.0
"""Seconds for each thing that must come."""
LOOK_SECONDS: Final = 0.2

T = TypeVar("T")


class NotSeen(Exception):
    """Something did not arrive; the message says what."""


@dataclass(frozen=True, kw_only=True)
class ReceivedText:
    """One thing that reached somebody; `at` in milliseconds since the epoch."""

    at: int
    where: str
    who: str
    what: str


@dataclass(kw_only=True)
class Scene:
    """One play. `received` is what its table shows, in the order it was seen."""

    stack: Stack
    carillon: AsyncClient
    http: aiohttp.ClientSession
    steps: Steps
    received: list[ReceivedText] = field(default_factory=list)
    run: str = field(default_factory=lambda: uuid4().hex[:6])
    """Part of every id, so that a play can be repeated on the same stack."""

    def token(self, user: str) -> str:
        """A user's token for the gateway."""
        return token(self.stack, user)

    def note(self, where: str, who: str, what: str, at: int | None = None) -> None:
        """Something was received."""
        self.received.append(ReceivedText(at=now_ms() if at is None else at, where=where, who=who, what=what))

    async def texts(self, kind: str, address: str, count: int, step: DemoStep) -> None:
        """Notes what reached an address by a provider, once it is so many in all. Raises NotSeen."""
        url = f"{self.stack.urls['sink']}/messages"

        async def enough() -> list[dict[str, Any]] | None:
            async with self.http.get(url, params={"kind": kind, "to": address}) as answer:
                found: list[dict[str, Any]] = (await answer.json())["messages"]
            return found if len(found) >= count else None

        messages = await self.until(enough, f"{count} by {kind} to {address}")
        known = sum((one.where, one.who) == (kind, address) for one in self.received)
        for message in messages[known:]:
            self.note(kind, address, message["text"].strip().splitlines()[0], message["at_ms"])
            step.detail = f"{len(self.received)} received"

    async def until(self, look: Callable[[], Awaitable[T | None]], what: str) -> T:
        """The first answer that is one. Raises NotSeen."""
        end = time.monotonic() + PATIENCE
        while (found := await look()) is None:
            if time.monotonic() > end:
                raise NotSeen(f"not within {PATIENCE:.0f} seconds: {what}")
            await asyncio.sleep(LOOK_SECONDS)
        return found


def received_table(found: list[ReceivedText]) -> Table:
    """What was received where, in the order of time."""
    table = Table("at (UTC)", "where", "to whom", "what", box=None, pad_edge=False)
    for one in sorted(found, key=lambda each: each.at):
        table.add_row(Text(f"{to_datetime(one.at):%H:%M:%S}", "dim"), one.where, one.who, Text(one.what))
    return table
