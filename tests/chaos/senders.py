"""A producer's own sender: it takes what is due on the channel pull, and says that it was sent."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import orjson

from carillon import AsyncClient, ClientError, ProblemError
from shared.model.channels import Channel
from shared.process.clock import now_ms
from tests.chaos.clients import MARK
from tests.chaos.tables import Effect
from tests.support.env import Harness

MOST = 20
LEASE_SECONDS = 30
IDLE_SECONDS = 0.2


class Sender:
    """Of the tenant `default`. What it was given is sent there and then; so it is an effect, each time under a new token."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness
        self._effects: dict[str, Effect] = {}
        self._task: asyncio.Task[None] | None = None

    def begin(self, key: str) -> None:
        """It takes what there is, until it is closed."""
        self._task = asyncio.create_task(self._run(key))

    @property
    def effects(self) -> list[Effect]:
        """All that it was given."""
        return list(self._effects.values())

    async def close(self) -> None:
        """It takes nothing more. Raises what it failed with."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self, key: str) -> None:
        async with AsyncClient(self._harness.url("ingest"), key) as carillon:
            while True:
                taken: list[dict[str, Any]] = []
                with suppress(ClientError):
                    taken = await carillon.take(MOST, lease_seconds=LEASE_SECONDS)
                for delivery in taken:
                    self._effects.setdefault(f"{delivery['id']} {delivery['token']}", _effect(delivery))
                await asyncio.gather(*(_report(carillon, one) for one in taken))
                if not taken:
                    await asyncio.sleep(IDLE_SECONDS)


async def _report(carillon: AsyncClient, delivery: dict[str, Any]) -> None:
    """Until it is answered, and be it that the delivery is no more the sender's."""
    while True:
        try:
            await carillon.sent(delivery)
        except ProblemError as problem:
            if problem.status < 500 and problem.status != 429:
                return
        except ClientError:
            pass
        else:
            return
        await asyncio.sleep(IDLE_SECONDS)


def _effect(delivery: dict[str, Any]) -> Effect:
    return Effect(
        channel=Channel.PULL,
        delivery=str(delivery["id"]),
        owner=f"default:{delivery['user']}#0",
        marks=frozenset(MARK.findall(orjson.dumps(delivery["data"]).decode())),
        at=now_ms(),
    )
