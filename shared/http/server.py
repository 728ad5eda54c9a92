"""uvicorn under the service's own life cycle: it drains when the process is told to stop."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from shared.process.runtime import Runtime

KEEP_ALIVE_SECONDS: Final = 75
"""Longer than load balancers keep an idle connection (60 s): whoever closes last loses no request on it."""


_UPGRADE: Final = "Unsupported upgrade request."
_ADVICE: Final = "No supported WebSocket library detected."
NOT_HERE: Final = "a WebSocket was asked for at a port that serves HTTP, and answered so: the gateway's sockets have a port of their own"


class _UpgradeWords(logging.Filter):
    """uvicorn advises to install a library where a client has the wrong port."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = str(record.msg)
        if said == _UPGRADE:
            record.msg = NOT_HERE
        return not said.startswith(_ADVICE)


_UPGRADE_WORDS: Final = _UpgradeWords()


async def serve(
    app: ASGIApp,
    runtime: Runtime,
    *,
    host: str,
    port: int,
    drain_seconds: float,
    max_connections: int | None = None,
    max_message_bytes: int | None = None,
    websocket: type[asyncio.Protocol] | None = None,
    until: asyncio.Event | None = None,
) -> None:
    """Serves until `runtime.stop` is set, or `until` if it is given, then finishes the requests under way.

    With `max_message_bytes` it serves WebSockets, too, by `websocket` if that is given.
    """
    config = server_config(
        app,
        host=host,
        port=port,
        drain_seconds=drain_seconds,
        max_connections=max_connections,
        max_message_bytes=max_message_bytes,
        websocket=websocket,
    )
    server = _Server(config, runtime)
    serving = asyncio.create_task(server.serve())
    stopped = asyncio.create_task((until or runtime.stop).wait())
    try:
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
    finally:
        stopped.cancel()


def server_config(
    app: ASGIApp,
    *,
    host: str,
    port: int,
    drain_seconds: float,
    max_connections: int | None = None,
    max_message_bytes: int | None = None,
    websocket: type[asyncio.Protocol] | None = None,
) -> uvicorn.Config:
    """How every service speaks HTTP; beyond `max_connections` a request is answered 503 and its connection closed."""
    logging.getLogger("uvicorn.error").addFilter(_UPGRADE_WORDS)
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        ws="none" if max_message_bytes is None else websocket or "websockets-sansio",
        ws_max_size=max_message_bytes or 0,
        ws_per_message_deflate=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(drain_seconds),
        server_header=False,
        proxy_headers=max_message_bytes is None,  # where clients are counted, the service decides who may name them
        limit_concurrency=max_connections,
    )


def _address(opened: socket.socket) -> str:
    host, port = opened.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: the runtime has it, and learns when the port is open."""

    def __init__(self, config: uvicorn.Config, runtime: Runtime) -> None:
        super().__init__(config)
        self._runtime = runtime

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Opens the port; only then the process is ready. Raises OSError: uvicorn would end the process past its owner."""
        try:
            await super().startup(sockets)
        except SystemExit as error:
            raise error.__context__ or OSError("the port cannot be opened") from None
        self._runtime.serves(http=", ".join(_address(opened) for server in self.servers for opened in server.sockets))

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Nothing: the runtime listens to signals."""
        yield
