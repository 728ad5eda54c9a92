"""A gateway, and beside it the process for clients of Socket.IO, over the same inboxes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sandbox.free_ports import free_ports
from services.gateway.socketio.app import serve
from services.gateway.socketio.settings import SocketIoSettings
from shared.process.runtime import Runtime
from tests.integration.gateway.stage import GatewayStage, running, settings_of
from tests.support.env import Names
from tests.support.wait import until


def socketio_settings(names: Names, **others: object) -> SocketIoSettings:
    """As the gateway's, on a port of its own."""
    shared = settings_of(names).model_dump()
    known = {name: shared[name] for name in SocketIoSettings.model_fields if name in shared}
    [port] = free_ports(1)
    return SocketIoSettings.model_validate(known | {"socketio_port": port} | others)


@asynccontextmanager
async def socketio(names: Names, **others: object) -> AsyncIterator[tuple[int, Runtime]]:
    """Its port, and what ends it; raises what it ended with."""
    settings = socketio_settings(names, **others)
    runtime = Runtime(service="socketio")
    serving = asyncio.create_task(serve(runtime, settings))

    async def serves() -> bool:
        if serving.done():
            serving.result()
        return runtime.started

    try:
        await until(serves, what="Socket.IO serves")
        yield settings.socketio_port, runtime
    finally:
        runtime.stop.set()
        async with asyncio.timeout(30):
            await serving


@asynccontextmanager
async def both(names: Names, **others: object) -> AsyncIterator[GatewayStage]:
    """A gateway with Socket.IO beside it; `others` are settings of Socket.IO."""
    async with running(names) as stage, socketio(names, **others) as (port, runtime):
        stage.socketio_port = port
        stage.runtimes.append(runtime)
        yield stage
