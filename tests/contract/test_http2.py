"""HTTP/2 as a client: bounded, with TLS, and over connections that end in every way that connections end."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from math import inf
from pathlib import Path
from typing import Any

import pytest
import trustme

from sandbox.sink.faults import HttpFault, HttpMode
from sandbox.sink.http2 import AnswerRequest, Http2Answer, Http2Request, Http2Server
from services.delivery.core.attempts import LeaseTooShort
from services.delivery.outbound.http import MAX_READ, HttpAnswer, HttpRequest, NoAnswer, Trouble
from services.delivery.outbound.http2 import MAX_CONNECTIONS, Http2Client
from services.delivery.outbound.http2_connection import IDLE_SECONDS

pytestmark = pytest.mark.real
HANG = HttpFault(mode=HttpMode.HANG)


class Server:
    """Answers as `handler` says; counts connections."""

    def __init__(self, handler: AnswerRequest) -> None:
        self.handler = handler
        self.connections: list[Http2Server] = []
        self.requests: list[Http2Request] = []
        self.url = ""

    def accept(self) -> Http2Server:
        made = Http2Server(self._answer)
        self.connections.append(made)
        return made

    def _answer(self, request: Http2Request) -> Http2Answer:
        self.requests.append(request)
        return self.handler(request)

    async def listen(self, tls: ssl.SSLContext | None = None) -> asyncio.Server:
        found = await asyncio.get_running_loop().create_server(self.accept, "127.0.0.1", 0, ssl=tls)
        self.url = f"http{'s' if tls else ''}://localhost:{found.sockets[0].getsockname()[1]}"
        return found


def echo(request: Http2Request) -> Http2Answer:
    return Http2Answer(status=200, headers={"x-path": request.path}, body=request.body)


@pytest.fixture(autouse=True)
async def _the_other_ends_hear_of_it() -> AsyncIterator[None]:
    yield
    await asyncio.sleep(0.05)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    found = Server(echo)
    listening = await found.listen()
    yield found
    listening.close()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Http2Client]:
    found = Http2Client(server.url, timeout_seconds=1)
    yield found
    await found.close()
    await found.close()


async def post(client: Http2Client, body: bytes = b"{}", send_before: float = inf, path: str = "/3/device/1") -> Any:
    request = HttpRequest(url=f"http://localhost{path}", headers={"x-a": "b"}, body=body)
    return await client.post(request, send_before, tenant="acme")


def server_tls(authority: trustme.CA, folder: Path) -> ssl.SSLContext:
    """Of localhost, with HTTP/2; `ca.pem` in the folder says whom to trust."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    context.set_alpn_protocols(["h2"])
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    return context


async def test_a_thousand_at_once_are_answered_each_with_its_own(server: Server, client: Http2Client) -> None:
    async def one(number: int) -> bool:
        body = f"{number}".encode() * 500
        found = await post(client, body, path=f"/{number}?q")
        return isinstance(found, HttpAnswer) and (found.body, found.headers["X-Path"]) == (body, f"/{number}?q")

    patient = Http2Client(server.url, timeout_seconds=30)
    assert all(await asyncio.gather(*(one(number) for number in range(10))))
    found = await asyncio.gather(*(post(patient, b"x" * 4000) for _ in range(1000)))
    await patient.close()
    assert [each.status for each in found] == [200] * 1000
    assert len(server.connections) <= 1 + MAX_CONNECTIONS


async def test_answers_of_a_megabyte_in_all_leave_the_window_open(server: Server, client: Http2Client) -> None:
    """What was read is acknowledged: else the server may say nothing any more after 64 KiB of errors."""
    server.handler = lambda _: Http2Answer(status=400, body=b"x" * 8192)
    for _ in range(128):
        assert (await post(client)).status == 400
    assert len(server.connections) == 1


async def test_the_other_half_is_known_by_its_certificate(tmp_path: Path) -> None:
    authority, found = trustme.CA(), Server(echo)
    listening = await found.listen(server_tls(authority, tmp_path))
    trusting = Http2Client(found.url, timeout_seconds=2, ca_file=tmp_path / "ca.pem")
    assert (await post(trusting)).status == 200
    await trusting.close()
    wary = Http2Client(found.url, timeout_seconds=2)
    assert await post(wary) == NoAnswer(Trouble.UNREACHABLE, "unreachable")
    await wary.close()
    listening.close()


async def test_a_server_without_http2_is_none(tmp_path: Path) -> None:
    authority, found = trustme.CA(), Server(echo)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    listening = await found.listen(context)
    client = Http2Client(found.url, timeout_seconds=2, ca_file=tmp_path / "ca.pem")
    assert await post(client) == NoAnswer(Trouble.UNREACHABLE, "unreachable")
    await client.close()
    listening.close()


async def test_nobody_there_is_unreachable_and_junk_is_no_answer() -> None:
    assert await post(Http2Client("http://127.0.0.1:1", timeout_seconds=1)) == NoAnswer(
        Trouble.UNREACHABLE, "unreachable"
    )

    async def junk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 20)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(junk, "127.0.0.1", 0) as listening:
        client = Http2Client(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", timeout_seconds=1)
        assert await post(client) == NoAnswer(Trouble.UNREACHABLE, "unreachable")
        await client.close()


async def test_one_that_hangs_holds_up_no_other_on_its_connection(server: Server, client: Http2Client) -> None:
    server.handler = lambda request: Http2Answer(status=200, fault=HANG) if request.path == "/slow" else echo(request)
    assert (await post(client)).status == 200
    slow = asyncio.create_task(post(client, path="/slow"))
    await asyncio.sleep(0.2)
    assert (await post(client)).status == 200
    assert await slow == NoAnswer(Trouble.UNCONFIRMED, "TimeoutError")
    assert (await post(client)).status == 200
    assert len(server.connections) == 1


async def test_a_connection_over_which_nothing_comes_any_more_is_left(server: Server, client: Http2Client) -> None:
    assert (await post(client)).status == 200
    for connection in server.connections:
        connection.data_received = lambda data: None
    assert await post(client) == NoAnswer(Trouble.UNCONFIRMED, "TimeoutError")
    assert (await post(client)).status == 200
    assert len(server.connections) == 2


async def test_a_server_that_says_nothing_at_all_is_given_up() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as listening:
        client = Http2Client(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", timeout_seconds=0.3)
        began = time.monotonic()
        assert await post(client) == NoAnswer(Trouble.BROKEN, "TimeoutError")
        assert time.monotonic() - began < 1
        await client.close()


async def test_after_goodbye_the_next_goes_over_another_connection(server: Server, client: Http2Client) -> None:
    assert (await post(client)).status == 200
    server.connections[0].say_goodbye()
    await asyncio.sleep(0.05)
    assert (await post(client)).status == 200
    assert len(server.connections) == 2


async def test_what_was_under_way_at_a_goodbye_may_have_been_taken(server: Server, client: Http2Client) -> None:
    server.handler = lambda _: Http2Answer(status=200, fault=HANG)
    waiting = asyncio.create_task(post(client))
    await asyncio.sleep(0.2)
    server.connections[0].say_goodbye()
    assert await waiting == NoAnswer(Trouble.UNCONFIRMED, "GoAway")


async def test_a_connection_that_breaks_leaves_nobody_waiting(server: Server, client: Http2Client) -> None:
    server.handler = lambda _: Http2Answer(status=200, fault=HANG)
    waiting = [asyncio.create_task(post(client)) for _ in range(50)]
    await asyncio.sleep(0.2)
    waiting[0].cancel()  # one that gave up before must not keep the others from hearing of it
    await asyncio.sleep(0)
    server.connections[0]._abort()
    found = await asyncio.gather(*waiting[1:])
    assert set(found) == {NoAnswer(Trouble.UNCONFIRMED, "ConnectionLost")}


async def test_of_a_gigabyte_no_more_is_read_than_of_any_answer(server: Server, client: Http2Client) -> None:
    server.handler = lambda _: Http2Answer(status=200, fault=HttpFault(mode=HttpMode.HUGE))
    found = await post(client)
    assert (found.status, len(found.body)) == (200, MAX_READ)
    server.handler = echo
    assert (await post(client)).status == 200


async def test_when_all_have_been_idle_for_too_long_there_is_another_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is between may have forgotten them: nothing of ours arrives, not even a goodbye, and nobody says so."""
    authority, found = trustme.CA(), Server(echo)
    monkeypatch.setattr("services.delivery.outbound.http2_connection.MAX_STREAMS", 1)
    listening = await found.listen(server_tls(authority, tmp_path))
    client = Http2Client(found.url, timeout_seconds=2, ca_file=tmp_path / "ca.pem")
    await asyncio.gather(*(post(client) for _ in range(20)))
    before = len(found.connections)
    assert before == MAX_CONNECTIONS
    for each in found.connections:
        assert each._transport is not None
        each._transport.pause_reading()
    for mine in client._connections:
        mine._heard -= IDLE_SECONDS + 1
    assert (await post(client)).status == 200
    assert len(found.connections) == before + 1
    await client.close()
    for each in found.connections:
        each._abort()
    listening.close()


async def test_after_its_time_nothing_is_written(server: Server, client: Http2Client) -> None:
    assert await post(client, send_before=time.monotonic() - 1) == LeaseTooShort()
    made = server.accept

    def slowly() -> Http2Server:
        time.sleep(0.4)  # the loop is one, so nothing goes on meanwhile
        return made()

    server.accept = slowly
    listening = await server.listen()
    slow = Http2Client(server.url, timeout_seconds=1)
    assert await post(slow, send_before=time.monotonic() + 0.2) == LeaseTooShort()
    assert server.requests == []
    await slow.close()
    listening.close()


async def test_what_does_not_fit_goes_another_way_and_breaks_nothing(server: Server, client: Http2Client) -> None:
    server.handler = lambda request: (
        Http2Answer(status=200, fault=HttpFault(mode=HttpMode.SLOW, seconds=0.5))
        if request.path == "/slow"
        else Http2Answer(status=200)
    )
    slow = asyncio.create_task(post(client, path="/slow"))
    await asyncio.sleep(0.1)
    server.connections[0]._h2.acknowledge_received_data = lambda size, stream: None
    assert [(await post(client, b"x" * 4000)).status for _ in range(20)] == [200] * 20
    assert (await slow).status == 200
    assert len(server.connections) == 2
