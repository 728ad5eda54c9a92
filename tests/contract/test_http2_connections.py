"""Connections of HTTP/2 that go silent, break, or say goodbye: who waits hears of it, and the next goes over another."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from sandbox.sink.faults import HttpFault, HttpMode
from sandbox.sink.http2 import Http2Answer
from services.delivery.outbound.http import NoAnswer, Trouble
from services.delivery.outbound.http2 import MAX_CONNECTIONS, Http2Client
from services.delivery.outbound.http2_connection import IDLE_SECONDS
from tests.contract.http2_scene import HANG, Server, echo, post, server_tls, speaking_otherwise

pytestmark = pytest.mark.real


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server(echo).listening() as found:
        yield found


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Http2Client]:
    found = Http2Client(server.url, timeout_seconds=1)
    yield found
    await found.close()
    await found.close()


async def test_one_that_hangs_holds_up_no_other_on_its_connection(server: Server, client: Http2Client) -> None:
    server.handler = lambda request: Http2Answer(status=200, fault=HANG) if request.path == "/slow" else echo(request)
    assert (await post(client)).status == 200
    slow = asyncio.create_task(post(client, path="/slow"))
    await server.is_asked(2)
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
    async def silent(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with speaking_otherwise(silent) as url:
        client = Http2Client(url, timeout_seconds=0.3)
        assert await post(client) == NoAnswer(Trouble.BROKEN, "TimeoutError")
        await client.close()


async def test_after_goodbye_the_next_goes_over_another_connection(server: Server, client: Http2Client) -> None:
    assert (await post(client)).status == 200
    server.connections[0].say_goodbye()
    await server.has_open(0)
    assert (await post(client)).status == 200
    assert len(server.connections) == 2


async def test_what_was_under_way_at_a_goodbye_may_have_been_taken(server: Server, client: Http2Client) -> None:
    server.handler = lambda _: Http2Answer(status=200, fault=HANG)
    waiting = asyncio.create_task(post(client))
    await server.is_asked(1)
    server.connections[0].say_goodbye()
    assert await waiting == NoAnswer(Trouble.UNCONFIRMED, "GoAway")


async def test_a_connection_that_breaks_leaves_nobody_waiting(server: Server, client: Http2Client) -> None:
    server.handler = lambda _: Http2Answer(status=200, fault=HANG)
    waiting = [asyncio.create_task(post(client)) for _ in range(50)]
    await server.is_asked(50)
    waiting[0].cancel()  # one that gave up before must not keep the others from hearing of it
    await asyncio.sleep(0)
    server.connections[0]._abort()
    found = await asyncio.gather(*waiting[1:])
    assert set(found) == {NoAnswer(Trouble.UNCONFIRMED, "ConnectionLost")}


async def test_when_all_have_been_idle_for_too_long_there_is_another_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is between may have forgotten them: nothing of ours arrives, not even a goodbye, and nobody says so."""
    monkeypatch.setattr("services.delivery.outbound.http2_connection.MAX_STREAMS", 1)
    async with Server(echo).listening(server_tls(trustme.CA(), tmp_path, "h2")) as found:
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


async def test_what_does_not_fit_goes_another_way_and_breaks_nothing(server: Server, client: Http2Client) -> None:
    server.handler = lambda request: (
        Http2Answer(status=200, fault=HttpFault(mode=HttpMode.SLOW, seconds=0.5))
        if request.path == "/slow"
        else Http2Answer(status=200)
    )
    slow = asyncio.create_task(post(client, path="/slow"))
    await server.is_asked(1)
    server.connections[0]._h2.acknowledge_received_data = lambda size, stream: None
    assert [(await post(client, b"x" * 4000)).status for _ in range(20)] == [200] * 20
    assert (await slow).status == 200
    assert len(server.connections) == 2
