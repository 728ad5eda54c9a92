"""What browsers and proxies need of the gateway, over real ports."""

from __future__ import annotations

import asyncio

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from services.gateway.core.limits import FULL_SECONDS, HAND_OVER_SLICE
from services.gateway.live import server
from tests.integration.gateway.stage import GatewayStage, InboxClient, running, token

GOOD, ALSO = "http://good.example", "https://also.example:8443"


@pytest.fixture
async def stage(names):
    async with running(names) as found:
        yield found


@pytest.mark.parametrize("origin", [GOOD, ALSO])
async def test_a_page_of_an_allowed_origin_may_use_the_inbox_and_the_sockets(stage: GatewayStage, origin):
    asked = {
        "origin": origin,
        "access-control-request-method": "PUT",
        "access-control-request-headers": "authorization",
    }
    async with stage.http.options(f"{stage.rest_url}/read-all", headers=asked) as answer:
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (204, origin)
    headers = {"authorization": f"Bearer {token('ann')}", "origin": origin}
    async with stage.http.put(f"{stage.rest_url}/read-all", headers=headers) as answer:
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, origin)
    async with connect(stage.socket_url, origin=Origin(origin)):
        pass


async def test_head_a_slash_and_what_is_not_utf8(stage: GatewayStage):
    headers = {"authorization": f"Bearer {token('ann')}"}
    async with stage.http.head(f"{stage.rest_url}/count", headers=headers) as answer:
        assert (answer.status, await answer.read()) == (200, b"")
    async with stage.http.get(f"{stage.rest_url}/count/", headers=headers, allow_redirects=False) as answer:
        assert (answer.status, (await answer.json())["count"]) == (200, 0)
    assert (await stage.call("GET", "?notification_type=%ff"))[0] == 400


async def test_why_a_token_is_refused_is_said_by_http_and_by_socket(stage: GatewayStage):
    expired = token("ann", ttl=-5)
    status, problem = await stage.call("GET", "", headers={"authorization": f"Bearer {expired}"})
    assert (status, "`exp`" in problem["detail"]) == (401, True)
    async with connect(stage.socket_url) as opened:
        client = InboxClient(socket=opened)
        await client.say(type="auth", token=expired)
        assert await client.closed() == 4401
        assert "`exp`" in (opened.close_reason or "")


async def test_beyond_its_connections_a_process_tells_clients_to_come_back(names):
    async with running(names, max_connections=1) as stage:
        async with stage.client("ann") as ann:
            await ann.next("hello")
            async with connect(stage.socket_url) as opened:
                assert await InboxClient(socket=opened).closed() == 1013
        async with stage.client("bob") as bob:
            await bob.next("hello")


async def test_beyond_those_that_it_can_tell_so_a_process_answers_503(names, monkeypatch):
    monkeypatch.setattr(server, "MAX_REFUSED_CONNECTIONS", 0)
    async with running(names, max_connections=1) as stage, stage.client("ann") as ann:
        await ann.next("hello")
        with pytest.raises(InvalidStatus) as refused:
            await connect(stage.socket_url)
        response = refused.value.response
        assert (response.status_code, response.headers["Retry-After"]) == (503, str(FULL_SECONDS))


async def test_a_process_that_ends_sends_its_clients_away_slice_by_slice(names):
    async with running(names, drain_seconds=30) as stage:
        clients = [await connect(stage.socket_url) for _ in range(2 * HAND_OVER_SLICE + 1)]
        listening = [InboxClient(socket=opened) for opened in clients]
        for number, client in enumerate(listening):
            await client.say(type="auth", token=token(f"user-{number}"))
            await client.next("hello")
        stage.runtime.stop.set()
        codes = await asyncio.gather(*(client.closed() for client in listening))
        assert set(codes) == {1012}
        assert all([told["type"] for told in client.told][-1] == "reconnect" for client in listening)
