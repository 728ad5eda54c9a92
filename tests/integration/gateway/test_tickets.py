"""Sockets that are opened by a ticket in their URL."""

from __future__ import annotations

import json

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from services.gateway.tickets.socket_identity import WRONG_TICKET
from tests.support.env import Harness

PATH = "/api/v1/notifications/tickets"


async def test_a_ticket_opens_one_socket_and_a_token_in_the_url_none(harness: Harness) -> None:
    await harness.start("gateway")
    socket, token = f"ws://127.0.0.1:{harness.ports['sockets']}/", harness.token("ann")
    async with aiohttp.ClientSession() as http:
        async with http.post(harness.url("gateway") + PATH) as refused:
            assert refused.status == 401
        async with http.post(harness.url("gateway") + PATH, headers={"authorization": f"Bearer {token}"}) as answer:
            assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
            found = await answer.json()
        async with http.get(
            harness.url("gateway") + "/api/v1/notifications", headers={"authorization": f"Bearer {found['ticket']}"}
        ) as no_token:
            assert no_token.status == 401
    async with connect(f"{socket}?ticket={found['ticket']}") as opened:
        hello = json.loads(await opened.recv())
        assert (hello["type"], hello["user"]) == ("hello", "ann")
    async with connect(f"{socket}?ticket={found['ticket']}") as opened:
        with pytest.raises(ConnectionClosed):
            await opened.recv()
        assert (opened.close_code, opened.close_reason) == (4401, WRONG_TICKET)
    async with connect(f"{socket}?ticket={token}") as opened:
        await opened.send(json.dumps({"type": "ping"}))
        with pytest.raises(ConnectionClosed):
            await opened.recv()
        assert opened.close_code == 4401
    assert found["ticket"] not in harness.log("gateway")
