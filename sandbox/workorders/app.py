"""Wiring of the work orders' pages: `http://localhost:3000/office` and `/technician`, on loopback."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler

from carillon.client import AsyncClient
from carillon.integrations.workorders import WorkOrderNotifications
from sandbox.playground.loopback import is_own
from sandbox.stack import Stack
from sandbox.stack import load as load_stack
from sandbox.workorders.gateway_proxy import MAX_BODY, GatewayProxy
from sandbox.workorders.page_files import page_routes
from sandbox.workorders.people import introduce
from sandbox.workorders.product import Product, tell_refusals
from sandbox.workorders.settings import WorkOrderPagesSettings
from shared.process.runtime import Runtime, run
from shared.process.settings import load

LOOPBACK: Final = "127.0.0.1"
INBOX: Final = "/api/v1/notifications{rest:(/.*)?}"
PATIENCE_SECONDS: Final = 5


@web.middleware
async def own_pages_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """They give out tokens: nobody else's page may ask, for a socket neither."""
    if not is_own(request.headers):
        raise web.HTTPForbidden(text="only these pages may ask this")
    return await handler(request)


def create_app(stack: Stack, orders: WorkOrderNotifications, http: aiohttp.ClientSession) -> web.Application:
    """The pages, the product behind them, and the gateway behind both; nothing connects here."""
    app = web.Application(middlewares=[own_pages_only, tell_refusals], client_max_size=MAX_BODY)
    proxy = GatewayProxy(http, gateway=stack.urls["gateway"], sockets=stack.urls["sockets"])
    app.add_routes(page_routes())
    app.add_routes(Product(stack, orders).routes())
    app.add_routes([web.route("*", INBOX, proxy.api), web.get("/ws", proxy.socket)])
    return app


async def serve_it(runtime: Runtime, settings: WorkOrderPagesSettings, stack: Stack) -> None:
    """Serves until told to stop."""
    async with AsyncExitStack() as entered:
        client = AsyncClient(stack.urls["ingest"], stack.api_key or "", patience=PATIENCE_SECONDS)
        carillon = await entered.enter_async_context(client)
        orders = WorkOrderNotifications(carillon)
        await introduce(carillon, orders)
        http = await entered.enter_async_context(aiohttp.ClientSession(auto_decompress=True))
        runner = web.AppRunner(create_app(stack, orders, http), access_log=None, shutdown_timeout=1)
        await runner.setup()
        entered.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, LOOPBACK, settings.workorders_port).start()
        place = f"http://localhost:{settings.workorders_port}"
        runtime.serves(office=f"{place}/office", technician=f"{place}/technician")
        await runtime.stop.wait()


def main() -> None:
    """The process `carillon run workorders`."""
    settings = load(WorkOrderPagesSettings)
    stack = load_stack(Path(settings.workorders_state))
    if stack is None or stack.api_key is None:
        sys.exit(f"There is no stack in {settings.workorders_state} for these pages. Start one: carillon up")
    run("workorders", settings, lambda runtime: serve_it(runtime, settings, stack))
