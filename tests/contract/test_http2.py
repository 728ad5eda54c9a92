"""HTTP/2 as a client: bounded, with TLS, and nothing is written after its time."""

from __future__ import annotations

import asyncio
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from sandbox.sink.faults import HttpFault, HttpMode
from sandbox.sink.http2 import Http2Answer, Http2Server
from services.delivery.core.attempts import LeaseTooShort
from services.delivery.outbound.http import MAX_READ, HttpAnswer, NoAnswer, Trouble
from services.delivery.outbound.http2 import MAX_CONNECTIONS, Http2Client
from tests.contract.http2_scene import Server, echo, post, server_tls, speaking_otherwise

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
    async with Server(echo).listening(server_tls(trustme.CA(), tmp_path, "h2")) as found:
        trusting = Http2Client(found.url, timeout_seconds=2, ca_file=tmp_path / "ca.pem")
        assert (await post(trusting)).status == 200
        await trusting.close()
        wary = Http2Client(found.url, timeout_seconds=2)
        assert await post(wary) == NoAnswer(Trouble.UNREACHABLE, "unreachable")
        await wary.close()


async def test_a_server_without_http2_is_none(tmp_path: Path) -> None:
    async with Server(echo).listening(server_tls(trustme.CA(), tmp_path)) as found:
        client = Http2Client(found.url, timeout_seconds=2, ca_file=tmp_path / "ca.pem")
        assert await post(client) == NoAnswer(Trouble.UNREACHABLE, "unreachable")
        await client.close()


async def test_nobody_there_is_unreachable_and_junk_is_no_answer() -> None:
    assert await post(Http2Client("http://127.0.0.1:1", timeout_seconds=1)) == NoAnswer(
        Trouble.UNREACHABLE, "unreachable"
    )

    async def junk(reader: StreamReader, writer: StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 20)
        await writer.drain()
        writer.close()

    async with speaking_otherwise(junk) as url:
        client = Http2Client(url, timeout_seconds=1)
        assert await post(client) == NoAnswer(Trouble.UNREACHABLE, "unreachable")
        await client.close()


async def test_of_a_gigabyte_no_more_is_read_than_of_any_answer(server: Server, client: Http2Client) -> None:
    server.handler = lambda _: Http2Answer(status=200, fault=HttpFault(mode=HttpMode.HUGE))
    found = await post(client)
    assert (found.status, len(found.body)) == (200, MAX_READ)
    server.handler = echo
    assert (await post(client)).status == 200


async def test_after_its_time_nothing_is_written(server: Server, client: Http2Client) -> None:
    assert await post(client, send_before=time.monotonic() - 1) == LeaseTooShort()
    made = server.accept

    def slowly() -> Http2Server:
        time.sleep(0.4)  # the loop is one, so nothing goes on meanwhile
        return made()

    server.accept = slowly
    async with server.listening():
        slow = Http2Client(server.url, timeout_seconds=1)
        assert await post(slow, send_before=time.monotonic() + 0.2) == LeaseTooShort()
        assert server.requests == []
        await slow.close()
