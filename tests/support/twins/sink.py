"""A sink of group commit, in memory."""

from __future__ import annotations

import asyncio

from aiokafka.errors import MessageSizeTooLargeError

from shared.model.outputs import Output


class MemorySink:
    """Takes what it is given unless it is told not to."""

    def __init__(self) -> None:
        self.groups: list[list[bytes]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.broken: BaseException | None = None
        self.starts = self.discards = 0

    async def start(self) -> None:
        self.starts += 1
        if self.broken:
            raise self.broken

    async def publish(self, outputs: list[Output]) -> None:
        values = [output.value or b"" for output in outputs]
        await self.open.wait()
        if self.broken:
            raise self.broken
        if any(len(value) > 1000 for value in values):
            raise MessageSizeTooLargeError
        self.groups.append(values)

    async def discard(self) -> None:
        self.discards += 1

    async def stop(self) -> None:
        self.groups.append([b"stopped"])


def out(value: bytes) -> list[Output]:
    return [Output("t", None, value, [])]
