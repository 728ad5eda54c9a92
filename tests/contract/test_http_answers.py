"""What endpoints answer that is odd, and connections that they end: over a webhook's sender and a provider's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from math import inf
from typing import Any

import pytest

from services.delivery.channels.unanswered import by_endpoint, by_provider
from services.delivery.core.attempts import AttemptFault, Failed
from services.delivery.outbound.http import HttpAnswer, HttpClient, HttpRequest, NoAnswer, Trouble

pytestmark = pytest.mark.real
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HANG_UP = b""
Script = Callable[[int], bytes]
"""From the number of a request on its connection, from 1, to what is written; HANG_UP: the connection ends."""


def with_headers(*headers: bytes) -> bytes:
    return OK.replace(b"\r\nContent", b"\r\n" + b"".join(header + b"\r\n" for header in headers) + b"Content")


class Server:
    """It reads requests, and answers by its script."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests = 0
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = 0
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.lower().split(b"content-length:")[1].split()[0]))
                number += 1
                self.requests += 1
                said = self.script(number)
                writer.write(said)
                if said == HANG_UP:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def serving(script: Script, seconds: float = 10) -> AsyncIterator[tuple[Server, Callable[[], Any]]]:
    """The server, and a post to it over one client."""
    made = Server(script)
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    client = HttpClient(timeout_seconds=seconds)
    request = HttpRequest(url=f"http://127.0.0.1:{port}/", headers={"content-type": "text/plain"}, body=b"{}")
    try:
        yield made, lambda: client.post(request, inf, tenant="acme")
    finally:
        await client.close()
        listening.close()


@pytest.mark.parametrize(
    "said",
    [
        with_headers(b"Content-Security-Policy: " + b"a" * 9_000),
        with_headers(b"Content-Security-Policy: " + b"a" * 60_000),
        with_headers(*(b"Set-Cookie: c%d=%s" % (number, b"b" * 500) for number in range(150))),
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK,
    ],
)
async def test_a_long_head_is_read(said: bytes) -> None:
    async with serving(lambda _: said) as (server, post):
        for _ in range(2):
            found = await post()
            assert isinstance(found, HttpAnswer)
            assert (found.status, found.body) == (200, b"ok")
        assert server.connections == 1


@pytest.mark.parametrize(
    "said",
    [
        with_headers(b"X: " + b"a" * 70_000),
        with_headers(*(b"X%d: %s" % (number, b"a" * 60_000) for number in range(10))),
        with_headers(*(b"X%d: 1" % number for number in range(1_100))),
        b"220 mail.example.com ESMTP\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A : 1\r\n\r\n",
    ],
)
async def test_what_cannot_be_read_may_have_been_taken_by_who_is_there(said: bytes) -> None:
    async with serving(lambda _: said) as (server, post):
        found = await post()
        assert found == NoAnswer(Trouble.UNREADABLE, "unreadable_answer")
        assert by_provider(found) == Failed(code="unreadable_answer", fault=AttemptFault.PROVIDER, unconfirmed=True)
        assert server.requests == 1


async def test_a_kept_connection_that_has_ended_parks_nobody() -> None:
    """Servers end idle connections; a request that was on its way then may have been taken, and is not sent at once again."""
    async with serving(lambda number: OK if number == 1 else HANG_UP) as (server, post):
        assert isinstance(await post(), HttpAnswer)
        found = await post()
        assert (found.trouble, server.requests, server.connections) == (Trouble.ENDED, 2, 1)
        expected = Failed(code=found.code, fault=AttemptFault.PROVIDER, unconfirmed=True)
        assert by_provider(found) == expected
        assert by_endpoint(found) == Failed(code=found.code, unconfirmed=True)


async def test_a_new_connection_that_ends_is_silence() -> None:
    async with serving(lambda _: HANG_UP) as (server, post):
        for _ in range(2):
            found = await post()
            assert found.trouble is Trouble.UNCONFIRMED
            assert by_provider(found).cool_down
        assert server.connections == 2


async def test_a_kept_connection_that_falls_silent_is_silence() -> None:
    gate = asyncio.Event()

    def script(number: int) -> bytes:
        if number > 1:
            gate.set()
        return OK if number == 1 else b"HTTP/1.1 "

    async with serving(script, seconds=0.5) as (_, post):
        assert isinstance(await post(), HttpAnswer)
        found = await post()
        assert found == NoAnswer(Trouble.UNCONFIRMED, "TimeoutError")
        assert by_provider(found).cool_down
        assert gate.is_set()


async def test_an_idle_connection_is_given_up_before_servers_do() -> None:
    client = HttpClient(timeout_seconds=1)
    connector = client._open().connector
    assert connector is not None
    assert connector._keepalive_timeout < 5
    await client.close()


async def test_a_head_without_end_is_read_no_further() -> None:
    written = 0

    async def pour(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\n")
        try:
            while True:
                writer.write(b"X: " + b"a" * 60_000 + b"\r\n")
                await writer.drain()
                written += 60_000
        except ConnectionError:
            return
        finally:
            writer.close()

    async with await asyncio.start_server(pour, "127.0.0.1", 0) as listening:
        client = HttpClient(timeout_seconds=10)
        request = HttpRequest(url=f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/", headers={}, body=b"{}")
        assert await client.post(request, inf, tenant="acme") == NoAnswer(Trouble.UNREADABLE, "unreadable_answer")
        await client.close()
    assert written < 30_000_000, "what the kernel takes, and no more"
