"""Wiring of the playground: the page and what it asks for, on loopback."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import aiohttp
from fastapi import FastAPI

from carillon.client import AsyncClient
from sandbox.playground.api import install_refusals, playground_routes
from sandbox.playground.loopback import OwnPagesOnly
from sandbox.playground.page_files import page_routes
from sandbox.playground.settings import PlaygroundSettings
from sandbox.stack import Stack
from sandbox.stack import load as load_stack
from shared.http.conventions import HttpConventions
from shared.http.problems import install_problems
from shared.http.server import serve
from shared.process.runtime import Runtime, run
from shared.process.settings import load

LOOPBACK: Final = "127.0.0.1"
PATIENCE_SECONDS: Final = 5
"""How long ingest and the console are tried again: somebody looks at the page."""


def create_app(stack: Stack, state: Path, carillon: AsyncClient, http: aiohttp.ClientSession) -> FastAPI:
    """The page over the services that it asks; nothing connects here."""
    app = FastAPI(title="Carillon playground", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.add_middleware(HttpConventions)
    app.add_middleware(OwnPagesOnly)
    install_problems(app)
    install_refusals(app)
    app.include_router(page_routes(gateway=stack.urls["gateway"], sockets=stack.urls["sockets"]))
    app.include_router(playground_routes(stack, state, carillon, http))
    return app


async def serve_it(runtime: Runtime, settings: PlaygroundSettings, stack: Stack) -> None:
    """Serves until told to stop."""
    async with AsyncExitStack() as entered:
        client = AsyncClient(
            stack.urls["ingest"],
            stack.api_key or "",
            console_url=stack.urls["console"],
            patience=PATIENCE_SECONDS,
            timeout=PATIENCE_SECONDS,
        )
        carillon = await entered.enter_async_context(client)
        limit = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
        http = await entered.enter_async_context(aiohttp.ClientSession(timeout=limit))
        app = create_app(stack, Path(settings.playground_state), carillon, http)
        await serve(app, runtime, host=LOOPBACK, port=settings.playground_port, drain_seconds=settings.drain_seconds)


def main() -> None:
    """The process `carillon run playground`."""
    settings = load(PlaygroundSettings)
    stack = load_stack(Path(settings.playground_state))
    if stack is None or stack.api_key is None:
        sys.exit(f"There is no stack in {settings.playground_state} to show. Start one: carillon up")
    run("playground", settings, lambda runtime: serve_it(runtime, settings, stack))
