"""The outbox in memory: a sink of group commit, and what the relay needs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from services.ingest.outbox import LEASE, MAX_BYTES, MAX_ROWS
from shared.model.errors import MongoUnavailable
from shared.model.outputs import Output
from tests.support.twins.outages import Outages


@dataclass
class Row:
    output: Output
    token: str = ""
    lease: float = 0.0


class MemoryOutbox:
    """A Sink and an OutboxStore; several may share `rows`, as processes share the collection."""

    def __init__(self, rows: list[Row] | None = None, *, lease: timedelta = LEASE) -> None:
        self.rows = [] if rows is None else rows
        self.outages = Outages(MongoUnavailable)
        self._lease = lease.total_seconds()

    async def start(self) -> None:
        async with self.outages.call():
            pass

    async def publish(self, outputs: list[Output]) -> None:
        async with self.outages.call():
            self.rows += [Row(output) for output in outputs]

    async def discard(self) -> None: ...

    async def stop(self) -> None: ...

    async def claim(self) -> tuple[str, list[Output]]:
        token, now, used = uuid4().hex, time.monotonic(), 0
        async with self.outages.call():
            if not self.rows or self.rows[0].lease > now:
                return token, []
            for position, row in enumerate(self.rows[:MAX_ROWS]):
                used += len(row.output.value or b"")
                if position and used > MAX_BYTES:
                    break
                if row.lease <= now:
                    row.token, row.lease = token, now + self._lease
        return token, [row.output for row in self.rows if row.token == token]

    async def delete(self, token: str) -> int:
        async with self.outages.call():
            before = len(self.rows)
            self.rows[:] = [row for row in self.rows if row.token != token]
            return before - len(self.rows)

    async def give_back(self, token: str) -> None:
        async with self.outages.call():
            for row in self.rows:
                if row.token == token:
                    row.token, row.lease = "", 0.0
