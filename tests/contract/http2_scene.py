"""A server of HTTP/2 on loopback that answers as a test says, and posts to it."""

from __future__ import annotations

import asyncio
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from math import inf
from pathlib import Path
from typing import Any

import trustme

from sandbox.sink.faults import HttpFault, HttpMode
from sandbox.sink.http2 import AnswerRequest, Http2Answer, Http2Request, Http2Server
from services.delivery.outbound.http import HttpRequest
from services.delivery.outbound.http2 import Http2Client
from tests.support.wait import until

HANG = HttpFault(mode=HttpMode.HANG)


class Server:
    """Answers as `handler` says; counts connections."""

    def __init__(self, handler: AnswerRequest) -> None:
        self.handler = handler
        self.connections: list[Http2Server] = []
        self.requests: list[Http2Request] = []
        self.url = ""
        self._listening: asyncio.Server | None = None

    def accept(self) -> Http2Server:
        made = Http2Server(self._answer)
        self.connections.append(made)
        return made

    def _answer(self, request: Http2Request) -> Http2Answer:
        self.requests.append(request)
        return self.handler(request)

    @asynccontextmanager
    async def listening(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
        """Until the end of the block, which waits for the end of every connection."""
        found = await asyncio.get_running_loop().create_server(self.accept, "127.0.0.1", 0, ssl=tls)
        self.url = f"http{'s' if tls else ''}://localhost:{found.sockets[0].getsockname()[1]}"
        self._listening = found
        try:
            yield self
        finally:
            found.close()
            await _sees(lambda: _open(found) == 0, what="the ends of the connections")

    async def has_open(self, count: int) -> None:
        """Until so many connections are left."""
        listening = self._listening
        assert listening is not None
        await _sees(lambda: _open(listening) == count, what=f"{count} open connections")

    async def is_asked(self, count: int) -> None:
        """Until so many requests in all have come."""
        await _sees(lambda: len(self.requests) >= count, what=f"{count} requests")


@asynccontextmanager
async def speaking_otherwise(handler: Callable[[StreamReader, StreamWriter], Awaitable[None]]) -> AsyncIterator[str]:
    """The URL of a server that does what `handler` does with each connection, and nothing of HTTP/2."""
    found = await asyncio.start_server(handler, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{found.sockets[0].getsockname()[1]}"
    finally:
        found.close()
        await _sees(lambda: _open(found) == 0, what="the ends of the connections")


async def _sees(condition: Callable[[], bool], *, what: str) -> None:
    async def seen() -> bool:
        return condition()

    await until(seen, what=what, timeout=10, every=0.01)


def _open(server: asyncio.Server) -> int:
    """Of those too whose handshake failed: nothing public of asyncio's knows of them."""
    return int(server._active_count)  # type: ignore[attr-defined]


def echo(request: Http2Request) -> Http2Answer:
    return Http2Answer(status=200, headers={"x-path": request.path}, body=request.body)


async def post(client: Http2Client, body: bytes = b"{}", send_before: float = inf, path: str = "/3/device/1") -> Any:
    request = HttpRequest(url=f"http://localhost{path}", headers={"x-a": "b"}, body=body)
    return await client.post(request, send_before, tenant="acme")


def server_tls(authority: trustme.CA, folder: Path, *protocols: str) -> ssl.SSLContext:
    """Of localhost; `ca.pem` in the folder says whom to trust."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    return context
