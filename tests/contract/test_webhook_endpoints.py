"""The webhook sender over endpoints that hang up or fall silent, and connections that come too late."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf

import pytest
from aiohttp.abc import ResolveResult

from services.delivery.channels.webhook.http import WebhookSender
from services.delivery.channels.webhook.settings import WebhookSettings
from services.delivery.core.attempts import Failed, LeaseTooShort, Outcome, Sent
from services.delivery.outbound.resolver import PooledResolver
from shared.model.channels import Channel
from tests.support import samples as a

pytestmark = pytest.mark.real
ANSWER = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"


class Endpoint:
    """It takes requests and writes `answer`; None: it says nothing."""

    def __init__(self, answer: bytes | None) -> None:
        self.answer = answer
        self.bodies: list[bytes] = []
        self.ended = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split()[0])
            self.bodies.append(await reader.readexactly(length))
            if self.answer is None:
                await self.ended.wait()
            else:
                writer.write(self.answer)
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.close()


@asynccontextmanager
async def endpoint(answer: bytes | None) -> AsyncIterator[tuple[Endpoint, int]]:
    made = Endpoint(answer)
    async with await asyncio.start_server(made.serve, "127.0.0.1", 0) as server:
        yield made, server.sockets[0].getsockname()[1]
        made.ended.set()


async def post(
    port: int, send_before: float = inf, host: str = "127.0.0.1", seconds: float = 10
) -> Outcome | LeaseTooShort:
    sender = WebhookSender(
        WebhookSettings(webhook_secret="w" * 40, webhook_allow="127.0.0.0/8", webhook_timeout_seconds=seconds)
    )
    try:
        address = f"http://{host}:{port}/hook"
        return await sender.send(a.delivery(channel=Channel.WEBHOOK, address=address), a.workflow(), send_before)
    finally:
        await sender.close()


@pytest.mark.parametrize(("answer", "seconds"), [(b"", 10), (b"HTTP/1.1 2", 10), (None, 0.3)])
async def test_without_an_answer_the_endpoint_may_have_taken_it(answer: bytes | None, seconds: float) -> None:
    async with endpoint(answer) as (made, port):
        outcome = await post(port, seconds=seconds)
        assert isinstance(outcome, Failed)
        assert outcome.unconfirmed
        assert outcome.cool_down
        assert len(made.bodies) == 1


async def test_whom_nobody_reached_took_nothing() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        outcome = await post(unused.getsockname()[1])
    assert outcome == Failed(code="unreachable", cool_down=True)


async def test_an_answer_is_an_answer() -> None:
    async with endpoint(b"HTTP/1.1 503 no\r\nContent-Length: 0\r\n\r\n") as (_, port):
        assert await post(port) == Failed(code="503")


async def test_nothing_is_written_when_the_connection_came_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    late = time.monotonic() + 0.2

    async def resolve(_self: object, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        await asyncio.sleep(max(0.0, late - time.monotonic()))
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)]

    monkeypatch.setattr(PooledResolver, "resolve", resolve)
    async with endpoint(ANSWER) as (made, port):
        assert isinstance(await post(port, late, "slow.example.com"), LeaseTooShort)
        assert made.bodies == []
        assert await post(port, inf, "slow.example.com") == Sent(receipt="204")
        assert len(made.bodies) == 1
