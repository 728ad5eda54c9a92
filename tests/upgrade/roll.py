"""An upgrade under load: services of two trees side by side on one stack, and what came of all that was accepted."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from shared.mongo.api_keys import Scope
from tests.chaos.checker import check
from tests.chaos.evidence import Gathering, read_topic
from tests.chaos.load import Load
from tests.support.env import Harness
from tests.support.wait import until

BOTH = ("router", "scheduler", "delivery")
"""Of these several run at once."""
ONE = ("ingest", "gateway", "console")
"""These have a port that clients know."""


class Roll:
    """The stack of one upgrade."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        # What the tag cannot know: other scopes than these, and runs of several steps, which would wait for this version.
        harness.scopes = frozenset({Scope.SEND, Scope.USERS, Scope.OPERATE})
        self.load = Load(harness=harness, steps=False)
        self._gathering = Gathering(harness, self.load.people.addresses)
        self._sides: dict[str, Path] = {}

    async def start(self, side: str, tree: Path, *, takes_ports: bool = True) -> None:
        """Starts a side; the services with ports of their own go over to it."""
        self._sides[side] = tree
        self.harness.root = tree
        for name in BOTH:
            self.harness.spawn(name, f"{name}-{side}")
        if takes_ports:
            await self.give_ports(side)

    async def give_ports(self, side: str) -> None:
        """Ends the services with ports of their own, and starts those of this side."""
        self.harness.root = self._sides[side]
        for name in ONE:
            known = self.harness.services.get(name)
            if known is not None and known.pid is not None:
                await asyncio.to_thread(known.terminate)
            self.harness.spawn(name)
        await self.harness.services["ingest"].ready(90)

    async def stop(self, side: str) -> None:
        """Ends a side's services, as a rolling upgrade does."""
        ending = [self.harness.services[f"{name}-{side}"] for name in BOTH]
        codes = await asyncio.gather(*(asyncio.to_thread(service.terminate) for service in ending))
        assert set(codes) <= {0}, f"{side} drained: {codes}"

    async def publish(self, tree: Path) -> None:
        """Publishes a tree's catalog with that tree's command."""
        command = (sys.executable, "-m", "carillon", "catalog", "publish", str(tree / "catalog"))
        env = {**os.environ, **self.harness.env()}
        process = await asyncio.create_subprocess_exec(*command, cwd=tree, env=env)
        assert await process.wait() == 0

    async def readiness(self, label: str) -> str:
        """What /readyz says."""
        port = self.harness.services[label].health_port
        async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/readyz") as response:
            return await response.text()

    async def settle(self) -> None:
        """Until nothing waits: no hold, nothing in the outbox, every accepted notification at its end."""

        async def done() -> bool:
            async with self.harness.database() as database:
                if await database.holds.count_documents({}) or await database.outbox.count_documents({}):
                    return False
            found = check(dict(self.load.accepted), await self._gathering.now())
            return not found.unterminated and not found.lost

        await until(done, what="every accepted notification at its end", timeout=180)

    async def judge(self) -> dict[str, int]:
        """Nothing is lost, doubled, dead or suppressed for want of understanding; returns how all ended."""
        found = check(dict(self.load.accepted), await self._gathering.now())
        assert found.faults() == {}
        assert not {"unknown_workflow", "dead", "unconfirmed"} & set(found.ends), dict(found.ends)
        topics, kafka = self.harness.names.topics, self.harness.names.brokers.kafka
        letters = [row.name for row in topics.table() if ".dlq." in row.name and await read_topic(kafka, row.name)]
        assert letters == []
        return dict(found.ends)


@asynccontextmanager
async def rolling(harness: Harness) -> AsyncIterator[Roll]:
    """A stack without sides yet."""
    await harness.start("sink")
    roll = Roll(harness)
    try:
        yield roll
    finally:
        harness.kill()
