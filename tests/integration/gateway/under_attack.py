"""A gateway process that is attacked, and somebody who wants to be served meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import aiohttp

from shared.kafka.producer import Publisher
from shared.process.runtime import Runtime
from tests.chaos.keeper import metrics
from tests.integration.gateway.stage import GatewayStage, settings_of, token
from tests.support.env import Harness
from tests.support.raw_sockets import RawSocket, raw_socket, say
from tests.support.wait import until


class UnderAttack:
    """The process, and its figures."""

    def __init__(self, harness: Harness, stage: GatewayStage) -> None:
        self.harness = harness
        self.stage = stage
        self.port = harness.ports["sockets"]

    @asynccontextmanager
    async def socket(self, user: str | None = None, **headers: str) -> AsyncIterator[RawSocket]:
        """One that is open, and live when it is a user's."""
        async with raw_socket(self.port, headers) as opened:
            assert opened.status == 101, opened.head
            if user is not None:
                await opened.send(say(type="auth", token=token(user)))
                while (await opened.next())["type"] != "live":
                    pass
            yield opened

    async def serves_others(self, attack: Awaitable[None]) -> None:
        """Lets the attack run to its end; meanwhile, and after it, a bystander gets what is sent to him, in order."""
        name = f"bystander-{uuid4().hex[:8]}"
        async with self.stage.client(name) as bystander:
            await bystander.next("live")
            attacking = asyncio.ensure_future(attack)
            try:
                rounds = 0
                while rounds < 2 or not attacking.done():
                    [item] = await self.stage.arrive(name)
                    assert (await bystander.next("notification"))["item"]["id"] == item.id
                    rounds += attacking.done()
                await attacking
            finally:
                attacking.cancel()
            assert bystander.offsets == list(range(len(bystander.offsets)))

    def memory_kib(self, what: str = "VmRSS") -> int:
        """Of the process; `VmHWM` is the most since `forget_peak`."""
        lines = (self._proc / "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{what}:"))

    def forget_peak(self) -> None:
        (self._proc / "clear_refs").write_text("5")

    async def gone(self) -> None:
        """Until nobody has a connection to its sockets."""

        async def none() -> bool:
            return not await self.count("carillon_gateway_connections")

        await until(none, what="every authenticated socket gone")

    async def count(self, name: str) -> int:
        """A metric, summed over its labels."""
        return (await metrics(self.harness))[name]

    async def rejected(self, reason: str) -> int:
        """How many were, for this reason."""
        port = self.harness.services["gateway"].health_port
        async with self.stage.http.get(f"http://127.0.0.1:{port}/metrics") as answer:
            wanted = f'carillon_gateway_rejections_total{{reason="{reason}"}} '
            found = [line for line in (await answer.text()).splitlines() if line.startswith(wanted)]
        return int(float(found[0].rpartition(" ")[2]))

    @property
    def _proc(self) -> Path:
        return Path(f"/proc/{self.harness.services['gateway'].pid}")


@asynccontextmanager
async def attacking(harness: Harness) -> AsyncIterator[UnderAttack]:
    """What a test works with, on a gateway process that is ready."""
    ports = {"gateway_port": harness.ports["gateway"], "socket_port": harness.ports["sockets"]}
    settings = settings_of(harness.names, **ports)
    publisher = Publisher(settings.kafka, client_id="test")
    await publisher.start()
    try:
        async with harness.database() as database, aiohttp.ClientSession() as http:
            stage = GatewayStage(
                settings=settings, database=database, publisher=publisher, runtime=Runtime(service="test"), http=http
            )
            yield UnderAttack(harness, stage)
    finally:
        await publisher.stop()
