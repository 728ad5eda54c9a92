"""What clients of Socket.IO may not do: the bounds of the gateway's sockets, and that others are served meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from shared.process.gateway_metrics import GATEWAY_REJECTIONS
from tests.integration.gateway.dialects.node_clients import LOCAL, SocketIoClient
from tests.integration.gateway.dialects.scene import both
from tests.integration.gateway.stage import GatewayStage, token
from tests.support.raw_sockets import FIN, PING, TEXT, frame
from tests.support.wait import until

ADDRESS, OTHER = "203.0.113.1", "203.0.113.2"
SOCKETS, UNAUTHENTICATED = 3, 2
FLOOD = 50_000


@pytest.fixture
async def stage(names) -> AsyncIterator[GatewayStage]:
    limits = {
        "sockets_per_address": SOCKETS,
        "unauthenticated_per_address": UNAUTHENTICATED,
        "handshakes_per_address": 2.0,
        "trusted_proxies": "127.0.0.0/8",
    }
    async with both(names, **limits) as found:
        yield found


class Raw:
    """Engine.IO by hand."""

    def __init__(self, stage: GatewayStage) -> None:
        self.stage = stage
        self.url = f"{LOCAL}:{stage.socketio_port}/socket.io/?EIO=4&transport="

    async def begin(self, address: str | None = None) -> tuple[int, str]:
        """A handshake by polling: its status, and the id of the session."""
        headers = {"X-Forwarded-For": f"198.51.100.77, {address}"} if address else {}
        async with self.stage.http.get(self.url + "polling", headers=headers) as answer:
            text = await answer.text()
            return answer.status, text.split('"sid":"')[1].split('"')[0] if answer.status == 200 else ""

    async def post(self, sid: str, body: Any) -> int:
        async with self.stage.http.post(f"{self.url}polling&sid={sid}", data=body) as answer:
            return answer.status

    async def lives(self, sid: str) -> bool:
        return await self.post(sid, "3") == 200

    async def is_cut(self, sid: str) -> None:
        async def cut() -> bool:
            return not await self.lives(sid)

        await until(cut, what="the session is over")

    def socket(self, address: str | None = None) -> Any:
        headers = {"X-Forwarded-For": address} if address else {}
        return self.stage.http.ws_connect(self.url + "websocket", headers=headers)


async def ended(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """How the server ended it."""
    async with asyncio.timeout(30):
        while (await socket.receive()).type not in {
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSMsgType.CLOSED,
            aiohttp.WSMsgType.ERROR,
        }:
            pass
    return socket.close_code


def rejected(why: str) -> float:
    return GATEWAY_REJECTIONS.labels(why)._value.get()


async def others_are_served(stage: GatewayStage) -> None:
    options = {"auth": {"token": token("2")}}
    async with SocketIoClient.driven("socketio.mjs", url=f"{LOCAL}:{stage.socketio_port}", options=options) as page:
        await page.until(lambda: page.welcomed, "in")
        await stage.arrive("2")
        await page.until(lambda: page.shown, "an item")


async def test_sockets_of_one_address(stage: GatewayStage) -> None:
    raw, before = Raw(stage), rejected("unauthenticated_per_address")
    async with AsyncExitStack() as stack:
        for _ in range(UNAUTHENTICATED):
            socket = await stack.enter_async_context(raw.socket(ADDRESS))
            await socket.send_str(f'40{{"token":"{token("2")}"}}')
            while "facilitator_auth_success" not in (await socket.receive_str()):
                pass
        assert (await raw.begin(ADDRESS))[0] == 200
        assert (await raw.begin(ADDRESS))[0] == 503, "one too many, whoever they are"
        assert rejected("sockets_per_address") > 0
        assert (await raw.begin(OTHER))[0] == 200

    async def room() -> bool:
        status, sid = await raw.begin(ADDRESS)
        if sid:
            await raw.post(sid, "1")
        return status == 200

    await until(room, what="room, when sockets of the address have ended")
    assert rejected("unauthenticated_per_address") == before


async def test_those_who_show_no_token(stage: GatewayStage) -> None:
    raw = Raw(stage)
    begun = [await raw.begin(ADDRESS) for _ in range(UNAUTHENTICATED)]
    assert [status for status, _ in begun] == [200, 200]
    assert (await raw.begin(ADDRESS))[0] == 503
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await raw.socket(ADDRESS)
    assert refused.value.status == 503
    for _, sid in begun:
        await raw.is_cut(sid)
    assert (await raw.begin(ADDRESS))[0] == 200, "there is room again"


async def test_handshakes_of_one_address(stage: GatewayStage) -> None:
    raw, found = Raw(stage), []
    while 429 not in found:
        status, sid = await raw.begin(ADDRESS)
        found.append(status)
        if sid:
            await raw.post(sid, "1")
    assert set(found) == {200, 429}
    assert len(found) > 20
    assert (await raw.begin(OTHER))[0] == 200


async def test_who_leaves_and_stays_is_cut_off(stage: GatewayStage) -> None:
    """A session without a client, and one whose client has gone: neither says who it is."""
    raw = Raw(stage)
    (_, silent), (_, left) = await raw.begin(), await raw.begin()
    assert await raw.post(left, "40") == 200
    assert await raw.post(left, "41") == 200
    await raw.is_cut(silent)
    await raw.is_cut(left)


@pytest.mark.parametrize("binary", [False, True])
async def test_what_is_large_before_a_token(stage: GatewayStage, binary: bool) -> None:
    large = '42["facilitator_connect",{"facilitator_id":2,"token":"' + "x" * 13_000 + '"}]'
    async with Raw(stage).socket() as socket:
        await socket.send_str("40")
        await (socket.send_bytes(large.encode()) if binary else socket.send_str(large))
        assert await ended(socket) == 1009
    await others_are_served(stage)


async def test_what_is_large_after_it_is_heard(stage: GatewayStage) -> None:
    async with Raw(stage).socket() as socket:
        await socket.send_str(f'40{{"token":"{token("2")}"}}')
        while "facilitator_auth_success" not in (await socket.receive_str()):
            pass
        await socket.send_str('42["make_coffee",{"with":"' + "x" * 40_000 + '"}]')
        async with asyncio.timeout(30):
            while "make_coffee" not in (await socket.receive_str()):
                pass


async def test_requests_that_are_too_large_or_do_not_say_how_large(stage: GatewayStage) -> None:
    raw = Raw(stage)

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 1_000

    for body, status in (("4" + "x" * 13_000, 413), (endless(), 411)):
        _, sid = await raw.begin()
        assert await raw.post(sid, body) == status
        await raw.is_cut(sid)
    await others_are_served(stage)


@pytest.mark.parametrize(
    "attack",
    [
        frame(FIN | PING, b"x" * 125) * FLOOD,
        frame(TEXT, b"4") + frame(0, b" ") * FLOOD,
        frame(FIN | TEXT, b"3") * FLOOD,
    ],
    ids=["pings", "fragments", "messages"],
)
async def test_floods(stage: GatewayStage, attack: bytes) -> None:
    before = rejected("frames")
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.socketio_port)
    writer.write(
        b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    assert b"101" in await reader.readline()
    writer.write(attack)

    async def counted() -> bool:
        return rejected("frames") > before

    await until(counted, what="it is counted")
    await others_are_served(stage)
    async with asyncio.timeout(30):
        try:
            while await reader.read(65_536):
                pass
        except ConnectionError:
            pass
    writer.transport.abort()
