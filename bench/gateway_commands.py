"""What a gateway written in Python does when `bench-gateway` tells it to, line by line on stdin.

`prepare KIND COUNT` -> `prepared`; `go` publishes the next batch and says nothing; `pace RATE SECONDS PADDED` -> `paced COUNT`,
an open loop; `fill COUNT USERS` -> `filled`, long messages for the first users. The peers in Go and C obey the same.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from typing import Any, Final, Protocol

from bench.gateway_items import Kind, Template, batch, padded

PADDING: Final = 4_000
"""Letters more in the messages of those users who stop reading, also while they read."""
FILLING: Final = 32_000
TICK_SECONDS: Final = 0.001
Messages = list[tuple[int, bytes]]


class Publishing(Protocol):
    """One gateway's way to publish."""

    def made(self, messages: Messages, /) -> Any:
        """What its own publishing takes; made before the clock runs."""
        ...

    async def publish(self, made: Any, /) -> None: ...


class Commands:
    """The near end of stdin and stdout."""

    def __init__(self, publishing: Publishing, sockets: int) -> None:
        self._publishing = publishing
        self._sockets = sockets
        self._number = 0
        self._template = Template()
        self._batches: deque[Any] = deque()

    async def obey(self) -> None:
        """Until stdin ends."""
        lines = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while line := (await lines.readline()).decode().split():
            match line:
                case ["go"]:
                    await self._publishing.publish(self._batches.popleft())
                case ["prepare", kind, count]:
                    self._prepare(Kind(kind), int(count))
                    print("prepared", flush=True)
                case ["pace", rate, seconds, users]:
                    print("paced", await self._pace(int(rate), int(seconds), int(users)), flush=True)
                case ["fill", count, users]:
                    await self._fill(int(count), int(users))
                    print("filled", flush=True)

    def _prepare(self, kind: Kind, count: int) -> None:
        self._batches.clear()
        for _ in range(count):
            self._batches.append(self._publishing.made(batch(kind, self._sockets, self._number, self._template)))
            self._number += kind.each

    async def _pace(self, rate: int, seconds: int, users: int) -> int:
        """What is due is published at once, stamped with the time at which it was due."""
        sockets, number, long = self._sockets, self._number, padded(PADDING)
        total, sent, begun = rate * seconds // sockets * sockets, 0, time.monotonic()
        while sent < total:
            ticks = int((time.monotonic() - begun) / TICK_SECONDS)
            due = min(total, ticks * rate // 1000)
            stamp = int((begun + ticks * TICK_SECONDS) * 1e6)
            messages = []
            for each in range(sent, due):
                user = each % sockets
                template = long if user < users else self._template
                messages.append((user, template.fill(user, number + each // sockets, stamp)))
            if messages:
                await self._publishing.publish(self._publishing.made(messages))
            sent = due
            await asyncio.sleep(max(begun + (ticks + 1) * TICK_SECONDS - time.monotonic(), 0))
        self._number += total // sockets
        return total

    async def _fill(self, count: int, users: int) -> None:
        long = padded(FILLING)
        for _ in range(count):
            messages = [(user, long.fill(user, self._number)) for user in range(users)]
            await self._publishing.publish(self._publishing.made(messages))
            self._number += 1
            await asyncio.sleep(TICK_SECONDS)
