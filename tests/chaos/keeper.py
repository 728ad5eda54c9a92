"""A supervisor for chaos runs: what ends is started again; what it counted is added up."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress

import aiohttp

from tests.support.env import Harness


class Keeper:
    """Starts ended services again, without their failpoints, until it is closed."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness
        self._task = asyncio.create_task(self._keep())
        self.revived: Counter[str] = Counter()

    async def _keep(self) -> None:
        while True:
            for name, service in list(self._harness.services.items()):
                if service.pid is None:
                    self.revived[name] += 1
                    self._harness.spawn(name)
            await asyncio.sleep(0.2)

    async def close(self) -> None:
        """Stops watching."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


async def metrics(harness: Harness) -> Counter[str]:
    """Sums over all services that live now, by metric name (`carillon_replays_total` ...)."""
    total: Counter[str] = Counter()
    async with aiohttp.ClientSession() as http:
        for service in harness.services.values():
            with suppress(aiohttp.ClientError):
                async with http.get(f"http://127.0.0.1:{service.health_port}/metrics") as response:
                    for line in (await response.text()).splitlines():
                        if line.startswith("carillon_"):
                            name, _, value = line.rpartition(" ")
                            total[name.partition("{")[0]] += int(float(value))
    return total
